//! The language of electrocardiograms: the terms that the pages use, and those among them that describe tracings.

use std::collections::{HashMap, HashSet};

use super::RECORDING;
use super::aside::joined;
use super::text::Clause;
use crate::retrieval::terms;
use crate::{KnowledgeBase, Page, Section};

/// Of an answer about ECGs, more terms than this are the pages', too.
const LEAST_KNOWN: f64 = 0.68;
/// The same for each of its clauses, if it has enough terms to tell.
const LEAST_KNOWN_OF_CLAUSES: f64 = 0.5;
/// Fewer terms than this tell nothing of a clause.
const FEWEST_TERMS: usize = 4;
/// Of an answer about a tracing that uses at most so many of the pages' terms, more terms than this describe one.
const LEAST_DESCRIPTIVE: [(f64, f64); 2] = [(0.92, 0.08), (0.75, 0.25)];
/// A page with fewer describing terms is not about what waves look like.
const LEAST_DESCRIPTIVE_OF_PAGES: f64 = 0.4;
/// A term describes tracings if one page in so many uses it for that.
const ONE_PAGE_IN: usize = 20;

/// Terms of many descriptions that are as frequent in any other text.
const GENERAL: &str = "above show per change without one left point right least under time two below lie long less same \
    appear small short every between within before later pattern low opposite normal minute follow rate more only first \
    second three half large rise fall end start begin part near high full common present single as from over";

/// What the pages of a knowledge base say in which words.
#[derive(Debug)]
pub(super) struct Language {
    known: HashSet<String>,
    descriptive: HashSet<String>,
}

impl Language {
    pub fn new(base: &KnowledgeBase) -> Self {
        let (mut known, mut pages) = (HashSet::new(), HashMap::<String, usize>::new());
        for page in base.pages() {
            let names = std::iter::once(&page.name).chain(&page.synonyms).map(String::as_str);
            known.extend(Section::ALL.map(|section| page.section(section)).into_iter().chain(names).flat_map(terms));
            let used: HashSet<String> = terms(&description(page)).into_iter().collect();
            used.into_iter().for_each(|term| *pages.entry(term).or_default() += 1);
        }
        let least = base.pages().count() / ONE_PAGE_IN;
        let general: HashSet<String> = terms(GENERAL).into_iter().collect();
        let is_descriptive =
            |(term, used): (String, usize)| (used >= least && !general.contains(&term)).then_some(term);
        Self { known, descriptive: pages.into_iter().filter_map(is_descriptive).filter(|term| is_word(term)).collect() }
    }

    /// Whether a word describes tracings.
    pub fn describes(&self, word: &str) -> bool {
        terms(word).iter().any(|term| self.descriptive.contains(term))
    }

    /// Whether an answer, or a sentence of it, is in another language than the pages'.
    pub fn is_foreign(&self, clauses: &[Clause], pages: &[&Page]) -> bool {
        let spoken: Vec<Vec<String>> = clauses.iter().map(|clause| words_of(&joined(clause))).collect();
        let is_strange =
            |clause: &Vec<String>| clause.len() >= FEWEST_TERMS && share(clause, &self.known) < LEAST_KNOWN_OF_CLAUSES;
        if spoken.iter().any(is_strange) {
            return true;
        }
        let all: Vec<String> = spoken.concat();
        let known = share(&all, &self.known);
        let described = share(&all, &self.descriptive);
        let is_of_tracings = || {
            if pages.iter().any(|page| RECORDING.contains(&page.slug.as_str())) {
                return false;
            }
            let described: Vec<String> = pages.iter().flat_map(|page| words_of(page.waveform())).collect();
            share(&described, &self.descriptive) >= LEAST_DESCRIPTIVE_OF_PAGES
        };
        all.len() >= FEWEST_TERMS
            && (known < LEAST_KNOWN
                || LEAST_DESCRIPTIVE.iter().any(|(most, least)| known < *most && described < *least)
                    && is_of_tracings())
    }
}

fn description(page: &Page) -> String {
    format!("{} {}", page.waveform(), page.section(Section::OnTheEcg))
}

fn words_of(text: &str) -> Vec<String> {
    terms(text).into_iter().filter(|term| is_word(term)).collect()
}

fn is_word(term: &str) -> bool {
    !term.starts_with(|c: char| c.is_ascii_digit())
}

fn share(terms: &[String], of: &HashSet<String>) -> f64 {
    terms.iter().filter(|term| of.contains(*term)).count() as f64 / terms.len().max(1) as f64
}

//! What an answer is about: its terms against those of the pages.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::aside;
use super::text::{self, Clause};
use crate::retrieval::terms;
use crate::{KnowledgeBase, Page, Section};

/// The least part of an answer's terms, weighted by how rare they are, that the pages must share.
const LEAST_COVER: f64 = 0.12;
/// The least cover relative to that by the page which covers the answer best.
const LEAST_RATIO: f64 = 0.35;

/// The same for a statement on the recording alone, which has no waveform to describe.
const LEAST_RATIO_OF_REMARKS: f64 = 0.8;

/// The terms of every page, and how many pages have each.
#[derive(Debug)]
pub(super) struct Topics {
    pages: BTreeMap<String, BTreeSet<String>>,
    frequency: HashMap<String, usize>,
}

impl Topics {
    pub fn new(base: &KnowledgeBase) -> Self {
        let mut frequency: HashMap<String, usize> = HashMap::new();
        let mut pages = BTreeMap::new();
        for page in base.pages() {
            let found = features(&page_text(page));
            found.iter().for_each(|term| *frequency.entry(term.clone()).or_default() += 1);
            pages.insert(page.slug.clone(), found);
        }
        Self { pages, frequency }
    }

    /// Whether the answer is about the concepts of the pages, rather than about others or about nothing of the kind.
    pub fn is_about(&self, answer: &str, pages: &[&Page], base: &KnowledgeBase, is_remark: bool) -> bool {
        let said = features(answer);
        let total: f64 = said.iter().map(|term| self.weight(term)).sum();
        if total == 0.0 {
            return false;
        }
        let cover =
            |known: &BTreeSet<String>| said.intersection(known).map(|term| self.weight(term)).sum::<f64>() / total;
        let empty = BTreeSet::new();
        let terms_of = |slug: &str| self.pages.get(slug).unwrap_or(&empty);
        let mut family: BTreeSet<&str> = pages.iter().map(|page| page.slug.as_str()).collect();
        for page in pages {
            family.extend(base.ancestors(page));
        }
        let relatives = base.pages().filter(|page| page.parents.iter().any(|parent| family.contains(parent.as_str())));
        let related: BTreeSet<&str> = relatives.map(|page| page.slug.as_str()).chain(family.iter().copied()).collect();
        let own: BTreeSet<String> = pages.iter().flat_map(|page| terms_of(&page.slug)).cloned().collect();
        let own = cover(&own);
        let others = self.pages.iter().filter(|(slug, _)| !related.contains(slug.as_str()));
        let best = others.map(|(_, known)| cover(known)).fold(0.0, f64::max);
        own >= LEAST_COVER && own >= if is_remark { LEAST_RATIO_OF_REMARKS } else { LEAST_RATIO } * best
    }

    fn weight(&self, term: &str) -> f64 {
        let pages = self.pages.len() as f64;
        let frequency = self.frequency.get(term).copied().unwrap_or(0) as f64;
        // Terms that no page has count little: a language model's turns of phrase are among them.
        if frequency == 0.0 { 1.0 } else { 1.0 + (pages / frequency).ln() }
    }
}

/// The clause that denies a wave of which the pages speak: "no delta wave" of an accessory pathway.
pub(super) fn denied<'a>(clauses: &'a [Clause], pages: &[&Page]) -> Option<&'a Clause> {
    let said: BTreeSet<String> = clauses.iter().flat_map(|clause| aside::affirmed_terms(clause)).collect();
    let of_page = |page: &&Page| {
        text::clauses(page.waveform()).iter().flat_map(|clause| aside::affirmed_terms(clause)).collect::<Vec<_>>()
    };
    let known: BTreeSet<String> = pages.iter().flat_map(of_page).collect();
    clauses
        .iter()
        .find(|clause| aside::denied_terms(clause).iter().any(|term| known.contains(term) && !said.contains(term)))
}

fn page_text(page: &Page) -> String {
    let sections = [Section::Definition, Section::Mechanism, Section::OnTheEcg, Section::Criteria, Section::Waveform]
        .map(|section| page.section(section));
    format!("{}. {}. {}", page.name, page.synonyms.join(". "), sections.join(" "))
}

/// The terms of a text, numbers and letters left out.
fn features(text: &str) -> BTreeSet<String> {
    terms(text).into_iter().filter(|term| !term.starts_with(|c: char| c.is_ascii_digit()) && term.len() > 1).collect()
}

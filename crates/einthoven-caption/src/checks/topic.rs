//! What an answer is about: what it says, in words and pairs of words, against what the pages say.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::RECORDING;
use super::aside::{self, joined};
use super::text::{self, Clause};
use crate::retrieval::terms;
use crate::{KnowledgeBase, Page, Section};

/// The least weight of what an answer shares with the pages, relative to what it shares with the page nearest to it.
const LEAST_RATIO: f64 = 0.5;
/// The same where a number of the answer is one of the pages', or all leads of their walls are named.
const LEAST_RATIO_WITH_FIGURES: f64 = 0.25;
/// The same for a statement on the recording alone, which has no waveform to describe.
const LEAST_RATIO_OF_REMARKS: f64 = 0.3;

/// What speaks for an answer beside its words.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Support {
    /// Nothing: the statement is a remark on the recording.
    Remark,
    /// A number that is one of the pages', or all leads of their walls.
    Figures,
    /// Nothing.
    None,
}

/// What every page says, and on how many pages that is said.
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
            let found = features(&text::clauses(&page_text(page)));
            found.iter().for_each(|feature| *frequency.entry(feature.clone()).or_default() += 1);
            pages.insert(page.slug.clone(), found);
        }
        Self { pages, frequency }
    }

    /// Whether the answer is about the concepts of the pages, rather than about others.
    pub fn is_about(&self, clauses: &[Clause], pages: &[&Page], base: &KnowledgeBase, support: Support) -> bool {
        let said = features(clauses);
        let shared =
            |known: &BTreeSet<String>| said.intersection(known).map(|feature| self.weight(feature)).sum::<f64>();
        let empty = BTreeSet::new();
        let of = |slug: &str| self.pages.get(slug).unwrap_or(&empty);
        let mut family: BTreeSet<&str> = pages.iter().map(|page| page.slug.as_str()).collect();
        for page in pages {
            family.extend(base.ancestors(page));
        }
        let together: BTreeSet<String> = pages.iter().flat_map(|page| of(&page.slug)).cloned().collect();
        let own = family.iter().map(|slug| shared(of(slug))).fold(shared(&together), f64::max);
        if family.iter().any(|slug| RECORDING.contains(slug)) {
            family.extend(RECORDING);
        }
        let is_related =
            |page: &Page| family.contains(page.slug.as_str()) || !base.ancestors(page).is_disjoint(&family);
        let others = base.pages().filter(|page| !is_related(page));
        let best = others.map(|page| shared(of(&page.slug))).fold(0.0, f64::max);
        let least = match support {
            Support::Remark => LEAST_RATIO_OF_REMARKS,
            Support::Figures => LEAST_RATIO_WITH_FIGURES,
            Support::None => LEAST_RATIO,
        };
        own > 0.0 && own >= least * best
    }

    /// The rarer, the weightier; what every page says still weighs something, and what no page says nothing.
    fn weight(&self, feature: &str) -> f64 {
        const OF_ALL: f64 = 0.3;
        let frequency = self.frequency.get(feature).copied().unwrap_or(self.pages.len()) as f64;
        OF_ALL + (self.pages.len() as f64 / frequency).ln()
    }
}

/// The clause that denies a wave of which the pages speak: "no delta wave" of an accessory pathway.
pub(super) fn denied<'a>(clauses: &'a [Clause], pages: &[&Page]) -> Option<&'a Clause> {
    let said: BTreeSet<String> = clauses.iter().flat_map(|clause| aside::affirmed_terms(clause)).collect();
    // "The septal q waves are missing" affirms none.
    let is_of_lost =
        |clause: &&Clause| !clause.iter().any(|token| ["missing", "absent", "lost"].contains(&token.lower.as_str()));
    let of_page = |page: &&Page| {
        let clauses = text::clauses(page.waveform());
        clauses.iter().filter(is_of_lost).flat_map(|clause| aside::affirmed_terms(clause)).collect::<Vec<_>>()
    };
    let known: BTreeSet<String> = pages.iter().flat_map(of_page).collect();
    clauses
        .iter()
        .find(|clause| aside::denied_terms(clause).iter().any(|term| known.contains(term) && !said.contains(term)))
}

/// What a page says of its own condition.
pub(super) fn page_text(page: &Page) -> String {
    let sections = [Section::Definition, Section::Mechanism, Section::OnTheEcg, Section::Criteria, Section::Waveform]
        .map(|section| page.section(section));
    format!("{}. {}. {}", page.name, page.synonyms.join(". "), sections.join(" "))
}

/// The terms of a text and the pairs of them that stand beside each other or have one between them; numbers left out.
fn features(clauses: &[Clause]) -> BTreeSet<String> {
    let mut features = BTreeSet::new();
    for clause in clauses {
        let mut terms = terms(&joined(clause));
        terms.retain(|term| !term.starts_with(|c: char| c.is_ascii_digit()));
        for (i, term) in terms.iter().enumerate() {
            // A single letter says something only beside another term: "P wave".
            features.extend((term.len() > 1).then(|| term.clone()));
            features.extend(terms[i + 1..].iter().take(2).map(|next| format!("{term} {next}")));
        }
    }
    features
}

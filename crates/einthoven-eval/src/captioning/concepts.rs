//! Clinical concepts in captions: are the right ones named, and no others?

use std::collections::{BTreeMap, BTreeSet};

use einthoven_caption::KnowledgeBase;
use serde::{Deserialize, Serialize};

/// The concepts that a text affirms, as slugs of the knowledge base's pages.
///
/// Sentences (up to a full stop, semicolon or line's end) are [read](KnowledgeBase::read) one by one. What one denies ("no
/// evidence of infarction") is not there; what it calls possible or probable is. Of a concept and a broader one in the same
/// sentence the narrower counts.
pub fn concepts(base: &KnowledgeBase, text: &str) -> BTreeSet<String> {
    let slugs =
        |sentence| -> Vec<String> { base.read(sentence).present().map(|found| found.page.slug.clone()).collect() };
    sentences(text).flat_map(slugs).collect()
}

/// The parts between semicolons, line ends, and full stops that end a word: that of "2.5 mm" ends none.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let ends = |(place, c): (usize, char)| {
        let after = text[place + c.len_utf8()..].chars().next();
        matches!(c, ';' | '\n' | '!' | '?') || (c == '.' && after.is_none_or(char::is_whitespace))
    };
    let mut start = 0;
    let stops: Vec<usize> = text.char_indices().filter(|&end| ends(end)).map(|(place, _)| place).collect();
    stops.into_iter().chain([text.len()]).map(move |stop| {
        let sentence = &text[start.min(stop)..stop];
        start = stop + 1;
        sentence
    })
}

/// How often a concept was named rightly, wrongly, or not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    right: u64,
    wrong: u64,
    missed: u64,
}

/// Precision, recall and F1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Of the namings in captions, how many were right; 0 where there is none.
    pub precision: f64,
    /// Of the namings in references, how many are in the caption; 0 where there is none.
    pub recall: f64,
    /// Their harmonic mean, `2·right / (2·right + wrong + missed)`.
    pub f1: f64,
}

impl Decisions {
    fn add(&mut self, named: bool, expected: bool, times: u64) {
        match (named, expected) {
            (true, true) => self.right += times,
            (true, false) => self.wrong += times,
            (false, true) => self.missed += times,
            (false, false) => {}
        }
    }

    fn agreement(&self) -> Agreement {
        let ratio = |part: u64, all: u64| if all == 0 { 0.0 } else { part as f64 / all as f64 };
        Agreement {
            precision: ratio(self.right, self.right + self.wrong),
            recall: ratio(self.right, self.right + self.missed),
            f1: ratio(2 * self.right, 2 * self.right + self.wrong + self.missed),
        }
    }

    fn occurs(&self) -> bool {
        self.right + self.wrong + self.missed > 0
    }

    /// How many references name the concept.
    fn expected(&self) -> u64 {
        self.right + self.missed
    }
}

/// How well captions name the concepts of their references.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConceptAgreement {
    /// Over all namings of all concepts.
    pub micro: Agreement,
    /// The mean of the concepts' F1, over those that a caption or a reference names.
    pub macro_f1: f64,
    /// The concepts by slug.
    pub concepts: BTreeMap<String, ConceptRow>,
}

/// One concept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConceptRow {
    /// How many records' references name it.
    pub expected: u64,
    /// How well captions do.
    pub agreement: Agreement,
}

/// Compares the concepts of captions with those of their references, each record counted `times`; `None` where nobody names
/// anything.
pub fn agreement(
    generated: &[BTreeSet<String>],
    references: &[BTreeSet<String>],
    times: &[u32],
) -> Option<ConceptAgreement> {
    let mut decisions: BTreeMap<&String, Decisions> = BTreeMap::new();
    let mut all = Decisions::default();
    for ((generated, reference), &times) in generated.iter().zip(references).zip(times) {
        for concept in generated.union(reference) {
            let (named, expected) = (generated.contains(concept), reference.contains(concept));
            decisions.entry(concept).or_default().add(named, expected, u64::from(times));
            all.add(named, expected, u64::from(times));
        }
    }
    decisions.retain(|_, decisions| decisions.occurs());
    if decisions.is_empty() {
        return None;
    }
    let concepts: BTreeMap<String, ConceptRow> = decisions
        .into_iter()
        .map(|(slug, of)| (slug.clone(), ConceptRow { expected: of.expected(), agreement: of.agreement() }))
        .collect();
    let macro_f1 = concepts.values().map(|row| row.agreement.f1).sum::<f64>() / concepts.len() as f64;
    Some(ConceptAgreement { micro: all.agreement(), macro_f1, concepts })
}

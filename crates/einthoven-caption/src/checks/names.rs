//! Which page a statement means that is not written as any page's name.

use std::collections::{HashMap, HashSet};

use crate::words::words;
use crate::{KnowledgeBase, Page};

/// The least likeness of a statement and a name, from 0 to 1, at which they mean the same.
const LEAST_LIKENESS: f64 = 0.5;

/// Other words of reports for those of names.
const OTHER_WORDS: [(&str, &str); 37] = [
    ("1", "i"),
    ("2", "ii"),
    ("tu", "t u"),
    ("lt", "left"),
    ("rt", "right"),
    ("lv", "left ventricular"),
    ("rv", "right ventricular"),
    ("la", "left atrial"),
    ("ra", "right atrial"),
    ("fib", "fibrillation"),
    ("dig", "digitalis"),
    ("digoxin", "digitalis"),
    ("elec", "electrical"),
    ("heart", "av"),
    ("conduction", "block"),
    ("nodal", "junctional"),
    ("hemiblock", "fascicular block"),
    ("misplacement", "reversal"),
    ("misplaced", "reversal"),
    ("swapped", "reversal"),
    ("mi", "myocardial infarct"),
    ("paced", "pacemaker"),
    ("pacing", "pacemaker"),
    ("extrasystole", "premature complex"),
    ("beat", "complex"),
    ("contraction", "complex"),
    ("enlarged", "enlargement"),
    ("inverted", "inversion"),
    ("elevated", "elevation"),
    ("depressed", "depression"),
    ("prolongation", "prolonged"),
    ("long", "prolonged"),
    ("advanced", "high"),
    ("preexcitation", "wpw"),
    ("sided", ""),
    ("rhythm", ""),
    ("throughout", ""),
];

/// The names of all pages as sets of words, and how many names have each word.
#[derive(Debug)]
pub(super) struct Names {
    names: Vec<(HashSet<String>, String)>,
    frequency: HashMap<String, usize>,
}

impl Names {
    pub fn new(base: &KnowledgeBase) -> Self {
        let names = base.pages().flat_map(|page| {
            let names = std::iter::once(&page.name).chain(&page.synonyms);
            names.map(|name| (words_of(name), page.slug.clone()))
        });
        let names: Vec<(HashSet<String>, String)> = names.collect();
        let mut frequency: HashMap<String, usize> = HashMap::new();
        names.iter().flat_map(|(words, _)| words).for_each(|word| *frequency.entry(word.clone()).or_default() += 1);
        Self { names, frequency }
    }

    /// The page whose name is most like the statement, if one is like it.
    pub fn nearest<'k>(&self, statement: &str, base: &'k KnowledgeBase) -> Option<&'k Page> {
        let said = words_of(statement);
        let whole = self.weight(said.iter());
        let likeness = |name: &HashSet<String>| {
            2.0 * self.weight(said.intersection(name)) / (whole + self.weight(name.iter())).max(f64::MIN_POSITIVE)
        };
        let best = self
            .names
            .iter()
            .map(|(name, slug)| (likeness(name), slug))
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)));
        best.filter(|(likeness, _)| *likeness >= LEAST_LIKENESS).and_then(|(_, slug)| base.page(slug))
    }

    fn weight<'a>(&self, words: impl Iterator<Item = &'a String>) -> f64 {
        let all = self.names.len() as f64;
        words.map(|word| 1.0 + (all / self.frequency.get(word).copied().unwrap_or(1) as f64).ln()).sum()
    }
}

fn words_of(name: &str) -> HashSet<String> {
    let text = name
        .to_lowercase()
        .replace(" to 1", ":1")
        .replace("v-lead", "precordial lead")
        .replace("v lead", "precordial lead");
    let spelt = words(&text).into_iter().flat_map(|word| {
        let other = OTHER_WORDS.iter().find(|(other, _)| *other == word.text).map(|(_, spelt)| *spelt);
        other.unwrap_or(&word.text).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    });
    spelt.collect()
}

//! Labels: which record belongs to which classes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::Entry;

/// A set of classes and, for each record of a dataset, those it belongs to. A record may belong to several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelSet {
    /// The label set's name, such as `super`.
    pub name: String,
    /// The classes as codes, sorted. They belong to the set, not to the records at hand: every split has the same.
    pub classes: Vec<String>,
    /// Whether a record belongs to a class, `[entry][class]`, a row for every entry of the dataset.
    pub targets: Vec<Vec<bool>>,
}

/// The label sets of a dataset by name, each as a map from codes.
pub(crate) type LabelSets = BTreeMap<String, Classes>;

/// The classes of a label set, and the class that a code stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Classes {
    /// Every class, also those that no code at hand stands for.
    all: BTreeSet<String>,
    of_code: BTreeMap<String, String>,
}

impl Classes {
    /// The classes of these pairs of code and class, and `all`.
    pub fn new<'a>(all: &[&str], pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let pairs = pairs.into_iter().map(|(code, class)| (code.to_owned(), class.to_owned()));
        let of_code: BTreeMap<_, _> = pairs.collect();
        let all = all.iter().map(|&class| class.to_owned()).chain(of_code.values().cloned()).collect();
        Self { all, of_code }
    }

    /// Each code is a class.
    pub fn codes<'a>(codes: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(&[], codes.into_iter().map(|code| (code, code)))
    }
}

impl LabelSet {
    /// The label set `name` of `entries`. Codes that stand for no class are passed over.
    pub(crate) fn new(name: &str, set: &Classes, entries: &[Entry]) -> Self {
        let classes: Vec<String> = set.all.iter().cloned().collect();
        let row = |entry: &Entry| {
            let mut row = vec![false; classes.len()];
            for class in entry.codes.iter().filter_map(|code| set.of_code.get(&code.code)) {
                if let Ok(i) = classes.binary_search(class) {
                    row[i] = true;
                }
            }
            row
        };
        let targets = entries.iter().map(row).collect();
        Self { name: name.to_owned(), classes, targets }
    }

    /// The entries with at least one class. The published benchmark leaves the others out.
    pub fn labelled(&self) -> Vec<usize> {
        let has_class = |row: &[bool]| row.contains(&true);
        (0..self.targets.len()).filter(|&i| has_class(&self.targets[i])).collect()
    }

    /// Number of entries without a class.
    pub fn unlabelled(&self) -> usize {
        self.targets.len() - self.labelled().len()
    }

    /// Number of entries of each class, in the order of `classes`.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for row in &self.targets {
            for (count, &member) in counts.iter_mut().zip(row) {
                *count += usize::from(member);
            }
        }
        counts
    }
}

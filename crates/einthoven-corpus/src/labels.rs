//! Labels: which record belongs to which classes.

use std::collections::BTreeSet;

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

impl LabelSet {
    /// The label set of `classes`, given the classes of each record. Classes that are not in the set are passed over.
    pub(crate) fn new<'a, I>(name: &str, classes: BTreeSet<&str>, records: impl Iterator<Item = I>) -> Self
    where
        I: Iterator<Item = &'a str>,
    {
        let classes: Vec<String> = classes.into_iter().map(str::to_owned).collect();
        let targets = records
            .map(|members| {
                let mut row = vec![false; classes.len()];
                for member in members {
                    if let Ok(i) = classes.binary_search_by(|class| class.as_str().cmp(member)) {
                        row[i] = true;
                    }
                }
                row
            })
            .collect();
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

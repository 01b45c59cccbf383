//! Recordings with labels.

use std::sync::Arc;

use einthoven_corpus::{Dataset, LabelSet, Leftovers, Split};

use crate::assemble::name_of;
use crate::{Data, Error, Result};

/// Recordings of one split that have a class of a label set.
#[derive(Clone, Debug)]
pub struct LabelledData {
    /// The recordings, with empty captions.
    pub data: Data,
    /// The classes asked for, and which of them each recording has.
    pub labels: LabelSet,
    /// How many recordings of the split have no class of the label set.
    pub unlabelled: usize,
}

impl LabelledData {
    /// The recordings of a split with the `classes` of the label set `labels`, or all classes of it.
    ///
    /// # Errors
    /// Those of an unknown label set; [`Error::Setting`] for a class that is not of it, and if no recording has one.
    pub fn select(dataset: &Dataset, split: &Split, labels: &str, classes: Option<&[String]>) -> Result<Self> {
        let name = name_of(dataset, split);
        let selected = dataset.select(split);
        let all = selected.label_set(labels)?;
        let kept = all.labelled();
        if kept.is_empty() {
            let message = format!("no recording of {name} has a class of {labels}; choose other labels or folds");
            return Err(Error::setting("classifier.labels", message));
        }
        let classes = classes.unwrap_or(&all.classes);
        let column = |class: &String| {
            all.classes.iter().position(|known| known == class).ok_or_else(|| {
                let message = format!("{class} is not a class of {labels}, which has {}", all.classes.join(", "));
                Error::setting("classifier.classes", message)
            })
        };
        let columns = classes.iter().map(column).collect::<Result<Vec<usize>>>()?;
        let row = |&record: &usize| columns.iter().map(|&column| all.targets[record][column]).collect();
        let labels =
            LabelSet { name: labels.to_owned(), classes: classes.to_vec(), targets: kept.iter().map(row).collect() };
        Ok(Self { unlabelled: all.unlabelled(), ..Self::new(name, selected.subset(&kept), labels) })
    }

    /// Recordings of which each has a class of `labels`.
    pub(super) fn new(name: String, dataset: Dataset, labels: LabelSet) -> Self {
        let captions = Arc::new(vec![String::new(); dataset.len()].into());
        let data = Data { name, dataset: Arc::new(dataset), captions, leftovers: Leftovers::default() };
        Self { data, labels, unlabelled: 0 }
    }
}

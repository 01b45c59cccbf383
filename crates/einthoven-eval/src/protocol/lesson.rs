//! What a subject that is fine-tuned is given, and what comes of it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use einthoven_corpus::{Dataset, LabelSet};

use super::subject::Subject;
use super::training::Training;

/// Records of which each has a class of a label set.
#[derive(Clone, Debug)]
pub struct LabelledDataset {
    /// The records; the subject could be fed all of them.
    pub dataset: Dataset,
    /// Their labels, a row for each.
    pub labels: LabelSet,
}

/// What a subject is to learn, and how.
#[derive(Clone, Debug)]
pub struct Lesson<'a> {
    /// How it is trained.
    pub training: &'a Training,
    /// The seed of all random streams of the training.
    pub seed: u64,
    /// What it is trained on, at least two records.
    pub fitted: LabelledDataset,
    /// What its weights are chosen by; none: the last weights count.
    pub chosen: Option<&'a LabelledDataset>,
    /// When it becomes true, training ends early, with an error.
    pub stop: &'a Arc<AtomicBool>,
}

/// What comes of fine-tuning a subject.
pub enum FineTuned {
    /// A classifier: a subject that gives the probabilities of the classes. The subject itself is as it was.
    Classifier(Box<dyn Subject>),
    /// Nothing.
    NotApplicable {
        /// Why.
        reason: String,
    },
}

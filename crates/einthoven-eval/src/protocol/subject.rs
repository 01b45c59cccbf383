//! Whatever can be judged.

use einthoven_corpus::Leftovers;
use einthoven_signal::Record;
use serde::{Deserialize, Serialize};

use super::lesson::{FineTuned, Lesson};
use crate::embeddings::Embeddings;

/// A recording and the name that messages call it by.
pub type Recording = (String, Record);

/// What a subject answers; its errors are its own.
pub type Answer<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What is judged: a model, an encoder, a baseline.
///
/// A subject prepares recordings itself, each by its own input contract: it is given them as they were recorded, of any leads,
/// rate and length. What it cannot do it answers with `None` or a reason, and the table says so.
pub trait Subject {
    /// What it is.
    fn card(&self) -> SubjectCard;

    /// Embeds recordings; those that it cannot be fed are refused with a reason.
    fn embed(&self, recordings: &[Recording]) -> Answer<Rows>;

    /// Embeds texts into the space of the recordings; `None` without a text tower.
    fn embed_texts(&self, _texts: &[String]) -> Answer<Option<Embeddings>> {
        Ok(None)
    }

    /// The probabilities of the `classes` of a label set, in their order; `None` if it is no classifier of these.
    fn scores(&self, _recordings: &[Recording], _labels: &str, _classes: &[String]) -> Answer<Option<Rows>> {
        Ok(None)
    }

    /// Trains a copy of itself into a classifier.
    fn fine_tune(&self, _lesson: &Lesson) -> Answer<FineTuned> {
        Ok(FineTuned::NotApplicable { reason: "it has no weights that could be trained".to_owned() })
    }

    /// A drawing of a recording under a title, an `<svg>` element with colours beneath what speaks for a text and against it; `None`
    /// without a text tower.
    fn explain(&self, _recording: &Recording, _text: &str, _title: &str) -> Answer<Option<String>> {
        Ok(None)
    }

    /// A caption for each recording; `None` if it writes none.
    fn captions(&self, _recordings: &[Recording]) -> Answer<Option<Vec<String>>> {
        Ok(None)
    }
}

/// What a subject is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectCard {
    /// What tables call it; names its file of results.
    pub name: String,
    /// What kind of thing it is, such as `ESI` or `random encoder`.
    pub kind: String,
    /// What it is fed, in words.
    pub fed: String,
    /// A hash of all that decides its answers: weights and input contract.
    pub fingerprint: String,
}

/// A row of numbers for each recording that could be fed.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// The places of these recordings among those given.
    pub kept: Vec<usize>,
    /// Their rows, in that order.
    pub values: Embeddings,
    /// The others, with the reason for each.
    pub refused: Leftovers,
}

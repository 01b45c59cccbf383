//! The captions of a dataset, whole or in parts.

use std::collections::HashMap;
use std::ops::Deref;

use einthoven_random::Stream;
use rand::RngExt;
use rand::seq::index;

use super::forms::Number;
use super::{CaptionConfig, forms};
use crate::Entry;

/// The captions of a dataset's records, in its order; as a slice, those that say all there is to say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Captions {
    whole: Vec<String>,
    sampled: Option<Sampled>,
}

/// What texts of some of a record's statements are made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sampled {
    pub config: CaptionConfig,
    /// What statements look like.
    pub descriptions: HashMap<String, String>,
    /// What was measured on each record.
    pub numbers: Vec<Vec<Number>>,
    /// The statements of each record as numbers, equal for equal ones.
    pub statements: Vec<Vec<u32>>,
}

/// A text that says some of a record's statements, which are numbers here, equal for equal statements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartialCaption {
    /// The text, in the form of the record's caption.
    pub text: String,
    /// The statements that it says.
    pub said: Vec<u32>,
    /// All that the record has.
    pub all: Vec<u32>,
}

impl PartialCaption {
    /// Whether it is true of the record of `other`, too, as far as statements go.
    pub fn is_true_of(&self, other: &Self) -> bool {
        self.said.iter().all(|statement| other.all.contains(statement))
    }
}

impl Captions {
    pub(super) fn new(whole: Vec<String>, sampled: Option<Sampled>) -> Self {
        Self { whole, sampled }
    }

    /// A text about the record at `index` for one epoch, whose `stream` draws how many statements it says, which, and in what order; none
    /// unless that is asked for.
    pub(crate) fn part(&self, index: usize, entry: &Entry, mut stream: Stream) -> Option<PartialCaption> {
        let Sampled { config, descriptions, numbers, statements } = self.sampled.as_ref()?;
        let count = stream.random_range(1..=entry.statements.len());
        let chosen = index::sample(&mut stream, entry.statements.len(), count);
        let all = statements[index].clone();
        let said = chosen.iter().map(|statement| all[statement]).collect();
        let statements = chosen.iter().map(|statement| entry.statements[statement].clone()).collect();
        let part = Entry { statements, ..entry.clone() };
        let numbers = numbers.get(index).map(Vec::as_slice).unwrap_or_default();
        let text = forms::caption(config, &part, numbers, &|statement| descriptions.get(statement).cloned())?;
        Some(PartialCaption { text, said, all })
    }
}

impl From<Vec<String>> for Captions {
    fn from(whole: Vec<String>) -> Self {
        Self { whole, sampled: None }
    }
}

impl Deref for Captions {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.whole
    }
}

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

/// What a caption of some of a record's statements is made of.
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

/// The statements of a record whose caption says some of them, as numbers that are equal for equal statements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    /// All that the record has.
    pub all: Vec<u32>,
    /// Those that the caption says.
    pub said: Vec<u32>,
}

impl Stated {
    /// Whether a caption that says `said` is true of this record.
    pub fn has(&self, said: &[u32]) -> bool {
        said.iter().all(|statement| self.all.contains(statement))
    }
}

impl Captions {
    pub(super) fn new(whole: Vec<String>, sampled: Option<Sampled>) -> Self {
        Self { whole, sampled }
    }

    /// The caption of the record at `index` for one epoch, whose `stream` draws how many statements it says, which, and in what
    /// order; none where captions always say all.
    pub(crate) fn drawn(&self, index: usize, entry: &Entry, mut stream: Stream) -> Option<(String, Stated)> {
        let Sampled { config, descriptions, numbers, statements } = self.sampled.as_ref()?;
        let count = stream.random_range(1..=entry.statements.len());
        let chosen = index::sample(&mut stream, entry.statements.len(), count);
        let all = statements[index].clone();
        let said = chosen.iter().map(|statement| all[statement]).collect();
        let statements = chosen.iter().map(|statement| entry.statements[statement].clone()).collect();
        let part = Entry { statements, ..entry.clone() };
        let numbers = numbers.get(index).map(Vec::as_slice).unwrap_or_default();
        let caption = forms::caption(config, &part, numbers, &|statement| descriptions.get(statement).cloned())?;
        Some((caption, Stated { all, said }))
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

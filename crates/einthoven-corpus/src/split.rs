//! Which folds serve for what.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The folds for training, validation and test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitConfig {
    /// Folds to train on.
    pub train: Vec<u8>,
    /// Folds to choose by while training.
    pub validation: Vec<u8>,
    /// Folds to judge by in the end.
    #[serde(default)]
    pub test: Vec<u8>,
}

impl SplitConfig {
    /// The folds of `split`.
    pub fn folds<'a>(&'a self, split: &'a Split) -> &'a [u8] {
        match split {
            Split::Train => &self.train,
            Split::Validation => &self.validation,
            Split::Test => &self.test,
            Split::Folds(folds) => folds,
        }
    }

    /// Checks that no fold is trained on and judged by.
    ///
    /// # Errors
    /// [`Error::Setting`] for a fold in `train` that is also in `validation` or `test`.
    pub fn validate(&self) -> Result<()> {
        let judged = |fold: &u8| self.validation.contains(fold) || self.test.contains(fold);
        if self.train.iter().any(judged) {
            return Err(Error::Setting {
                key: "train",
                value: format!("{:?}", self.train),
                expected: "folds that are in neither validation nor test",
            });
        }
        Ok(())
    }
}

/// A part of a dataset, by its folds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Split {
    /// The dataset's training folds.
    Train,
    /// The dataset's validation folds.
    Validation,
    /// The dataset's test folds.
    Test,
    /// These folds.
    Folds(Vec<u8>),
}

impl From<&[u8]> for Split {
    fn from(folds: &[u8]) -> Self {
        Self::Folds(folds.to_vec())
    }
}

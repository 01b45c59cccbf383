//! How a loader works.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How batches are made.
///
/// `batch_size` and `on_error` decide what is in them; the other settings only how fast they come: batches are the same
/// for any number of workers, with and without the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoaderConfig {
    /// Records in a batch.
    pub batch_size: usize,
    /// Threads that prepare batches; with 0 the thread that asks for a batch prepares it.
    pub workers: usize,
    /// Batches that may lie ready, all workers together.
    pub prefetch: usize,
    /// Keep records in memory once they are read or simulated, resampled and filtered: 4 bytes a sample.
    pub cache: bool,
    /// What happens to a record that cannot be prepared.
    pub on_error: OnError,
}

/// What happens to a record that cannot be prepared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// It is an error.
    #[default]
    Stop,
    /// Every record is tried when the loader is made; those that fail are left out and reported.
    LeaveOut,
}

impl Default for LoaderConfig {
    /// Batches of 16, one worker, four batches ahead, no cache.
    fn default() -> Self {
        Self { batch_size: 16, workers: 1, prefetch: 4, cache: false, on_error: OnError::default() }
    }
}

impl LoaderConfig {
    /// Checks that every value is possible.
    ///
    /// # Errors
    /// [`Error::Setting`] for a batch or a prefetch of 0.
    pub fn validate(&self) -> Result<()> {
        for (key, value) in [("batch_size", self.batch_size), ("prefetch", self.prefetch)] {
            if value == 0 {
                return Err(Error::Setting { key, value: value.to_string(), expected: "at least 1" });
            }
        }
        Ok(())
    }
}

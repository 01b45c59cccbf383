//! How long a run is, and where a step lies in it.

use einthoven_corpus::Loader;

use crate::config::TrainConfig;
use crate::{Error, Result};

/// The length of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length {
    pub total: u64,
    pub steps_per_epoch: u64,
    pub batches_per_epoch: u64,
    pub batches_per_step: u64,
}

impl Length {
    pub fn new(config: &TrainConfig, loader: &Loader) -> Result<Self> {
        let batches = loader.batches_per_epoch();
        let batches_per_step = config.batches_per_step();
        let steps_per_epoch = (batches / batches_per_step) as u64;
        if steps_per_epoch == 0 {
            return Err(Error::TooFewRecords { batches, batch_size: config.batch_size, batches_per_step });
        }
        Ok(Self {
            total: config.total_steps(steps_per_epoch),
            steps_per_epoch,
            batches_per_epoch: batches as u64,
            batches_per_step: batches_per_step as u64,
        })
    }

    /// The epoch of the step after `done` steps, and the batches of it that are already used.
    pub fn position(&self, done: u64) -> (u64, u64) {
        (done / self.steps_per_epoch, done % self.steps_per_epoch * self.batches_per_step)
    }
}

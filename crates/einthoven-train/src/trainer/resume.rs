//! Between a trainer and the state in a checkpoint.

use std::collections::BTreeMap;

use super::Trainer;
use crate::checkpoint::{Checkpoint, FORMAT, State, experiment_hash};
use crate::objective::Objective;
use crate::{Error, Result};

impl<O: Objective> Trainer<O> {
    /// Where the run stands.
    pub(super) fn state(&self) -> State {
        let (epoch, batch) = self.length.position(self.stepper.done());
        State {
            format: FORMAT,
            step: self.stepper.done(),
            epoch,
            batch,
            batches_per_epoch: self.length.batches_per_epoch,
            seed: self.stepper.seed(),
            best: self.best.clone(),
            experiment: experiment_hash(&self.experiment),
            files: BTreeMap::new(),
        }
    }

    /// Goes back to a checkpoint of the same run.
    pub(super) fn restore(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        self.check_same_run(checkpoint)?;
        self.stepper.restore(checkpoint)?;
        self.best = checkpoint.state().best.clone();
        self.saved = Some(checkpoint.state().step);
        Ok(())
    }

    fn check_same_run(&self, checkpoint: &Checkpoint) -> Result<()> {
        let (was, is) = (checkpoint.state(), self.state());
        let message = if was.experiment != is.experiment {
            format!("the experiment was changed ({})", difference(checkpoint.config(), &self.experiment))
        } else if was.seed != is.seed {
            format!("its seed was {}, is {}", was.seed, is.seed)
        } else if was.batches_per_epoch != is.batches_per_epoch {
            format!("its data gave {} batches an epoch, now give {}", was.batches_per_epoch, is.batches_per_epoch)
        } else if (was.epoch, was.batch) != self.length.position(was.step) {
            "its state contradicts its experiment".to_owned()
        } else {
            return Ok(());
        };
        Err(Error::OtherExperiment { path: checkpoint.folder().to_owned(), message })
    }
}

/// The first line in which two experiments differ.
fn difference(was: &str, is: &str) -> String {
    let (mut was, mut is) = (was.lines(), is.lines());
    loop {
        match (was.next(), is.next()) {
            (None, None) => return "in white space only".to_owned(),
            (was, is) if was == is => {}
            (was, is) => {
                let show = |line: Option<&str>| line.map_or("nothing".to_owned(), |line| format!("`{}`", line.trim()));
                return format!("it said {}, now says {}", show(was), show(is));
            }
        }
    }
}

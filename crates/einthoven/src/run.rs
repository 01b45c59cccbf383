//! What carrying out an experiment takes, whatever it trains.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use einthoven_corpus::Dataset;
use einthoven_train::checkpoint::RunFolder;
use einthoven_train::{Checkpoint, ProgressDisplay};
use serde::Serialize;

use crate::{Data, DataConfig, Error, Result, write_atomically};

/// The file of a run's judgement.
pub(crate) const JUDGEMENT_FILE: &str = "judgement.json";

/// How an experiment is carried out.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The folder of the run.
    pub out: PathBuf,
    /// Whether to go on with the run in the folder.
    pub resume: bool,
    /// When it becomes true, the run ends after the step at hand, with a checkpoint saved.
    pub stop: Arc<AtomicBool>,
    /// Whether progress is shown.
    pub display: ProgressDisplay,
}

impl RunOptions {
    /// Says a line where progress is shown.
    pub(crate) fn say(&self, line: &str) {
        if self.display == ProgressDisplay::Shown {
            eprintln!("{line}");
        }
    }

    /// The dataset of an experiment; says which recordings are missing.
    pub(crate) fn open(&self, config: &DataConfig) -> Result<Dataset> {
        let dataset = Data::open(config)?;
        if !dataset.missing.is_empty() {
            self.say(&format!("{}: {}", dataset.name, dataset.missing));
        }
        Ok(dataset)
    }

    /// The folder of a new run, or of the one to go on with.
    pub(crate) fn folder(&self) -> Result<RunFolder> {
        if self.resume && self.out.is_dir() {
            return Ok(RunFolder::resume(&self.out)?);
        }
        match RunFolder::create(&self.out) {
            Err(einthoven_train::Error::RunExists { path }) => Err(Error::RunExists { path }),
            folder => Ok(folder?),
        }
    }

    /// Writes how the model did into the folder.
    pub(crate) fn save_judgement(&self, judgement: &impl Serialize) -> Result<()> {
        let json =
            serde_json::to_vec_pretty(judgement).map_err(|error| Error::setting("judgement", error.to_string()))?;
        write_atomically(&self.out.join(JUDGEMENT_FILE), &json)
    }
}

/// What to say where an experiment has no test folds.
pub(crate) fn no_test_folds() -> Error {
    Error::setting("data.splits.test", "name at least one fold to judge the outcome by")
}

/// The step of a checkpoint, in words.
pub(crate) fn describe_step(checkpoint: &Checkpoint) -> String {
    let state = checkpoint.state();
    format!("step {} (epoch {})", state.step, state.epoch)
}

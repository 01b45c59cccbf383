//! What goes into a run, and what comes out.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use einthoven_corpus::Loader;
use einthoven_nn::Parameters;
use einthoven_random::Streams;

use crate::checkpoint::{Best, RunFolder};
use crate::config::TrainConfig;
use crate::objective::Objective;
use crate::progress::ProgressDisplay;
use crate::validation::Validator;

/// Everything a run is made of.
pub struct Setup<O: Objective> {
    /// What is trained.
    pub objective: O,
    /// The parameters of its model.
    pub parameters: Parameters,
    /// The training records, in batches of `train.batch_size`.
    pub loader: Loader,
    /// The `[train]` part of the experiment.
    pub config: TrainConfig,
    /// The resolved experiment, as TOML. A run is only resumed with the same.
    pub experiment: String,
    /// Judges the model along the way.
    pub validator: Option<Box<dyn Validator<O::Model>>>,
    /// The random streams of the run.
    pub streams: Streams,
    /// Where the run is kept; [`RunFolder::resume`] goes on from its last checkpoint.
    pub folder: RunFolder,
    /// When it becomes true, the run ends after the step at hand and saves a checkpoint.
    pub stop: Arc<AtomicBool>,
    /// Whether progress is shown.
    pub display: ProgressDisplay,
}

/// How a run came out.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Steps done.
    pub step: u64,
    /// Steps of the whole run.
    pub total: u64,
    /// Whether the run was asked to stop before its end.
    pub interrupted: bool,
    /// Whether it ended before its last step because validation did not improve any more (`train.stop_after`).
    pub stopped_early: bool,
    /// The folder of the newest checkpoint.
    pub checkpoint: Option<PathBuf>,
    /// The best validation result, if one was asked for.
    pub best: Option<Best>,
    /// The newest validation's metrics; empty if there was none since the run was started or resumed.
    pub validation: BTreeMap<String, f64>,
}

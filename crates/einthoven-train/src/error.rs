//! What can go wrong while training, and what to do about it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What went wrong in training, in its logs or in its checkpoints.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A key of the training configuration holds a value that cannot be used.
    #[error("train.{key}: {message}")]
    Config {
        /// The key, below `train`.
        key: &'static str,
        /// What was expected.
        message: String,
    },
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}: {source}{}", path.display(), remedy(source))]
    Io {
        /// What was tried ("write", "rename").
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A checkpoint could not be saved; the ones saved before are untouched.
    #[error(
        "the checkpoint of step {step} was not saved: {source}; {}",
        kept.as_ref().map_or_else(
            || "there is no earlier one".to_owned(),
            |kept| format!("{} is intact, and the run can be resumed from it", kept.display())
        )
    )]
    Save {
        /// Steps done when the checkpoint was due.
        step: u64,
        /// The newest checkpoint that is safe on disk.
        kept: Option<PathBuf>,
        /// The reason.
        source: Box<Error>,
    },
    /// A file of a checkpoint, run folder or log is missing, cut short or not what it should be.
    #[error("{}: {message}", path.display())]
    Damaged {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it and what to do.
        message: String,
    },
    /// A run folder or checkpoint was written in another format version.
    #[error(
        "{} has format version {found}, this build reads version {expected}: use the release of einthoven that wrote it, or train anew",
        path.display()
    )]
    Version {
        /// The file that states the version.
        path: PathBuf,
        /// The version it states.
        found: u64,
        /// The version this build writes and reads.
        expected: u64,
    },
    /// The path holds neither a run nor a checkpoint.
    #[error("{}: {message}", path.display())]
    NotACheckpoint {
        /// The path that was given.
        path: PathBuf,
        /// What was looked for.
        message: String,
    },
    /// A new run was to start in a folder that already holds one.
    #[error("{} already holds a run: resume it (--resume) or choose another folder", path.display())]
    RunExists {
        /// The run folder.
        path: PathBuf,
    },
    /// Another process is training in this folder.
    #[error("{} is in use by another process: wait for it to end or choose another folder", path.display())]
    RunLocked {
        /// The run folder.
        path: PathBuf,
    },
    /// The run to resume was started from another experiment, so resuming would not be exact.
    #[error(
        "{} cannot be resumed: {message}. Restore what the run was started with, or start a new run in another folder",
        path.display()
    )]
    OtherExperiment {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        message: String,
    },
    /// The data give fewer batches than one step needs.
    #[error(
        "an epoch gives {batches} batches of {batch_size} records, but a step takes {batches_per_step}: lower train.batch_size, train.accumulate or train.contrastive_batch, or add records"
    )]
    TooFewRecords {
        /// Full batches in an epoch.
        batches: usize,
        /// Records in a batch.
        batch_size: usize,
        /// Batches in a step.
        batches_per_step: usize,
    },
    /// The system does not say how much memory is free, so no batch size can be found that fits.
    #[error(
        "the system does not say how much memory is free: choose train.batch_size by hand, or look for it on Linux"
    )]
    UnknownMemory,
    /// A record has no caption: the captions were made for another dataset.
    #[error("record {index} has no caption, there are {captions}")]
    NoCaption {
        /// The record's place in the dataset.
        index: usize,
        /// How many captions there are.
        captions: usize,
    },
    /// The labels of the records do not fit the classifier or the records.
    #[error("the labels {message}")]
    Labels {
        /// What does not fit.
        message: String,
    },
    /// A loss or the gradient became infinite or not a number. Nothing was updated or saved after it.
    #[error(
        "step {step}: {quantity} is {value}; records of the step: {}. Look at these records, lower train.learning_rate or set train.clip_norm; the last checkpoint is intact",
        ids.join(", ")
    )]
    NotFinite {
        /// The step, counted from 1.
        step: u64,
        /// The name of the loss, or "gradient norm".
        quantity: &'static str,
        /// Its value.
        value: f64,
        /// The ids of the records the value was computed from.
        ids: Vec<String>,
    },
    /// The metric that chooses the best checkpoint is not among the validation's results.
    #[error("train.checkpoint.best: validation gives no `{metric}`, only {}", available.join(", "))]
    UnknownMetric {
        /// The metric asked for.
        metric: String,
        /// The metrics that validation gave.
        available: Vec<String>,
    },
    /// Validation failed.
    #[error("validation after step {step} failed: {source}")]
    Validation {
        /// Steps done.
        step: u64,
        /// The validator's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The worker threads could not be started.
    #[error("train.threads: cannot start {threads} threads: {source}")]
    Threads {
        /// Threads asked for.
        threads: usize,
        /// The pool's error.
        source: rayon::ThreadPoolBuildError,
    },
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// An operation, gradient or optimiser failed.
    #[error(transparent)]
    Network(#[from] einthoven_nn::Error),
    /// The model failed.
    #[error(transparent)]
    Model(Box<einthoven_models::Error>),
    /// A record could not be loaded.
    #[error(transparent)]
    Corpus(Box<einthoven_corpus::Error>),
}

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

impl From<einthoven_models::Error> for Error {
    fn from(error: einthoven_models::Error) -> Self {
        Self::Model(Box::new(error))
    }
}

impl From<einthoven_corpus::Error> for Error {
    fn from(error: einthoven_corpus::Error) -> Self {
        Self::Corpus(Box::new(error))
    }
}

impl Error {
    /// For `map_err`: the error of doing `action` to `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// A checkpoint file that cannot be used.
    pub(crate) fn damaged(path: &Path, message: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), message: message.into() }
    }
}

/// What the user can do about a failed write.
fn remedy(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull => " (free some space on that disk)",
        ErrorKind::QuotaExceeded => " (free some space or ask for a larger quota)",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => " (choose a folder that can be written to)",
        _ => "",
    }
}

//! How an Einthoven model learns: objectives, schedules, the trainer, checkpoints and metric logs.

mod captions;
pub mod checkpoint;
pub mod config;
mod error;
mod files;
mod locked_text;
mod memory;
pub mod metrics_log;
mod objective;
mod progress;
pub mod schedule;
mod trainer;
mod validation;

pub use captions::TokenizedCaptions;
pub use checkpoint::{Checkpoint, RunFolder};
pub use config::TrainConfig;
pub use error::{Error, Result};
pub use memory::{BatchSize, BatchSizes, MEASURED_BATCH, MeasuredStep, MemoryEstimate, find_batch_size};
pub use objective::{ClassifierObjective, EsiObjective, Objective};
pub use progress::ProgressDisplay;
pub use trainer::{Setup, Summary, Trainer};
pub use validation::Validator;

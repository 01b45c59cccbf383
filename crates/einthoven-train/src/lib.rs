//! How an Einthoven model learns: objectives, schedules, the trainer, checkpoints and metric logs.

pub mod checkpoint;
pub mod config;
mod error;
mod files;
pub mod metrics_log;
pub mod schedule;

pub use checkpoint::{Checkpoint, RunFolder};
pub use config::TrainConfig;
pub use error::{Error, Result};

//! Judging models: metrics, bootstrap intervals, zero-shot classification, retrieval, text queries and reports.

pub mod bootstrap;
mod embeddings;
mod error;
pub mod metrics;
pub mod zero_shot;

pub use embeddings::Embeddings;
pub use error::{Error, Result};

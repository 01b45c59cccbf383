//! Judging models: metrics, bootstrap intervals, zero-shot classification, retrieval, text queries and reports.

pub mod bootstrap;
mod error;
pub mod metrics;

pub use error::{Error, Result};

//! Judging models: metrics, bootstrap intervals, zero-shot classification, linear probes, retrieval, text queries and
//! reports.

pub mod bootstrap;
pub mod embed;
mod embeddings;
mod error;
mod files;
mod gallery;
pub mod metrics;
pub mod probe;
pub mod query;
mod reference;
pub mod report;
pub mod retrieval;
pub mod zero_shot;

pub use embeddings::Embeddings;
pub use error::{Error, Result};
pub use gallery::{Found, Gallery};
pub use reference::ReferenceSet;

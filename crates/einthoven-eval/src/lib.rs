//! Judging models: metrics, bootstrap intervals, zero-shot classification, linear probes, retrieval, captioning,
//! identification, text queries, explanations, maps of embeddings, versioned protocols for several models, and reports.

pub mod bootstrap;
pub mod captioning;
pub mod classes;
pub mod comparison;
pub mod embed;
mod embeddings;
mod error;
mod files;
mod gallery;
pub mod identification;
pub mod map;
pub mod metrics;
pub mod probe;
pub mod protocol;
pub mod query;
mod reference;
pub mod report;
pub mod retrieval;
pub mod saliency;
mod stored;
pub mod zero_shot;

pub use embeddings::Embeddings;
pub use error::{Error, Result};
pub use gallery::{Found, Gallery};
pub use reference::ReferenceSet;
pub use stored::StoredEmbeddings;

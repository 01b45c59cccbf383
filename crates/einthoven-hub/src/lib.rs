//! Publishing models and pulling them: the Hugging Face Hub, or a server that speaks as it does.
//!
//! [`Hub::publish`] sends a [`Bundle`] of files as one commit: large files through Git LFS's batch interface, all others with the
//! commit. [`Hub::pull`] brings a revision into the cache that `huggingface_hub` uses, too, and compares every file with the
//! model's [`Receipt`]. A [`ModelCard`] says in words and in front matter what a model is.
//!
//! A token is taken from where Hugging Face's own tools keep it; it is sent to the Hub's own address alone and is never part of an
//! error, a log or a file.

mod bundle;
mod cache;
mod card;
mod client;
mod download;
mod error;
mod failure;
mod hub;
mod lfs;
mod name;
mod receipt;
mod token;
mod upload;

pub use bundle::Bundle;
pub use card::{CardDataset, CardEvaluation, CardMetric, CardRow, CardTask, ModelCard};
pub use download::Pulled;
pub use error::{Error, Result};
pub use hub::Hub;
pub use name::ModelName;
pub use receipt::{Fingerprint, Program, RECEIPT_FILE, Receipt, TrainingData};
pub use upload::{Progress, Published};

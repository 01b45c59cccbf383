//! Which ECGs: datasets, their labels and splits, captions, and the loader that makes batches of them.
//!
//! [`Dataset::open`] opens a dataset by its [card](DatasetCard): PTB-XL in its published layout, or the simulated
//! cohort, for which nothing has to be downloaded. A [`Dataset`] holds an [`Entry`] per record (statements,
//! demographics, fold) and reads or simulates the samples on demand. [`caption`] turns entries into the texts that
//! models learn from; [`Loader`] prepares records and hands out [`Batch`]es, in an order that is a pure function of
//! seed and epoch.

mod augment;
pub mod caption;
mod card;
mod dataset;
mod entry;
mod error;
mod labels;
mod leftovers;
mod loader;
mod ptbxl;
mod simulated;
mod split;
pub mod statements;

pub use augment::AugmentConfig;
pub use caption::{CaptionConfig, CaptionTemplate, Described, Descriptions, StoreConfig};
pub use card::{CardFile, CardSignals, CardSize, CardSource, DatasetCard, Layout};
pub use dataset::{Dataset, DatasetOptions};
pub use entry::{Code, Entry, Location};
pub use error::{Error, Result};
pub use labels::LabelSet;
pub use leftovers::{Leftover, Leftovers};
pub use loader::{Batch, Batches, Example, Loader, LoaderConfig, OnError};
pub use simulated::SimulatedConfig;
pub use split::{Split, SplitConfig};

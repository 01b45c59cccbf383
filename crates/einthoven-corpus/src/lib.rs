//! Which ECGs: datasets, their labels and splits, captions, and the loader that makes batches of them.
//!
//! [`Dataset::open`] opens a dataset by its [card](DatasetCard): a public one in its published [layout](Layout), a table or
//! folder of one's own, or the simulated cohort, for which nothing has to be downloaded. A [`Dataset`] holds an [`Entry`] per record (statements,
//! demographics, fold) and reads or simulates the samples on demand. [`caption`] turns entries into the texts that
//! models learn from; [`Loader`] prepares records and hands out [`Batch`]es, in an order that is a pure function of
//! seed, epoch and rank.

mod augment;
pub mod caption;
mod card;
mod check;
mod cinc2021;
mod code15;
mod cpsc2018;
mod csv_table;
mod dataset;
mod entry;
mod error;
pub mod fetch;
mod folder;
pub mod folds;
mod labels;
mod leftovers;
mod listing;
mod loader;
mod ludb;
mod mimic_iv_ecg;
pub mod ontology;
mod ptbxl;
mod quality;
pub mod shards;
mod simulated;
mod split;
pub mod statements;
mod stats;
mod store;
mod table;

pub use augment::AugmentConfig;
pub use caption::{
    Age, CaptionConfig, CaptionTemplate, Captions, Described, Descriptions, PartialCaption, Statements, StoreConfig,
};
pub use card::{CardFile, CardSignals, CardSize, CardSource, DatasetCard, Layout, Publication};
pub use check::{CheckOptions, CheckReport, Finding};
pub use dataset::{Dataset, DatasetOptions};
pub use entry::{Code, Entry, Location};
pub use error::{Error, Result};
pub use labels::LabelSet;
pub use leftovers::{Leftover, Leftovers};
pub use loader::{Batch, Batches, Example, Loader, LoaderConfig, OnError};
pub use quality::Quality;
pub use simulated::SimulatedConfig;
pub use split::{Split, SplitConfig};
pub use stats::{Count, Stats};
pub use table::TableConfig;

//! Shards: a dataset prepared once under a contract, in files that are mapped into memory.
//!
//! A folder of shards holds `manifest.json` and for each shard `shard-00000.bin` with the samples and `shard-00000.json` with what
//! is known of its records. Samples are those that [augmentation](crate::AugmentConfig) starts from: the contract's leads,
//! rate and length in millivolts, before scaling and padding. So a [`Loader`](crate::Loader) hands out from shards of
//! [`Storage::F32`] the same batches, bit for bit, as from the files they were made of, and one set of shards serves
//! contracts that differ in scaling, gain and padding.
//!
//! ```text
//! shard      "EINSHARD", version (u32), 0 (u32), then the records one after the other; little-endian throughout
//! record     f32: leads × valid samples;  i16: a factor (f32) for each lead, then leads × valid samples
//! ```
//!
//! In place of a folder there may be one in an object store, `s3://bucket/prefix`: shards are written beside and then stored, and of them
//! single records are fetched when they are asked for and kept on disk while there is room (2 GB, or `EINTHOVEN_CACHE_MB`). Where and who the
//! store is says the environment, as other programs for S3 know it: `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
//! `AWS_SESSION_TOKEN`.
//!
//! Each record has a CRC-32C, which is compared whenever the record is read; the manifest has the SHA-256 of each shard's JSON
//! file.

mod lock;
mod manifest;
mod place;
mod read;
mod record;
mod write;

use serde::{Deserialize, Serialize};

pub(crate) use place::is_there;
pub(crate) use read::{Shards, card, open};
pub use write::{Sharded, write};

/// How samples are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Storage {
    /// 4 bytes a sample, as they are.
    #[default]
    F32,
    /// 2 bytes a sample, as whole steps of a 32,767th of the lead's largest deflection: half the room, for an error of at most
    /// half a step.
    I16,
}

/// How shards are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardConfig {
    /// How samples are stored.
    pub storage: Storage,
    /// Records of the dataset in a shard.
    pub records: usize,
}

impl Default for ShardConfig {
    /// 256 records of f32: 61 MB of twelve leads, 10 s at 500 Hz.
    fn default() -> Self {
        Self { storage: Storage::default(), records: 256 }
    }
}

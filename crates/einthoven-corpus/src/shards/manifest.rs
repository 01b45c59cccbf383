//! What the JSON files of a folder of shards say.

use std::collections::BTreeMap;
use std::path::Path;

use einthoven_signal::{InputContract, Pad, Scaling, Sex};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{ShardConfig, Storage};
use crate::card::hexadecimal;
use crate::labels::LabelSets;
use crate::{Code, Dataset, DatasetCard, Entry, Error, Leftovers, Location, Result};

/// The file that is written last: a folder with it is whole.
pub(crate) const MANIFEST: &str = "manifest.json";

/// Version of the files.
pub(super) const VERSION: u32 = 1;

/// The whole folder.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub version: u32,
    pub fingerprint: String,
    pub storage: Storage,
    pub contract: InputContract,
    pub card: DatasetCard,
    pub label_sets: LabelSets,
    pub unknown_codes: BTreeMap<String, usize>,
    pub shards: Vec<Shard>,
    /// Records that are listed but were not there, and those that could not be prepared.
    pub left_out: Leftovers,
}

/// A shard of a folder.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shard {
    pub name: String,
    pub records: usize,
    /// SHA-256 of its JSON file.
    pub sha256: String,
}

/// A shard's JSON file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Index {
    pub fingerprint: String,
    /// Length of its samples' file.
    pub bytes: u64,
    pub records: Vec<Stored>,
    pub left_out: Leftovers,
}

/// A record of a shard.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    #[serde(flatten)]
    pub known: Known,
    /// First byte in the file.
    pub offset: u64,
    /// Samples of each lead.
    pub valid: usize,
    pub crc32c: u32,
}

/// What is known of a record.
#[derive(Serialize, Deserialize)]
pub(super) struct Known {
    id: String,
    patient: String,
    codes: Vec<Code>,
    statements: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    report: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    age: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sex: Option<Sex>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fold: Option<u8>,
}

impl Known {
    pub fn of(entry: &Entry) -> Self {
        let Entry { id, patient, location: _, codes, statements, report, age, sex, device, fold } = entry.clone();
        Self { id, patient, codes, statements, report, age, sex, device, fold }
    }

    pub fn into_entry(self, location: Location) -> Entry {
        let Self { id, patient, codes, statements, report, age, sex, device, fold } = self;
        Entry { id, patient, location, codes, statements, report, age, sex, device, fold }
    }
}

/// The contract of what is stored: everything but scaling and padding, which come after augmentation.
pub(super) fn stored_contract(contract: &InputContract) -> InputContract {
    InputContract { scaling: Scaling::None, gain: 1.0, pad: Pad::End, ..contract.clone() }
}

/// The digest of all that shards are made of but the samples themselves: work that was begun goes on only where it is the same.
pub(super) fn fingerprint(dataset: &Dataset, contract: &InputContract, config: ShardConfig) -> Result<String> {
    let mut hash = Sha256::new();
    let card = (&dataset.card, &dataset.splits);
    for part in [json(&(VERSION, config.storage, config.records))?, json(contract)?, json(&card)?] {
        hash.update(part);
    }
    for entry in &dataset.entries {
        hash.update(json(&Known::of(entry))?);
    }
    Ok(hexadecimal(&hash.finalize()))
}

pub(super) fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|source| Error::Encode { source })
}

/// The value in the bytes of a JSON file, and their SHA-256.
pub(super) fn parse_json<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<(T, String)> {
    let value = serde_json::from_slice(bytes).map_err(|source| Error::Json { path: path.to_owned(), source })?;
    Ok((value, hexadecimal(&Sha256::digest(bytes))))
}

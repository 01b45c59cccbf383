//! Receipts: what a published model was made of, and the hash of every file of it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// The receipt's file.
pub const RECEIPT_FILE: &str = "receipt.json";

/// The version of the receipt that this build writes and reads.
const FORMAT: u64 = 1;

/// What a published model was made of, and what it consists of (`receipt.json`).
///
/// Nothing in it depends on the clock: publishing the same run twice gives the same receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The version of this format.
    format: u64,
    /// The program that published it.
    pub program: Program,
    /// SHA-256 of the run's resolved experiment, before paths of the machine were taken out of it.
    pub experiment: String,
    /// The data that the weights were trained on, those of the run that they began with included.
    pub datasets: Vec<TrainingData>,
    /// Every other file of the model, by name.
    pub files: BTreeMap<String, Fingerprint>,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its executable.
    pub sha256: String,
}

/// A dataset that weights were trained on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingData {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence, as an SPDX expression.
    pub licence: String,
    /// SHA-256 of its card.
    pub card: String,
    /// SHA-256 of the manifest of its shards, which holds those of the shards; none where the raw files were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<String>,
}

/// What tells a file from every other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Bytes.
    pub size: u64,
    /// SHA-256 in lower-case hexadecimal digits.
    pub sha256: String,
}

impl Receipt {
    /// A receipt for `files`.
    pub fn new(
        program: Program,
        experiment: String,
        datasets: Vec<TrainingData>,
        files: BTreeMap<String, Fingerprint>,
    ) -> Self {
        Self { format: FORMAT, program, experiment, datasets, files }
    }

    /// Reads the receipt of the model `name`.
    ///
    /// # Errors
    /// [`Error::Receipt`] for what is none, is of another version, or names files outside the model's folder.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Header {
            format: u64,
        }
        let wrong = |message: String| Error::Receipt { name: name.to_owned(), message };
        let header: Header = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        if header.format != FORMAT {
            return Err(wrong(format!("it is of version {}, this program reads version {FORMAT}", header.format)));
        }
        let receipt: Self = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        let inside = |file: &str| {
            !file.is_empty() && Path::new(file).components().all(|part| matches!(part, Component::Normal(_)))
        };
        match receipt.files.keys().find(|file| !inside(file) || *file == RECEIPT_FILE) {
            Some(file) => Err(wrong(format!("`{file}` is not a file of the model's folder"))),
            None => Ok(receipt),
        }
    }

    /// The receipt as a file.
    ///
    /// # Errors
    /// [`Error::Receipt`] if it cannot be written as JSON.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::Receipt { name: "this model".to_owned(), message: error.to_string() })?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Checks that every file of the receipt lies in `folder` as it was published; `name` is what errors call the model.
    ///
    /// # Errors
    /// [`Error::WrongFile`] for the first that does not.
    pub fn verify(&self, name: &str, folder: &Path) -> Result<()> {
        for (file, expected) in &self.files {
            let path = folder.join(file);
            let wrong = |message: String| Error::WrongFile { name: name.to_owned(), file: file.clone(), message };
            if !path.is_file() {
                return Err(wrong("it is missing".to_owned()));
            }
            expected.check(&path)?.map_err(wrong)?;
        }
        Ok(())
    }
}

impl Fingerprint {
    /// That of these bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self { size: bytes.len() as u64, sha256: hexadecimal(&Sha256::digest(bytes)) }
    }

    /// That of a file.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read.
    pub fn of_file(path: &Path) -> Result<Self> {
        let read = |path: &Path| -> io::Result<Self> {
            let mut hash = Hash(Sha256::new());
            let size = io::copy(&mut File::open(path)?, &mut hash)?;
            Ok(Self { size, sha256: hexadecimal(&hash.0.finalize()) })
        };
        read(path).map_err(Error::file("read", path))
    }

    /// Whether a file is the one meant, else what is wrong with it.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read.
    pub(crate) fn check(&self, path: &Path) -> Result<std::result::Result<(), String>> {
        let found = Self::of_file(path)?;
        Ok(if found.size != self.size {
            Err(format!("it has {} bytes, expected {}", found.size, self.size))
        } else if found.sha256 != self.sha256 {
            Err(format!("its SHA-256 is {}, expected {}", found.sha256, self.sha256))
        } else {
            Ok(())
        })
    }
}

fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Hash(Sha256);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

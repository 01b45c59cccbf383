//! Dataset cards: what a dataset is, where it comes from and under which terms.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use einthoven_signal::{ArrayOptions, Lead};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Error, Result, SplitConfig, TableConfig, shards};

macro_rules! cards {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../../../datasets/", $name, ".toml")))),*]
    };
}

const BUILT_IN: [(&str, &str); 11] = cards!(
    "chapman-shaoxing-ningbo",
    "cinc2021",
    "code-15",
    "cpsc2018",
    "cpsc2018-original",
    "folder",
    "ludb",
    "mimic-iv-ecg",
    "ptb-xl",
    "simulated",
    "table"
);

/// A dataset card (`datasets/*.toml`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetCard {
    /// Short name, as commands and experiments use it.
    pub name: String,
    /// Full title.
    pub title: String,
    /// Version of the dataset that the card describes.
    pub version: String,
    /// How the dataset lies on disk.
    pub layout: Layout,
    /// What it holds, in a few sentences.
    pub description: String,
    /// Licence, as an SPDX expression.
    pub licence: String,
    /// Whether weights trained on it may be passed on.
    #[serde(default, skip_serializing_if = "Publication::is_unstated")]
    pub publication: Publication,
    /// What to cite.
    pub citation: String,
    /// Where it comes from; none for what is made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<CardSource>,
    /// How much there is of it; none where the user decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<CardSize>,
    /// What the recordings are like.
    pub signals: CardSignals,
    /// Label sets by name, with what they are in words.
    #[serde(default)]
    pub label_sets: BTreeMap<String, String>,
    /// The recommended folds.
    pub splits: SplitConfig,
    /// The columns of a table of one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<TableConfig>,
    /// What array files (`.npy`, `.csv`) do not say themselves, where all are alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrays: Option<ArrayOptions>,
    /// Files with a known checksum.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<CardFile>,
}

/// Whether weights trained on a dataset may be passed on, as far as its terms are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Publication {
    /// They may, with the attribution that the licence asks for.
    Allowed,
    /// They may not: by its licence, a use agreement, or a hospital's decision.
    Forbidden,
    /// Nobody has said so.
    #[default]
    Unstated,
}

impl Publication {
    fn is_unstated(&self) -> bool {
        *self == Self::Unstated
    }
}

/// How a dataset lies on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// As PTB-XL is published: `ptbxl_database.csv`, `scp_statements.csv`, `records100/`, `records500/`.
    PtbXl,
    /// As the PhysioNet/CinC Challenge 2021 publishes its parts: WFDB records with age, sex and SNOMED CT codes in the headers.
    #[serde(rename = "cinc2021")]
    Cinc2021,
    /// As CODE-15 % is published: `exams.csv`, `exams_part0.hdf5` and so on.
    #[serde(rename = "code-15")]
    Code15,
    /// As the China Physiological Signal Challenge 2018 is published: `REFERENCE.csv` and MATLAB files.
    #[serde(rename = "cpsc2018")]
    Cpsc2018,
    /// As LUDB is published: WFDB records with age, sex and diagnoses in the headers.
    Ludb,
    /// As MIMIC-IV-ECG is published: `record_list.csv`, `machine_measurements.csv`, `files/`.
    MimicIvEcg,
    /// A CSV or Parquet table with a row for each recording, as the card's `table` says.
    Table,
    /// Recordings in a folder: those that its list `RECORDS` names, or without one all in it and in the folders in it; with nothing said about them.
    Folder,
    /// Not on disk: simulated.
    Simulated,
}

/// Where a dataset comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardSource {
    /// The page to download it from.
    pub url: String,
    /// Its digital object identifier.
    pub doi: String,
    /// The address of its files, with `SHA256SUMS.txt` among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<String>,
}

/// How much a dataset holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardSize {
    /// Number of records.
    pub records: usize,
    /// Number of patients, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patients: Option<usize>,
}

/// What the recordings of a dataset are like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardSignals {
    /// The leads that every recording has, in the dataset's order; empty where nothing is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leads: Vec<Lead>,
    /// The sampling rates that there are, in Hz; empty where any is possible.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sampling_rates: Vec<u32>,
    /// Length in seconds, where all are alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// A file with a known checksum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardFile {
    /// The file, relative to the dataset's root.
    pub path: PathBuf,
    /// Its SHA-256 digest in lower-case hexadecimal digits.
    pub sha256: String,
}

impl DatasetCard {
    /// The names of the cards that come with the project.
    pub fn built_in() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// The card called `name`, or the one in the file `name` where that ends in `.toml`.
    ///
    /// # Errors
    /// [`Error::UnknownDataset`], [`Error::Read`], or [`Error::Card`] with the line and key.
    pub fn open(name: &str) -> Result<Self> {
        if let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
            return Self::parse(name, text);
        }
        let path = Path::new(name);
        if path.extension().is_none_or(|extension| extension != "toml") {
            return Err(Error::UnknownDataset {
                name: name.to_owned(),
                known: Self::built_in().map(str::to_owned).collect(),
            });
        }
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Self::parse(name, &text)
    }

    /// The card of a dataset as [`Dataset::open`](crate::Dataset::open) takes it, which may also be a folder of shards. Of shards,
    /// with the SHA-256 digest of their manifest, which holds those of the shards.
    ///
    /// # Errors
    /// As [`DatasetCard::open`]; [`Error::Json`] for a damaged manifest.
    pub fn of_data(dataset: &str) -> Result<(Self, Option<String>)> {
        if !shards::is_there(Path::new(dataset)) {
            return Ok((Self::open(dataset)?, None));
        }
        let (card, digest) = shards::card(Path::new(dataset))?;
        Ok((card, Some(digest)))
    }

    fn parse(card: &str, text: &str) -> Result<Self> {
        let parsed: Self =
            toml::from_str(text).map_err(|source| Error::Card { card: card.to_owned(), source: Box::new(source) })?;
        parsed.splits.validate()?;
        Ok(parsed)
    }

    /// Checks the files of known checksum that lie under `root`. A part of a dataset has other tables than the whole.
    ///
    /// # Errors
    /// [`Error::Checksum`] for the first file that is not the published one; [`Error::Read`] for one that is not there.
    pub fn verify(&self, root: &Path) -> Result<()> {
        for file in &self.files {
            let path = root.join(&file.path);
            let found = sha256(&path)?;
            if found != file.sha256 {
                return Err(Error::Checksum {
                    path,
                    version: self.version.clone(),
                    expected: file.sha256.clone(),
                    found,
                });
            }
        }
        Ok(())
    }
}

/// The SHA-256 digest of a file in lower-case hexadecimal digits.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    let read = |path: &Path| -> std::io::Result<_> {
        let mut hash = Sha256::new();
        std::io::copy(&mut std::fs::File::open(path)?, &mut HashWriter(&mut hash))?;
        Ok(hash)
    };
    let hash = read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    Ok(hexadecimal(&hash.finalize()))
}

/// A digest in lower-case hexadecimal digits.
pub(crate) fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

//! One record of a dataset, without its samples.

use std::path::PathBuf;

use einthoven_signal::Sex;
use serde::{Deserialize, Serialize};

/// What a dataset says about one record; the samples are read by [`Dataset::record`](crate::Dataset::record).
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The record's id in its dataset.
    pub id: String,
    /// The patient's id in the dataset. Records of one patient share their fold.
    pub patient: String,
    /// Where the samples are.
    pub location: Location,
    /// The statements as codes, in the dataset's order.
    pub codes: Vec<Code>,
    /// The statements in English: one for each code that is known, or the lines of a report.
    pub statements: Vec<String>,
    /// The report as it was written, in its own language.
    pub report: Option<String>,
    /// Age in years; 90 where the dataset says no more than "over 89".
    pub age: Option<u8>,
    /// Sex.
    pub sex: Option<Sex>,
    /// The model of the device that made the recording, without the revision of its software.
    pub device: Option<String>,
    /// The fold, from 1.
    pub fold: Option<u8>,
}

/// Where the samples of a record are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In a file of any format that is read (of a WFDB record, the header).
    File(PathBuf),
    /// In one of the dataset's files of many recordings.
    Archive {
        /// The file's number, from 0.
        archive: usize,
        /// The recording's number in it, from 0.
        record: usize,
    },
    /// In a shard, prepared.
    Shard {
        /// The shard's number, from 0.
        shard: usize,
        /// The record's number in it, from 0.
        record: usize,
    },
    /// Nowhere: they are simulated.
    Simulated {
        /// The record's number in the cohort.
        index: u64,
    },
}

/// A coded statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Code {
    /// The code in the dataset's vocabulary: in PTB-XL SCP-ECG (`AFIB`), in the challenge's layout, CPSC2018 and CODE-15 % SNOMED CT (`164889003`).
    pub code: String,
    /// How sure the reader was, in percent. PTB-XL writes 0 where it is not known.
    pub likelihood: f32,
}

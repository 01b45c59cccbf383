//! Everything that can go wrong with a recording.

use std::path::PathBuf;

use crate::simulate::Condition;
use crate::{Lead, LeadNames};

/// The result of an operation on recordings.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, about which file, lead or field.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file could not be written; what was there before is untouched.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The name of a file to write cannot be that of a WFDB record.
    #[error("{} cannot name a WFDB record: expected letters, digits, `-` or `_`, then `.hea`", path.display())]
    RecordName {
        /// The file.
        path: PathBuf,
    },
    /// The file is of no known format.
    #[error(
        "cannot tell the format of {}: expected a WFDB record (.hea, .dat, .mat or the record's name), a DICOM \
         waveform (.dcm), HL7 aECG, GE MUSE or Philips Sierra XML (.xml), SCP-ECG (.scp), EDF or EDF+ (.edf), MATLAB (.mat), NumPy \
         (.npy), Parquet (.parquet), HDF5 (.hdf5) or comma-separated text (.csv)",
        path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The file's format is one that this build does not read.
    #[error(
        "this build does not read {format}, which {} is: build einthoven with `--features {feature}`",
        path.display()
    )]
    Feature {
        /// The file.
        path: PathBuf,
        /// The format.
        format: &'static str,
        /// The cargo feature.
        feature: &'static str,
    },
    /// A WFDB header breaks the rules of its format.
    #[error("{}, line {line}: {message}", path.display())]
    Header {
        /// The header file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong and what was expected.
        message: String,
    },
    /// The file uses a part of its format that this reader does not read.
    #[error("{} uses {feature}, which is not supported", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The feature, in words.
        feature: String,
    },
    /// A header names a signal file that does not exist.
    #[error("{} names the signal file {}, which does not exist", header.display(), path.display())]
    MissingSignalFile {
        /// The header file.
        header: PathBuf,
        /// The signal file that it names.
        path: PathBuf,
    },
    /// A file is shorter than its header says.
    #[error("{} is cut short: expected {expected} bytes, found {found}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes that the header implies.
        expected: u64,
        /// Bytes in the file.
        found: u64,
    },
    /// The samples of a signal do not add up to the checksum of the header.
    #[error(
        "{}: the checksum of signal {signal} is {found} where the header says {expected}; the file is damaged",
        path.display()
    )]
    Checksum {
        /// The signal file.
        path: PathBuf,
        /// The signal's description.
        signal: String,
        /// The header's checksum, modulo 65536.
        expected: u16,
        /// The sum of the samples found, modulo 65536.
        found: u16,
    },
    /// A unit that is not one of voltage.
    #[error("{what} is in `{unit}`, which is not a unit of voltage: expected mV, uV or V")]
    Unit {
        /// The file and signal, or the option.
        what: String,
        /// The unit found.
        unit: String,
    },
    /// An array file (`.npy`, `.csv`, `.mat`, `.parquet`) is not readable as a recording.
    #[error("{}: {message}", path.display())]
    Array {
        /// The file.
        path: PathBuf,
        /// What is wrong and what was expected.
        message: String,
    },
    /// The file breaks the rules of its format.
    #[error("{} is damaged: {message}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong and what was expected.
        message: String,
    },
    /// The file could not be parsed.
    #[error("cannot parse {}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An array file says nothing about its sampling rate.
    #[error(
        "the sampling rate of {} is not known: give it with --sampling-rate (`ArrayOptions::sampling_rate`), \
         in {} as {{\"sampling_rate\": 500}}, or in a .csv file as a first line `# sampling_rate: 500`",
        path.display(), path.with_extension("json").display()
    )]
    UnknownSamplingRate {
        /// The file.
        path: PathBuf,
    },
    /// An array file says nothing about its leads.
    #[error(
        "the leads of {} are not known: give them with --leads I,II,… (`ArrayOptions::leads`) or in {} as {{\"leads\": [\"I\", \"II\", …]}}",
        path.display(), path.with_extension("json").display()
    )]
    UnknownLeads {
        /// The file.
        path: PathBuf,
    },
    /// What a file holds is no recording.
    #[error("{} holds no usable recording", path.display())]
    Recording {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// A lead without a name.
    #[error("a lead has an empty name")]
    EmptyLeadName,
    /// Two leads of a recording have the same name.
    #[error("lead {lead} appears twice")]
    DuplicateLead {
        /// The lead.
        lead: Lead,
    },
    /// A recording without leads or without samples.
    #[error("the recording is empty: {leads} leads, {samples} samples each")]
    Empty {
        /// Number of leads.
        leads: usize,
        /// Samples of each lead.
        samples: usize,
    },
    /// The number of samples is not a multiple of the number of leads.
    #[error("{samples} samples cannot be shared by {leads} leads")]
    Shape {
        /// Number of leads.
        leads: usize,
        /// Number of all samples.
        samples: usize,
    },
    /// A sampling rate that is not a positive number.
    #[error("a sampling rate of {rate} Hz is impossible: expected a positive number")]
    SamplingRate {
        /// The rate, in Hz.
        rate: f64,
    },
    /// A sample that is infinite.
    #[error("sample {index} of lead {lead} is infinite")]
    InfiniteSample {
        /// The lead.
        lead: Lead,
        /// The sample, counted from 0.
        index: usize,
    },
    /// The recording lacks leads that the contract asks for.
    #[error("missing leads {}: the recording has {}", LeadNames(missing), LeadNames(found))]
    MissingLeads {
        /// Leads of the contract that the recording lacks.
        missing: Vec<Lead>,
        /// Leads of the recording.
        found: Vec<Lead>,
    },
    /// A lead in which every sample is missing.
    #[error("every sample of lead {lead} is missing (NaN)")]
    MissingSamples {
        /// The lead.
        lead: Lead,
    },
    /// Two sampling rates too far apart to resample between.
    #[error("cannot resample from {from} Hz to {to} Hz: the rates are too far apart")]
    Resample {
        /// The recording's rate, in Hz.
        from: f64,
        /// The contract's rate, in Hz.
        to: f64,
    },
    /// A filter that cannot be built.
    #[error("impossible filter: {message}")]
    Filter {
        /// What is wrong and what was expected.
        message: String,
    },
    /// A recording in which no beat can be measured.
    #[error("cannot measure the recording: {message}")]
    Unmeasurable {
        /// What is wrong and what was expected.
        message: String,
    },
    /// A contract that no recording can meet.
    #[error("impossible input contract: {message}")]
    Contract {
        /// What is wrong and what was expected.
        message: String,
    },
    /// A code that is not one of the simulator's conditions.
    #[error("the simulator does not know the condition `{code}`: it knows {}", condition_codes())]
    UnknownCondition {
        /// The code.
        code: String,
    },
    /// A condition that only [`Population::Broad`](crate::simulate::Population::Broad) knows.
    #[error("the core population does not have {condition}: set the simulator's `population` to \"broad\"")]
    OutsidePopulation {
        /// The condition.
        condition: Condition,
    },
    /// Conditions that one recording cannot have together.
    #[error("{first} and {second} cannot be simulated together: {reason}")]
    Conditions {
        /// One condition.
        first: Condition,
        /// The other.
        second: Condition,
        /// Why they exclude each other.
        reason: &'static str,
    },
    /// A setting of the simulator that is out of its range.
    #[error("the simulator's `{field}` is {value}: expected {low} to {high}")]
    SimulatorSetting {
        /// The setting.
        field: &'static str,
        /// Its value.
        value: f64,
        /// The smallest value allowed.
        low: f64,
        /// The largest value allowed.
        high: f64,
    },
    /// A drawing that no bitmap can hold.
    #[error("a drawing of {width} × {height} pixels is too large")]
    PictureSize {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// A drawing that could not be written.
    #[error("cannot encode the drawing")]
    Picture {
        /// What the encoder said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn condition_codes() -> String {
    Condition::ALL.map(|condition| condition.code()).join(", ")
}

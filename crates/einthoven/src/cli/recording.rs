//! Options of the commands that look at recordings, and of reading them.

use std::path::PathBuf;

use clap::Args;

/// How to read recordings in files that do not say it themselves.
#[derive(Debug, Args)]
pub struct Reading {
    /// Sampling rate of array files, in Hz
    #[arg(long)]
    pub sampling_rate: Option<f64>,
    /// Leads of array files, in order (such as I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6)
    #[arg(long, value_delimiter = ',')]
    pub leads: Option<Vec<String>>,
    /// Unit of array files: mV, uV or V
    #[arg(long)]
    pub unit: Option<String>,
}

/// Options of `inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// A recording, a run folder or a checkpoint folder
    pub path: String,
    #[command(flatten)]
    pub reading: Reading,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `measure`.
#[derive(Debug, Args)]
pub struct Measure {
    /// The recording: a WFDB, NumPy or CSV file, or simulated:INDEX
    pub record: String,
    #[command(flatten)]
    pub reading: Reading,
    /// Print the result as JSON, each beat with its waves
    #[arg(long)]
    pub json: bool,
}

/// Options of `draw`.
#[derive(Debug, Args)]
pub struct Draw {
    /// The recording: a WFDB, NumPy or CSV file, or simulated:INDEX
    pub record: String,
    /// Picture to write: its ending, .svg or .png, says the kind
    #[arg(short, long)]
    pub output: PathBuf,
    #[command(flatten)]
    pub reading: Reading,
}

//! What can be typed after `einthoven data`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The commands about datasets.
#[derive(Debug, Subcommand)]
pub enum Data {
    /// List the datasets that are known
    List(List),
    /// Verify a copy of a dataset, record by record: files, checksums, leads, rates, lengths, missing samples
    #[command(after_help = "Examples:
  einthoven data check ptb-xl --root ptb-xl-1.0.3
  einthoven data check ptb-xl --root ptbxl-sample --part
  einthoven data check folder --root my-recordings

Exit code 1 when something is missing or broken.")]
    Check(Check),
    /// Show what is in a dataset: labels, ages, sexes, lengths, rates, quality
    Stats(Stats),
    /// Draw recordings of the same statement from several datasets beside each other
    #[command(after_help = "Examples:
  einthoven data draw experiments/ptbxl-sample.toml experiments/simulated-minilm.toml --codes AFIB,CLBBB,PVC -o beside.html

The datasets are those of the experiments.")]
    Draw(Draw),
    /// Deal patients out to folds with labels spread evenly, or audit a split for leakage
    #[command(after_help = "Examples:
  einthoven data split cinc2021 --root cinc2021-sample --labels scored -o folds.csv
  einthoven data split ptb-xl --root ptbxl-sample --published --labels super -o folds.csv
  einthoven data split ptb-xl --root ptbxl-sample --audit folds.csv

An experiment takes the file as `data.folds`. --published with a label set is the split of the PTB-XL benchmark and of MERL.")]
    Split(Split),
    /// Download a dataset's files and verify them; cut off, it goes on where it was
    #[command(after_help = "Examples:
  einthoven data fetch ptb-xl -o ptb-xl-1.0.3
  einthoven data fetch cpsc2018 --only training/cpsc_2018/ -o cpsc2018

User and password, where a source asks for them, are taken from EINTHOVEN_USER and EINTHOVEN_PASSWORD.")]
    Fetch(Fetch),
    /// Prepare a dataset once under an input contract, into files that training reads fast; killed, it goes on where it was
    #[command(after_help = "Examples:
  einthoven data shard ptb-xl --root ptbxl-sample --contract experiments/ptbxl-sample.toml -o shards/ptbxl
  einthoven pretrain experiments/ptbxl-sample.toml --set data.dataset=shards/ptbxl

Batches from shards are, bit for bit, those from the files they were made of (but for --i16).

Shards can lie in an object store that speaks S3's language, -o s3://bucket/prefix; the store and its user are taken from AWS_ENDPOINT_URL,
AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. Records come when they are needed and are kept in
$EINTHOVEN_CACHE_MB of room on disk (2048).")]
    Shard(Shard),
}

/// Which dataset.
#[derive(Debug, Args)]
pub struct Source {
    /// A dataset by its name (see `einthoven data list`) or its card's file
    pub dataset: String,
    /// The folder of the data: as it stands, or below $EINTHOVEN_DATA
    #[arg(long)]
    pub root: Option<PathBuf>,
    /// Sampling rate to take the records at, in Hz, where the dataset offers each at several
    #[arg(long)]
    pub rate: Option<u32>,
}

/// Options of `data list`.
#[derive(Debug, Args)]
pub struct List {
    /// Show one dataset's card
    pub dataset: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `data check`.
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    pub source: Source,
    /// The copy holds a part of the dataset on purpose
    #[arg(long)]
    pub part: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `data stats`.
#[derive(Debug, Args)]
pub struct Stats {
    #[command(flatten)]
    pub source: Source,
    /// Read every recording, too, and say how well they were recorded
    #[arg(long)]
    pub quality: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `data draw`.
#[derive(Debug, Args)]
pub struct Draw {
    /// Experiment files, one for each column
    #[arg(required = true)]
    pub experiments: Vec<PathBuf>,
    /// Codes of statements, as the datasets write them
    #[arg(long, value_delimiter = ',', required = true)]
    pub codes: Vec<String>,
    /// Recordings of each dataset for each statement
    #[arg(long, default_value_t = 5)]
    pub count: usize,
    /// HTML file to write
    #[arg(short, long)]
    pub output: PathBuf,
}

/// Options of `data split`.
#[derive(Debug, Args)]
pub struct Split {
    #[command(flatten)]
    pub source: Source,
    /// Number of folds; the last is for the test, the one before for validation
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(3..))]
    pub folds: u8,
    /// Label set whose classes are spread evenly; with --published, the records without a label are left out
    #[arg(long)]
    pub labels: Option<String>,
    /// Seed of the dealing out
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Take the dataset's own folds
    #[arg(long, conflicts_with_all = ["folds", "seed"])]
    pub published: bool,
    /// Look for patients in several parts of this file (a CSV table with the columns id and fold or split)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["folds", "labels", "seed", "published", "output"])]
    pub audit: Option<PathBuf>,
    /// File to write: a CSV table with the columns id, patient, fold and split
    #[arg(short, long)]
    pub output: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `data shard`.
#[derive(Debug, Args)]
pub struct Shard {
    #[command(flatten)]
    pub source: Source,
    /// Folder for the shards, or s3://bucket/prefix
    #[arg(short, long)]
    pub output: PathBuf,
    /// The contract: an experiment file, or a checkpoint's contract.json [default: ESI's, 12 leads, 10 s at 500 Hz]
    #[arg(long)]
    pub contract: Option<PathBuf>,
    /// Store 16-bit steps in place of 32-bit numbers: half the room, a rounding of at most half a step
    #[arg(long)]
    pub i16: bool,
    /// Records in a shard
    #[arg(long, default_value_t = 256)]
    pub records: usize,
}

/// Options of `data fetch`.
#[derive(Debug, Args)]
pub struct Fetch {
    /// A dataset by its name (see `einthoven data list`) or its card's file
    pub dataset: String,
    /// Folder for the files
    #[arg(short, long)]
    pub output: PathBuf,
    /// Fetch only files whose paths begin so (repeatable)
    #[arg(long, value_name = "PREFIX")]
    pub only: Vec<String>,
    /// Connections at once
    #[arg(long, default_value_t = 4)]
    pub connections: usize,
    /// Address of a mirror with the same files, SHA256SUMS.txt among them
    #[arg(long)]
    pub url: Option<String>,
}

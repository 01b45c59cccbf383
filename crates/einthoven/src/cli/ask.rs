//! Options of the commands that ask a model.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Reading;

/// Options of `query`.
#[derive(Debug, Args)]
pub struct Query {
    /// A run folder (its best checkpoint, or the last; RUN@last and RUN@best choose), a checkpoint folder, or a published
    /// model: owner/model[@revision]
    pub run: PathBuf,
    /// Recordings: WFDB, NumPy or CSV files, or simulated:INDEX
    #[arg(required = true)]
    pub records: Vec<String>,
    /// A text to score (repeatable)
    #[arg(long = "text", required = true)]
    pub texts: Vec<String>,
    #[command(flatten)]
    pub reading: Reading,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `describe`.
#[derive(Debug, Args)]
pub struct Describe {
    /// A run folder (its best checkpoint, or the last; RUN@last and RUN@best choose), a checkpoint folder, or a published
    /// model: owner/model[@revision]
    pub run: PathBuf,
    /// The recording: a WFDB, NumPy or CSV file, or simulated:INDEX
    pub record: String,
    #[command(flatten)]
    pub reading: Reading,
    /// Longest caption, in tokens
    #[arg(long, default_value_t = 128)]
    pub max_tokens: usize,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// A run folder (its best checkpoint, or the last; RUN@last and RUN@best choose), a checkpoint folder, or a published
    /// model: owner/model[@revision]
    pub run: PathBuf,
    /// The recording: a WFDB, NumPy or CSV file, or simulated:INDEX
    pub record: String,
    /// The text
    #[arg(long)]
    pub text: String,
    /// Picture to write: its ending, .svg or .png, says the kind
    #[arg(short, long)]
    pub output: PathBuf,
    /// How parts are weighed
    #[arg(long, value_enum, default_value_t = Weighing::Gradients)]
    pub method: Weighing,
    #[command(flatten)]
    pub reading: Reading,
    /// Print what was found, each part's share included, as JSON
    #[arg(long)]
    pub json: bool,
}

/// How parts of a recording are weighed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Weighing {
    /// Integrated gradients: of each sample, adding up to the whole
    Gradients,
    /// Windows of 0.4 s of a lead, each flattened by itself
    Occlusion,
    /// Attention of the network, whatever the text: of moments, all leads alike
    Attention,
}

/// Options of `embed`.
#[derive(Debug, Args)]
pub struct Embed {
    /// A run folder (its best checkpoint, or the last; RUN@last and RUN@best choose), a checkpoint folder, an imported encoder, or a
    /// published model: owner/model[@revision]
    pub run: PathBuf,
    /// Recordings: WFDB, NumPy or CSV files, or simulated:INDEX
    #[arg(required_unless_present = "dataset")]
    pub records: Vec<String>,
    /// All recordings of a dataset: its card, by name (`einthoven data list`) or file, or a folder of shards
    #[arg(long, conflicts_with_all = ["records", "sampling_rate", "leads", "unit"])]
    pub dataset: Option<String>,
    /// Where the dataset lies
    #[arg(long, requires = "dataset")]
    pub root: Option<PathBuf>,
    /// Its folds [default: all recordings]
    #[arg(long, value_delimiter = ',', requires = "dataset")]
    pub folds: Option<Vec<u8>>,
    /// Keep them in this safetensors file, with the recordings' names, for `search`
    #[arg(short, long, value_name = "FILE", conflicts_with = "json")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub reading: Reading,
    /// Print the result as JSON instead of CSV
    #[arg(long)]
    pub json: bool,
}

/// Options of `search`.
#[derive(Debug, Args)]
pub struct Search {
    /// A run folder (its best checkpoint, or the last; RUN@last and RUN@best choose), a checkpoint folder, or a published
    /// model: owner/model[@revision]
    pub run: PathBuf,
    /// The file that `einthoven embed -o` wrote with the same model
    pub embeddings: PathBuf,
    /// What to look for
    #[arg(long)]
    pub text: String,
    /// Recordings that are shown
    #[arg(long, default_value_t = 20)]
    pub top: usize,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

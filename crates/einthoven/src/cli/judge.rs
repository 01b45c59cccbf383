//! Options of the commands that judge models.

use std::path::PathBuf;

use clap::Args;

/// Options of `evaluate`.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// A run folder (its best checkpoint, or the last; RUN@last and RUN@best choose), a checkpoint folder, or a published
    /// model: owner/model[@revision]. With --protocol several, also imported encoders, random:RUN or random:EXPERIMENT.toml (fresh
    /// weights) and measurements (interval features), under names of your own as NAME=SUBJECT
    #[arg(required = true, value_name = "RUN|SUBJECT")]
    pub subjects: Vec<String>,
    /// Judge by a protocol: the name of an embedded one (experiments/protocols) or a TOML file
    #[arg(long, value_name = "NAME|FILE", requires = "out")]
    #[arg(conflicts_with_all = ["dataset", "labels", "prompts", "folds", "html"])]
    pub protocol: Option<String>,
    /// Folder for the results of a protocol
    #[arg(long, requires = "protocol")]
    pub out: Option<PathBuf>,
    /// Dataset to judge on [default: the run's own]
    #[arg(long)]
    pub dataset: Option<String>,
    /// Where the dataset lies
    #[arg(long)]
    pub root: Option<PathBuf>,
    /// Label set [default: the run's own]
    #[arg(long)]
    pub labels: Option<String>,
    /// Label prompts: the name of an embedded set or a TOML file [default: the run's own]
    #[arg(long)]
    pub prompts: Option<String>,
    /// Folds to judge on [default: the run's test folds]
    #[arg(long, value_delimiter = ',')]
    pub folds: Option<Vec<u8>>,
    /// Write the HTML report here
    #[arg(long)]
    pub html: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `compare`.
#[derive(Debug, Args)]
pub struct Compare {
    /// The folder of results
    pub results: PathBuf,
    /// Write the page here
    #[arg(long)]
    pub html: Option<PathBuf>,
    /// Write all numbers as CSV here
    #[arg(long)]
    pub csv: Option<PathBuf>,
    /// Write all numbers as JSON here
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Write the tables as LaTeX here
    #[arg(long)]
    pub latex: Option<PathBuf>,
}

/// Options of `probe`.
#[derive(Debug, Args)]
pub struct Probe {
    /// A run folder (its best checkpoint, or the last; RUN@last and RUN@best choose) or a checkpoint folder
    pub run: PathBuf,
    /// Label set of the run's dataset to learn [default: the run's own]
    #[arg(long)]
    pub labels: Option<String>,
    /// Classes of it [default: all that the judged label set has, too]
    #[arg(long, value_delimiter = ',')]
    pub classes: Vec<String>,
    /// Dataset to judge on [default: the run's own]
    #[arg(long)]
    pub dataset: Option<String>,
    /// Where the dataset lies
    #[arg(long)]
    pub root: Option<PathBuf>,
    /// Label set to judge by [default: the one that was learnt]
    #[arg(long)]
    pub judged_labels: Option<String>,
    /// Folds to judge on [default: the dataset's test folds]
    #[arg(long, value_delimiter = ',')]
    pub folds: Option<Vec<u8>>,
    /// L2 penalty of the classifiers, above 0
    #[arg(long, default_value_t = 0.01)]
    pub decay: f64,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

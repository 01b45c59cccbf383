//! Options of the commands that train.

use std::path::PathBuf;

use clap::Args;

/// Options of `quickstart`.
#[derive(Debug, Args)]
pub struct Quickstart {
    /// Folder for the run
    #[arg(long, default_value = "runs/quickstart")]
    pub out: PathBuf,
    /// Change one key of the embedded experiment (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Go on with the run in the folder
    #[arg(long)]
    pub resume: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `pretrain` and `finetune`.
#[derive(Debug, Args)]
pub struct Pretrain {
    /// The experiment file
    pub experiment: PathBuf,
    /// Change one key of the experiment (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Folder for the run [default: runs/ and the experiment's name]
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Go on from the last checkpoint, or start if there is none
    #[arg(long)]
    pub resume: bool,
    /// Do not train: say which batch sizes fit into the memory that is free, and what they need it for
    #[arg(long, conflicts_with_all = ["out", "resume"])]
    pub find_batch_size: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

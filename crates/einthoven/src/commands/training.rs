//! What `einthoven pretrain` and `einthoven finetune` have in common.

use std::path::PathBuf;
use std::process::ExitCode;

use einthoven::train::{BatchSizes, ProgressDisplay, Summary};
use einthoven::{Result, RunOptions};

use super::stop::{INTERRUPTED, stop_on_ctrl_c};

/// A run in the folder `out` that Ctrl-C ends.
pub fn run_options(out: PathBuf, resume: bool) -> Result<RunOptions> {
    let stop = stop_on_ctrl_c("finishing this step and saving")?;
    Ok(RunOptions { out, resume, stop, display: ProgressDisplay::Shown })
}

/// How the command ends; says how to go on with a run that was interrupted.
pub fn exit_code(summary: &Summary) -> ExitCode {
    if summary.interrupted {
        eprintln!("interrupted after step {} of {}: saved; go on with --resume", summary.step, summary.total);
        return ExitCode::from(INTERRUPTED);
    }
    ExitCode::SUCCESS
}

/// Prints which batch sizes fit.
pub fn show_batch_sizes(sizes: &BatchSizes, json: bool) -> Result<ExitCode> {
    if json {
        super::print_json(sizes)?
    } else {
        super::print(&sizes.to_string())?
    }
    Ok(ExitCode::SUCCESS)
}

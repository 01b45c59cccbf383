//! `einthoven quickstart` and `einthoven pretrain`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use einthoven::{Experiment, Outcome, Result};
use serde_json::json;

use super::evaluate::show;
use super::training::{exit_code, run_options, show_batch_sizes};
use crate::cli::{Pretrain, Quickstart};

/// The experiment that needs no data and no download.
const QUICKSTART: &str = include_str!("../../../../experiments/quickstart.toml");

pub fn quickstart(options: Quickstart) -> Result<ExitCode> {
    let path = Path::new("experiments/quickstart.toml");
    let experiment = Experiment::parse(path, QUICKSTART, &options.overrides)?;
    carry_out(experiment, options.out, options.resume, options.json)
}

pub fn pretrain(options: Pretrain) -> Result<ExitCode> {
    let experiment = Experiment::load(&options.experiment, &options.overrides)?;
    if options.find_batch_size {
        return show_batch_sizes(&einthoven::find_batch_size(experiment)?, options.json);
    }
    let out = options.out.unwrap_or_else(|| Path::new("runs").join(&experiment.name));
    carry_out(experiment, out, options.resume, options.json)
}

fn carry_out(experiment: Experiment, out: PathBuf, resume: bool, json: bool) -> Result<ExitCode> {
    let options = run_options(out, resume)?;
    let Outcome { summary, judgement, report } = einthoven::pretrain(experiment, &options)?;
    if json {
        super::print_json(&json!({
            "run": options.out,
            "step": summary.step,
            "steps": summary.total,
            "interrupted": summary.interrupted,
            "checkpoint": summary.checkpoint,
            "report": report,
            "judgement": judgement,
        }))?;
    } else if let Some(judgement) = &judgement {
        super::print(&show(judgement))?;
        super::print(&format!("run:    {}", options.out.display()))?;
    }
    if let (Some(report), false) = (report, json) {
        super::print(&format!("report: {}", report.display()))?;
    }
    Ok(exit_code(&summary))
}

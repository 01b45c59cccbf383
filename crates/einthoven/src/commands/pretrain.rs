//! `einthoven quickstart` and `einthoven pretrain`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use einthoven::train::ProgressDisplay;
use einthoven::{Error, Experiment, Outcome, Result};
use serde_json::json;

use super::evaluate::show;
use crate::cli::{Pretrain, Quickstart};

/// The experiment that needs no data and no download.
const QUICKSTART: &str = include_str!("../../../../experiments/quickstart.toml");

/// The exit code of an interrupted run, as shells give it.
const INTERRUPTED: u8 = 130;

pub fn quickstart(options: Quickstart) -> Result<ExitCode> {
    let path = Path::new("experiments/quickstart.toml");
    let experiment = Experiment::parse(path, QUICKSTART, &options.overrides)?;
    carry_out(experiment, options.out, options.resume, options.json)
}

pub fn pretrain(options: Pretrain) -> Result<ExitCode> {
    let experiment = Experiment::load(&options.experiment, &options.overrides)?;
    let out = options.out.unwrap_or_else(|| Path::new("runs").join(&experiment.name));
    carry_out(experiment, out, options.resume, options.json)
}

fn carry_out(experiment: Experiment, out: PathBuf, resume: bool, json: bool) -> Result<ExitCode> {
    let options = einthoven::Pretrain { out, resume, stop: stop_on_ctrl_c()?, display: ProgressDisplay::Shown };
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
    if summary.interrupted {
        eprintln!("interrupted after step {} of {}: saved; go on with --resume", summary.step, summary.total);
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if let (Some(report), false) = (report, json) {
        super::print(&format!("report: {}", report.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The first Ctrl-C asks the run to save and end, the second ends it at once.
fn stop_on_ctrl_c() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let handler = move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        eprintln!("\nfinishing this step and saving; press Ctrl-C again to end at once");
    };
    ctrlc::set_handler(handler)
        .map_err(|error| Error::Setting { key: "Ctrl-C".to_owned(), message: error.to_string() })?;
    Ok(stop)
}

//! `einthoven data check`.

use std::process::ExitCode;

use einthoven::Result;
use einthoven::corpus::{CheckOptions, CheckReport, Finding};

use super::progress::Progress;
use crate::cli::data::Check;

/// Findings that are listed at most; JSON has them all.
const LISTED: usize = 50;

pub fn check(options: &Check) -> Result<ExitCode> {
    let (dataset, root) = super::open(&options.source)?;
    let progress = Progress::new(dataset.len() as u64, "records");
    let report = dataset.check(root.as_deref(), CheckOptions { part: options.part }, &|| progress.add(1));
    drop(progress);
    if options.json {
        crate::commands::print_json(&report)?;
    } else {
        crate::commands::print(&show(&dataset.name, dataset.len(), &report))?;
    }
    Ok(if report.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(name: &str, records: usize, report: &CheckReport) -> String {
    let mut text = format!(
        "{name}: {} of {records} records are readable; {} problems, {} warnings\n",
        report.readable,
        report.problems.len(),
        report.warnings.len()
    );
    for (kind, findings) in [("problem", &report.problems), ("warning", &report.warnings)] {
        for Finding { about, what } in findings.iter().take(LISTED) {
            text.push_str(&format!("  {kind}: {about}: {what}\n"));
        }
        if findings.len() > LISTED {
            text.push_str(&format!("  and {} more {kind}s: --json lists them\n", findings.len() - LISTED));
        }
    }
    text.trim_end().to_owned()
}

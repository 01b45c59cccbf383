//! `einthoven evaluate --protocol`.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use einthoven::eval::comparison::Comparison;
use einthoven::eval::protocol::Protocol;
use einthoven::{Progress, Result, SubjectName};

use crate::cli::Evaluate;

pub fn evaluate(options: &Evaluate, protocol: &str, out: &Path) -> Result<ExitCode> {
    let protocol = Protocol::open(protocol)?;
    let subjects = SubjectName::with_baselines(&options.subjects)?;
    let show_progress = std::io::stderr().is_terminal();
    let results = einthoven::evaluate(&protocol, options.root.as_deref(), &subjects, out, |progress| match progress {
        Progress::Embedded { subject, recordings } if show_progress => eprint!("\r{subject}: {recordings} recordings"),
        Progress::Begun { .. } | Progress::Embedded { .. } => {}
        Progress::Finished { subject, path, was_there } => {
            let before = if was_there { "was finished before" } else { "finished" };
            eprintln!("{}{subject}: {before}, {}", if show_progress { "\r" } else { "" }, path.display());
        }
    })?;
    if options.json {
        super::print_json(&results)?;
    } else {
        super::print(super::compare::show(&Comparison::new([results])?).trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

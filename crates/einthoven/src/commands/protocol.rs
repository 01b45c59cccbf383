//! `einthoven evaluate --protocol`.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use einthoven::eval::comparison::Comparison;
use einthoven::eval::protocol::Protocol;
use einthoven::train::ProgressDisplay;
use einthoven::{Error, Progress, Result, SubjectName};

use super::stop::{INTERRUPTED, stop_on_ctrl_c};
use crate::cli::Evaluate;

pub fn evaluate(options: &Evaluate, protocol: &str, out: &Path) -> Result<ExitCode> {
    let protocol = Protocol::open(protocol)?;
    let subjects = SubjectName::with_baselines(&options.subjects)?;
    let show_progress = std::io::stderr().is_terminal();
    let say = |progress: Progress| match progress {
        Progress::Embedded { subject, recordings } if show_progress => eprint!("\r{subject}: {recordings} recordings"),
        Progress::Begun { .. } | Progress::Embedded { .. } => {}
        Progress::Finished { subject, path, was_there } => {
            let before = if was_there { "was finished before" } else { "finished" };
            eprintln!("{}{subject}: {before}, {}", if show_progress { "\r" } else { "" }, path.display());
        }
    };
    let stop = stop_on_ctrl_c("ending")?;
    let root = options.root.as_deref();
    let results = match einthoven::evaluate(&protocol, root, &subjects, out, &stop, ProgressDisplay::Shown, say) {
        Err(Error::Eval(error)) if matches!(*error, einthoven::eval::Error::Interrupted) => {
            eprintln!("interrupted: subjects that were finished are not judged again");
            return Ok(ExitCode::from(INTERRUPTED));
        }
        results => results?,
    };
    if options.json {
        super::print_json(&results)?;
    } else {
        super::print(super::compare::show(&Comparison::new([results])?).trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

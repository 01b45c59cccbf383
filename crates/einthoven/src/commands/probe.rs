//! `einthoven probe`.

use std::io::IsTerminal;
use std::process::ExitCode;

use einthoven::{Model, Probe, Probed, Result};

use super::table::{left_out, metrics_table};
use crate::cli;

pub fn probe(options: cli::Probe) -> Result<ExitCode> {
    let model = Model::open(&options.run)?;
    let show_progress = std::io::stderr().is_terminal();
    let probe = Probe {
        labels: options.labels.unwrap_or_else(|| model.experiment.evaluate.labels.clone()),
        classes: options.classes,
        dataset: options.dataset,
        root: options.root,
        judged_labels: options.judged_labels,
        folds: options.folds,
        decay: options.decay,
    };
    let probed = einthoven::probe(&model, &probe, |done| {
        if show_progress {
            eprint!("\r{done} recordings");
        }
    })?;
    if show_progress {
        eprintln!();
    }
    if options.json {
        super::print_json(&probed)?;
    } else {
        super::print(&show(&probed))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(probed: &Probed) -> String {
    let result = &probed.result;
    let table = metrics_table(result);
    let mut text = format!(
        "Linear heads fitted on {} ({} recordings), judged on {} ({} recordings, {:.0} % intervals)\n{table}",
        probed.fitted_on,
        probed.fitted_records,
        probed.data,
        result.records,
        100.0 * result.bootstrap.level,
    );
    text.push_str(&left_out(result));
    text
}

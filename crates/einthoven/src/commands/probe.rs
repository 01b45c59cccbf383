//! `einthoven probe`.

use std::io::IsTerminal;
use std::process::ExitCode;

use einthoven::eval::bootstrap::Estimate;
use einthoven::{Model, Probe, Probed, Result};

use super::table::Table;
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
    let mut table = Table::new(&["class", "positives", "AUROC", "interval", "AUPRC", "F1 max"]);
    let value = |estimate: &Estimate| estimate.value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    let interval = |estimate: &Estimate| {
        estimate.interval.map_or("-".to_owned(), |interval| format!("{:.3}–{:.3}", interval.low, interval.high))
    };
    let classes = result.classes.iter().map(|class| (class.code.as_str(), class.positives.to_string(), &class.metrics));
    for (name, positives, metrics) in classes.chain([("macro", String::new(), &result.r#macro)]) {
        let cells = [value(&metrics.auroc), interval(&metrics.auroc), value(&metrics.auprc), value(&metrics.f1_max)];
        table.row(&[[name.to_owned(), positives].as_slice(), cells.as_slice()].concat());
    }
    let mut text = format!(
        "Linear heads fitted on {} ({} recordings), judged on {} ({} recordings, {:.0} % intervals)\n{table}",
        probed.fitted_on,
        probed.fitted_records,
        probed.data,
        result.records,
        100.0 * result.bootstrap.level,
    );
    if !result.left_out.is_empty() {
        let codes: Vec<&str> = result.left_out.iter().map(|class| class.code.as_str()).collect();
        let count = codes.len();
        text.push_str(&format!(
            "  {count} classes left out for lack of positives or negatives: {}\n",
            codes.join(", ")
        ));
    }
    text
}

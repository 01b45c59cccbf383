//! `einthoven evaluate`.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use einthoven::corpus::Split;
use einthoven::eval::bootstrap::Estimate;
use einthoven::random::Streams;
use einthoven::{Data, Error, Judged, Judgement, Model, Result, judge, locate, report};

use super::table::Table;
use crate::cli::Evaluate;

pub fn evaluate(options: &Evaluate) -> Result<ExitCode> {
    if let (Some(protocol), Some(out)) = (&options.protocol, &options.out) {
        return super::protocol::evaluate(options, protocol, out);
    }
    let [run] = options.subjects.as_slice() else {
        let message = "several are judged by a protocol alone: --protocol NAME --out FOLDER";
        return Err(Error::Setting { key: "SUBJECT".to_owned(), message: message.to_owned() });
    };
    let model = Model::open(&locate(Path::new(run))?)?;
    let mut experiment = model.experiment.clone();
    if let Some(dataset) = &options.dataset
        && *dataset != experiment.data.dataset
    {
        experiment.data.dataset.clone_from(dataset);
        // What belonged to the other dataset says nothing about this one.
        (experiment.data.root, experiment.data.rate, experiment.data.splits) = (None, None, None);
    }
    if let Some(root) = &options.root {
        experiment.data.root = Some(root.clone());
    }
    if let Some(labels) = &options.labels {
        experiment.evaluate.labels.clone_from(labels);
    }
    if let Some(prompts) = &options.prompts {
        experiment.evaluate.prompts.clone_from(prompts);
    }
    let split = options.folds.clone().map_or(Split::Test, Split::Folds);
    let dataset = Data::open(&experiment.data)?;
    let data = Data::select(&dataset, &experiment.data, &split)?;
    let judged = Judged::new(&data, &experiment, model.checkpoint.contract(), &experiment.evaluate)?;
    let show_progress = std::io::stderr().is_terminal();
    let total = judged.loader.len();
    let judgement = judge(&judged, &model.network, &model.tokenizer, &Streams::new(experiment.seed), |done| {
        if show_progress {
            eprint!("\r{done} of {total} recordings");
        }
    })?;
    if show_progress {
        eprintln!();
    }
    if let Some(path) = &options.html {
        report::build(&model, &judged, &judgement, None)?.save(path)?;
    }
    if options.json {
        super::print_json(&judgement)?;
    } else {
        super::print(&show(&judgement))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A judgement as a table for people.
pub fn show(judgement: &Judgement) -> String {
    let zero_shot = &judgement.zero_shot;
    let level = 100.0 * zero_shot.bootstrap.level;
    let mut table = Table::new(&["class", "positives", "AUROC", "interval", "AUPRC", "F1 max"]);
    let value = |estimate: &Estimate| estimate.value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    let interval = |estimate: &Estimate| {
        estimate.interval.map_or("-".to_owned(), |interval| format!("{:.3}–{:.3}", interval.low, interval.high))
    };
    let rows = zero_shot
        .classes
        .iter()
        .map(|class| (class.code.as_str(), class.positives.to_string(), &class.metrics))
        .chain([("macro", String::new(), &zero_shot.r#macro)]);
    for (name, positives, metrics) in rows {
        table.row(&[
            name.to_owned(),
            positives,
            value(&metrics.auroc),
            interval(&metrics.auroc),
            value(&metrics.auprc),
            value(&metrics.f1_max),
        ]);
    }
    let recall = |direction: &einthoven::eval::retrieval::Direction| {
        let list: Vec<String> = direction
            .recall
            .iter()
            .map(|recall| {
                format!("@{} {}", recall.k, recall.value.map_or("-".to_owned(), |value| format!("{value:.3}")))
            })
            .collect();
        list.join("  ")
    };
    let mut text =
        format!("Zero-shot on {} ({} recordings, {level:.0} % intervals)\n{table}", judgement.data, zero_shot.records);
    if !zero_shot.left_out.is_empty() {
        let codes: Vec<&str> = zero_shot.left_out.iter().map(|class| class.code.as_str()).collect();
        let count = codes.len();
        text.push_str(&format!(
            "  {count} classes left out for lack of positives or negatives: {}\n",
            codes.join(", ")
        ));
    }
    if judgement.unlabelled > 0 {
        text.push_str(&format!("  {} recordings left out: no label of the set\n", judgement.unlabelled));
    }
    if !judgement.leftovers.is_empty() {
        text.push_str(&format!("  {}\n", judgement.leftovers));
    }
    text.push_str(&format!(
        "Retrieval among {} pairs ({} distinct captions)\n  recall, ECG to text:  {}\n  recall, text to ECG:  {}",
        judgement.retrieval.pairs,
        judgement.retrieval.distinct_captions,
        recall(&judgement.retrieval.signal_to_text),
        recall(&judgement.retrieval.text_to_signal),
    ));
    text
}

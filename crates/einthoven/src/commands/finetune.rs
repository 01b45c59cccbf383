//! `einthoven finetune`, and `einthoven evaluate` of what comes out.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use einthoven::corpus::Split;
use einthoven::random::Streams;
use einthoven::{
    Classifier, ClassifierJudgement, Data, Error, Finetuned, LabelledData, LabelledRecords, Result,
    SupervisedExperiment, judge_classifier,
};
use serde_json::json;

use super::table::{left_out, metrics_table};
use super::training::{exit_code, run_options, show_batch_sizes};
use crate::cli::{Evaluate, Pretrain};

pub fn finetune(options: Pretrain) -> Result<ExitCode> {
    let experiment = SupervisedExperiment::load(&options.experiment, &options.overrides)?;
    if options.find_batch_size {
        return show_batch_sizes(&einthoven::find_classifier_batch_size(experiment)?, options.json);
    }
    let out = options.out.unwrap_or_else(|| Path::new("runs").join(&experiment.name));
    let run = run_options(out, options.resume)?;
    let Finetuned { summary, judgement } = einthoven::finetune(experiment, &run)?;
    if options.json {
        super::print_json(&json!({
            "run": run.out,
            "step": summary.step,
            "steps": summary.total,
            "interrupted": summary.interrupted,
            "checkpoint": summary.checkpoint,
            "judgement": judgement,
        }))?;
    } else if let Some(judgement) = &judgement {
        super::print(&format!("{}run:    {}", show(judgement), run.out.display()))?;
    }
    Ok(exit_code(&summary))
}

/// Judges a classifier as the options of `evaluate` say.
pub fn evaluate(classifier: &Classifier, options: &Evaluate) -> Result<ExitCode> {
    for (key, is_given) in [("--prompts", options.prompts.is_some()), ("--html", options.html.is_some())] {
        if is_given {
            let message = "is for models that read texts; a classifier has its own classes".to_owned();
            return Err(Error::Setting { key: key.to_owned(), message });
        }
    }
    let experiment = &classifier.experiment;
    let mut data = experiment.data.clone();
    if let Some(dataset) = options.dataset.as_ref().filter(|dataset| **dataset != data.dataset) {
        data.dataset.clone_from(dataset);
        // What belonged to the other dataset says nothing about this one.
        (data.root, data.rate, data.folds, data.splits) = (None, None, None, None);
    }
    if options.root.is_some() {
        data.root.clone_from(&options.root);
    }
    let split = options.folds.clone().map_or(Split::Test, Split::Folds);
    let labels = options.labels.as_deref().unwrap_or(classifier.labels());
    let selected = LabelledData::select(&Data::open(&data)?, &split, labels, Some(classifier.classes()))?;
    let streams = Streams::new(experiment.seed);
    let judged = LabelledRecords::new(&selected, &data, classifier.contract(), experiment.evaluate.bootstrap, streams)?;
    let show_progress = std::io::stderr().is_terminal();
    let total = judged.loader.len();
    let judgement = judge_classifier(&judged, &classifier.network, &streams, |done| {
        if show_progress {
            eprint!("\r{done} of {total} recordings");
        }
    })?;
    if show_progress {
        eprintln!();
    }
    if options.json {
        super::print_json(&judgement)?;
    } else {
        super::print(show(&judgement).trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A judgement as a table for people.
fn show(judgement: &ClassifierJudgement) -> String {
    let result = &judgement.result;
    let mut text = format!(
        "Classifier on {} ({} recordings, {:.0} % intervals)\n{}",
        judgement.data,
        result.records,
        100.0 * result.bootstrap.level,
        metrics_table(result),
    );
    text.push_str(&left_out(result));
    if judgement.unlabelled > 0 {
        text.push_str(&format!("  {} recordings left out: no label of the set\n", judgement.unlabelled));
    }
    if !judgement.leftovers.is_empty() {
        text.push_str(&format!("  {}\n", judgement.leftovers));
    }
    text
}

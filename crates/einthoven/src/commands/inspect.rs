//! `einthoven inspect`.

use std::path::Path;
use std::process::ExitCode;

use einthoven::signal::Record;
use einthoven::{Classifier, Model, Result};
use serde::Serialize;

use super::table::Table;
use crate::cli::Inspect;

/// What a recording holds.
#[derive(Serialize)]
struct RecordFacts {
    recording: String,
    sampling_rate: f64,
    samples: usize,
    seconds: f64,
    leads: Vec<LeadFacts>,
    comments: Vec<String>,
    notes: Vec<String>,
}

/// What a lead holds; voltages in millivolts.
#[derive(Serialize)]
struct LeadFacts {
    lead: String,
    min: Option<f32>,
    max: Option<f32>,
    mean: Option<f64>,
    missing: usize,
}

/// What a checkpoint holds.
#[derive(Serialize)]
struct ModelFacts {
    checkpoint: String,
    name: String,
    step: u64,
    epoch: u64,
    seed: u64,
    parameters: usize,
    mode: String,
    logit_scale: f64,
    vocabulary: usize,
    contract: serde_json::Value,
    reference: Option<String>,
}

/// What the checkpoint of a classifier holds.
#[derive(Serialize)]
struct ClassifierFacts {
    checkpoint: String,
    name: String,
    step: u64,
    epoch: u64,
    seed: u64,
    parameters: usize,
    labels: String,
    classes: Vec<String>,
    contract: serde_json::Value,
}

pub fn inspect(options: &Inspect) -> Result<ExitCode> {
    // A folder holds a run; `RUN@last` names no file but is one, too.
    let path = Path::new(&options.path);
    if path.is_dir() || options.path.ends_with("@last") || options.path.ends_with("@best") {
        if Classifier::is_at(path) {
            let facts = classifier_facts(&Classifier::open(path)?);
            if options.json {
                super::print_json(&facts)?
            } else {
                super::print(&show_classifier(&facts))?
            }
            return Ok(ExitCode::SUCCESS);
        }
        let facts = model_facts(&Model::open(path)?)?;
        if options.json { super::print_json(&facts)? } else { super::print(&show_model(&facts))? }
    } else {
        let (record, statements) = super::reading(&options.reading)?.open_with_statements(&options.path)?;
        let mut facts = record_facts(&options.path, &record);
        if !statements.is_empty() {
            facts.comments.push(statements);
        }
        if options.json { super::print_json(&facts)? } else { super::print(&show_record(&facts))? }
    }
    Ok(ExitCode::SUCCESS)
}

fn record_facts(name: &str, record: &Record) -> RecordFacts {
    let leads = record.leads().iter().enumerate().map(|(index, lead)| {
        let present: Vec<f32> = record.row(index).iter().copied().filter(|sample| !sample.is_nan()).collect();
        let sum: f64 = present.iter().map(|&sample| f64::from(sample)).sum();
        LeadFacts {
            lead: lead.to_string(),
            min: present.iter().copied().reduce(f32::min),
            max: present.iter().copied().reduce(f32::max),
            mean: (!present.is_empty()).then(|| sum / present.len() as f64),
            missing: record.len() - present.len(),
        }
    });
    RecordFacts {
        recording: name.to_owned(),
        sampling_rate: record.sampling_rate(),
        samples: record.len(),
        seconds: record.duration(),
        leads: leads.collect(),
        comments: record.comments().to_vec(),
        notes: record.notes().iter().map(ToString::to_string).collect(),
    }
}

fn show_record(facts: &RecordFacts) -> String {
    let mut table = Table::new(&["lead", "min mV", "max mV", "mean mV", "missing"]);
    let fixed = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    for lead in &facts.leads {
        table.row(&[
            lead.lead.clone(),
            fixed(lead.min.map(f64::from)),
            fixed(lead.max.map(f64::from)),
            fixed(lead.mean),
            lead.missing.to_string(),
        ]);
    }
    let mut text = format!(
        "{}: {} leads, {} samples at {} Hz ({:.1} s)\n{table}",
        facts.recording,
        facts.leads.len(),
        facts.samples,
        facts.sampling_rate,
        facts.seconds
    );
    for comment in &facts.comments {
        text.push_str(&format!("  # {comment}\n"));
    }
    for note in &facts.notes {
        text.push_str(&format!("  note: {note}\n"));
    }
    text
}

fn model_facts(model: &Model) -> Result<ModelFacts> {
    let state = model.checkpoint.state();
    Ok(ModelFacts {
        checkpoint: model.checkpoint.folder().display().to_string(),
        name: model.experiment.name.clone(),
        step: state.step,
        epoch: state.epoch,
        seed: state.seed,
        parameters: model.parameters.count(),
        mode: format!("{:?}", model.network.config().mode).to_lowercase(),
        logit_scale: model.network.logit_scale()?,
        vocabulary: model.tokenizer.vocabulary_size(),
        contract: serde_json::to_value(model.checkpoint.contract()).unwrap_or_default(),
        reference: model.reference.as_ref().map(|set| format!("{} ({} recordings)", set.name, set.embeddings.rows())),
    })
}

fn show_model(facts: &ModelFacts) -> String {
    let mut text = format!(
        "{}\n  experiment   {} (seed {})\n  trained      {} steps, epoch {}\n  model        ESI, {} mode, {} parameters, vocabulary {}\n  \
         logit scale  {:.2}\n  reference    {}\n  input contract\n",
        facts.checkpoint,
        facts.name,
        facts.seed,
        facts.step,
        facts.epoch,
        facts.mode,
        facts.parameters,
        facts.vocabulary,
        facts.logit_scale,
        facts.reference.as_deref().unwrap_or("none"),
    );
    text.push_str(&show_contract(&facts.contract));
    text
}

fn classifier_facts(classifier: &Classifier) -> ClassifierFacts {
    let state = classifier.checkpoint.state();
    ClassifierFacts {
        checkpoint: classifier.checkpoint.folder().display().to_string(),
        name: classifier.experiment.name.clone(),
        step: state.step,
        epoch: state.epoch,
        seed: state.seed,
        parameters: classifier.parameters.count(),
        labels: classifier.labels().to_owned(),
        classes: classifier.classes().to_vec(),
        contract: serde_json::to_value(classifier.contract()).unwrap_or_default(),
    }
}

fn show_classifier(facts: &ClassifierFacts) -> String {
    format!(
        "{}\n  experiment   {} (seed {})\n  trained      {} steps, epoch {}\n  model        classifier, {} parameters\n  \
         classes      {} ({})\n  input contract\n{}",
        facts.checkpoint,
        facts.name,
        facts.seed,
        facts.step,
        facts.epoch,
        facts.parameters,
        facts.classes.join(" "),
        facts.labels,
        show_contract(&facts.contract),
    )
}

fn show_contract(contract: &serde_json::Value) -> String {
    let entries = contract.as_object().into_iter().flatten();
    entries.map(|(key, value)| format!("    {key:<14} {value}\n")).collect()
}

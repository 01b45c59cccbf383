//! The report of a judged model.

use std::path::Path;

use einthoven_eval::report::{Example, Facts, LeftOutRecords, LogEntry, Report, RetrievalSection, ZeroShotSection};
use einthoven_eval::retrieval::best_matches;
use einthoven_signal::draw::{DrawOptions, svg};

use crate::run::describe_step;
use crate::{Error, Judged, Judgement, Model, Result};

/// Recordings that are drawn.
const EXAMPLES: usize = 3;
/// Captions listed beside each.
const MATCHES: usize = 5;
/// The longest caption that is written for an example, in tokens.
const CAPTION_TOKENS: usize = 96;

/// The report of `model`, judged on `judged`; `log` is the run's `metrics.jsonl`.
///
/// # Errors
/// A log that cannot be read, and the errors of drawing and describing examples.
pub fn build(model: &Model, judged: &Judged, judgement: &Judgement, log: Option<&Path>) -> Result<Report> {
    let experiment = &model.experiment;
    let log = match log {
        Some(path) => LogEntry::parse_log(&std::fs::read_to_string(path).map_err(Error::file("read", path))?, path)?,
        None => Vec::new(),
    };
    let fact = |name: &str, value: String| (name.to_owned(), value);
    let contract = model.checkpoint.contract();
    let leads: Vec<String> = contract.leads.iter().map(ToString::to_string).collect();
    Ok(Report {
        title: experiment.name.clone(),
        subtitle: format!("Judged on {}, which the model was not trained on.", judgement.data),
        summary: vec![
            Facts {
                title: "Model".to_owned(),
                facts: vec![
                    fact("Mode", format!("{:?}", model.network.config().mode).to_lowercase()),
                    fact("Parameters", model.parameters.count().to_string()),
                    fact("Checkpoint", describe_step(&model.checkpoint)),
                    fact("Seed", experiment.seed.to_string()),
                ],
            },
            Facts {
                title: "Input".to_owned(),
                facts: vec![
                    fact("Leads", leads.join(" ")),
                    fact("Sampling rate", format!("{} Hz", contract.sampling_rate)),
                    fact("Samples", contract.samples.to_string()),
                ],
            },
            Facts {
                title: "Data".to_owned(),
                facts: vec![
                    fact("Dataset", experiment.data.dataset.clone()),
                    fact("Judged", format!("{} recordings of {}", judged.loader.len(), judgement.data)),
                    fact("Without a label of the set", judgement.unlabelled.to_string()),
                ],
            },
        ],
        left_out: left_out(judgement),
        log,
        zero_shot: vec![ZeroShotSection {
            split: judgement.data.clone(),
            result: judgement.zero_shot.clone(),
            curves: judgement.curves.clone(),
        }],
        retrieval: Some(RetrievalSection { split: judgement.data.clone(), result: judgement.retrieval.clone() }),
        examples: examples(model, judged, judgement)?,
        config: experiment.to_toml()?,
    })
}

/// The recordings left out, counted by reason.
fn left_out(judgement: &Judgement) -> Vec<LeftOutRecords> {
    let mut groups: Vec<LeftOutRecords> = Vec::new();
    for leftover in &judgement.leftovers.records {
        match groups.iter_mut().find(|group| group.reason == leftover.reason) {
            Some(group) => group.count += 1,
            None => groups.push(LeftOutRecords {
                dataset: judgement.data.clone(),
                reason: leftover.reason.clone(),
                count: 1,
            }),
        }
    }
    groups
}

/// A few recordings from across the data, drawn, with the captions found for them.
fn examples(model: &Model, judged: &Judged, judgement: &Judgement) -> Result<Vec<Example>> {
    let rows = judgement.signals.rows();
    let step = (rows / EXAMPLES).max(1);
    let captions = &judgement.captions;
    (0..rows)
        .step_by(step)
        .take(EXAMPLES)
        .map(|row| {
            let index = judgement.indices[row];
            let record = judged.loader.dataset().record(index)?;
            let id = judged.loader.dataset().entries[index].id.clone();
            let options = DrawOptions { title: format!("Recording {id}"), subtitle: judgement.data.clone() };
            Ok(Example {
                drawing: svg(&record, &options)?,
                record: id,
                caption: captions[row].clone(),
                generated: Some(model.describe(&record, CAPTION_TOKENS)?),
                matches: best_matches(judgement.signals.row(row), &captions[row], &judgement.texts, captions, MATCHES)?,
            })
        })
        .collect()
}

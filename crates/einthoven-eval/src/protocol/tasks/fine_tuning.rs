//! Full fine-tuning.

use std::sync::atomic::Ordering;

use einthoven_corpus::LabelSet;

use super::probe::subset;
use super::{Classified, Scale};
use crate::error::{Error, Result, same_length};
use crate::protocol::judge::{Asked, Labelled, not_applicable};
use crate::protocol::lesson::{FineTuned, LabelledDataset, Lesson};
use crate::protocol::records::{Part, Seen};
use crate::protocol::result::TaskResult;
use crate::protocol::task::FineTuning;

pub fn judge(asked: &mut Asked, task: &FineTuning) -> Result<Vec<TaskResult>> {
    let greatest = task.shares.iter().copied().fold(0.0, f64::max);
    let mut results = Vec::new();
    for labels in &task.labels {
        let fitted = Labelled::new(asked.protocol, &asked.records.fitted, labels, &asked.fitted)?;
        let chosen = match (&asked.records.chosen, &asked.chosen) {
            (Some(part), Some(seen)) => {
                let chosen = Labelled::new(asked.protocol, part, labels, seen)?;
                let all: Vec<usize> = (0..chosen.indices.len()).collect();
                Some(labelled_dataset(part, &chosen, &all))
            }
            _ => None,
        };
        for &share in &task.shares {
            let name = format!("fine-tuning {} %", share * 100.0);
            let seen = match runs(asked, task, &fitted, chosen.as_ref(), share)? {
                Ok(seen) => seen,
                Err(reason) => {
                    results.push(not_applicable(&name, Some(labels), None, &reason));
                    continue;
                }
            };
            let runs = seen.iter().map(|seen| Labelled::new(asked.protocol, &asked.records.judged, labels, seen));
            let runs = runs.collect::<Result<Vec<Labelled>>>()?;
            let Some(judged) = runs.first() else { continue };
            for run in &runs {
                same_length("records that the runs judge", judged.indices.len(), run.indices.len())?;
            }
            let classified = Classified {
                task: name,
                variation: None,
                judged,
                runs: runs.iter().map(|run| run.values.clone()).collect(),
                scale: Scale::Probability,
                bins: task.bins,
                subgroups: if share == greatest { &task.subgroups } else { &[] },
            };
            results.push(classified.judge(asked)?);
        }
    }
    Ok(results)
}

/// What classifiers fine-tuned on the subsets of a share say of the judged records, or why there are none.
fn runs(
    asked: &mut Asked,
    task: &FineTuning,
    fitted: &Labelled,
    chosen: Option<&LabelledDataset>,
    share: f64,
) -> Result<std::result::Result<Vec<Seen>, String>> {
    let draws = if share < 1.0 { task.seeds } else { 1 };
    let mut runs = Vec::new();
    for draw in 0..draws {
        let rows = subset(asked, fitted, share, draw)?;
        if rows.len() < 2 {
            return Ok(Err("fewer than two of the records that it would learn from can be fed to it".to_owned()));
        }
        let lesson = Lesson {
            training: &task.training,
            seed: asked.protocol.seed.wrapping_add(draw),
            fitted: labelled_dataset(&asked.records.fitted, fitted, &rows),
            chosen,
            stop: asked.stop,
        };
        let subject = asked.subject.card().name;
        let classifier = match asked.subject.fine_tune(&lesson) {
            Ok(FineTuned::Classifier(classifier)) => classifier,
            Ok(FineTuned::NotApplicable { reason }) => return Ok(Err(reason)),
            Err(_) if asked.stop.load(Ordering::Relaxed) => return Err(Error::Interrupted),
            Err(source) => return Err(Error::Subject { subject, source }),
        };
        let Some(seen) = asked.records.judged.scores(classifier.as_ref(), &fitted.labels, asked.seen)? else {
            let source = format!("fine-tuned, it is no classifier of {}", fitted.labels.name).into();
            return Err(Error::Subject { subject, source });
        };
        runs.push(seen);
    }
    Ok(Ok(runs))
}

/// The `rows` of labelled records as a dataset of their own.
fn labelled_dataset(part: &Part, labelled: &Labelled, rows: &[usize]) -> LabelledDataset {
    let indices: Vec<usize> = rows.iter().map(|&row| labelled.indices[row]).collect();
    let LabelSet { name, classes, .. } = labelled.labels.clone();
    let targets = rows.iter().map(|&row| labelled.targets[row].clone()).collect();
    LabelledDataset { dataset: part.dataset.subset(&indices), labels: LabelSet { name, classes, targets } }
}

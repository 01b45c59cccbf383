//! Linear probing.

use std::collections::BTreeSet;

use super::{Classified, Scale};
use crate::embeddings::Embeddings;
use crate::error::Result;
use crate::probe::LinearHeads;
use crate::protocol::judge::{Asked, Labelled};
use crate::protocol::result::TaskResult;
use crate::protocol::subset::label_subset;
use crate::protocol::task::Probe;

pub fn judge(asked: &Asked, task: &Probe) -> Result<Vec<TaskResult>> {
    let fitted = Labelled::new(asked.protocol, &asked.records.fitted, &task.labels, &asked.fitted)?;
    let judged = Labelled::new(asked.protocol, &asked.records.judged, &task.labels, &asked.judged)?;
    let greatest = task.shares.iter().copied().fold(0.0, f64::max);
    let mut results = Vec::new();
    for &share in &task.shares {
        let draws = if share < 1.0 { task.seeds } else { 1 };
        let mut runs = Vec::new();
        for draw in 0..draws {
            let rows = subset(asked, &fitted, share, draw)?;
            let heads = fit(&fitted, &rows, task.decay)?;
            runs.push(logits(&heads, &judged)?);
        }
        let classified = Classified {
            task: format!("probe {} %", share * 100.0),
            variation: None,
            judged: &judged,
            runs,
            scale: Scale::Logit,
            bins: task.bins,
            subgroups: if share == greatest { &task.subgroups } else { &[] },
        };
        results.push(classified.judge(asked)?);
    }
    Ok(results)
}

/// The rows of `fitted` that are in a subset. It is drawn from all labelled records, also those that the subject was not fed, so that
/// all subjects have the same.
pub(super) fn subset(asked: &Asked, fitted: &Labelled, share: f64, draw: u64) -> Result<Vec<usize>> {
    let labels = asked.records.fitted.labels(&fitted.labels.name)?;
    let labelled = labels.labelled();
    let targets: Vec<Vec<bool>> = labelled.iter().map(|&index| labels.targets[index].clone()).collect();
    let drawn = label_subset(&targets, share, draw, &asked.streams);
    let drawn: BTreeSet<usize> = drawn.into_iter().map(|record| labelled[record]).collect();
    Ok((0..fitted.indices.len()).filter(|&row| drawn.contains(&fitted.indices[row])).collect())
}

/// Heads fitted on some of the labelled records.
pub(super) fn fit(fitted: &Labelled, rows: &[usize], decay: f64) -> Result<LinearHeads> {
    let targets: Vec<Vec<bool>> = rows.iter().map(|&row| fitted.targets[row].clone()).collect();
    LinearHeads::fit(fitted.labels.classes.clone(), &fitted.values.select(rows), &targets, decay)
}

/// What heads say of the judged records, `[records, classes]`.
pub(super) fn logits(heads: &LinearHeads, judged: &Labelled) -> Result<Embeddings> {
    let names = judged.entries.iter().map(|entry| entry.id.clone()).collect();
    let logits = heads.scores(names, &judged.values)?;
    let values = (0..judged.entries.len()).flat_map(|row| logits.row(row)).map(|&logit| logit as f32).collect();
    Embeddings::new(judged.entries.len(), judged.labels.classes.len(), values)
}

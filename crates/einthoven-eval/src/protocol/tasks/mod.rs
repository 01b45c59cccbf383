//! The tasks: each turns what a subject made of recordings into results.

pub mod captioning;
pub mod cases;
pub mod classifier;
pub mod fine_tuning;
pub mod identification;
pub mod map;
pub mod neighbours;
pub mod probe;
pub mod retrieval;
pub mod varied;
pub mod zero_shot;

use super::classification::{Classification, Question, RecordScores, Scale, Scores};
use super::judge::{Asked, Labelled};
use super::result::{Outcome, TaskResult};
use super::task::Subgroup;
use crate::embeddings::Embeddings;
use crate::error::Result;

/// What a subject without a text tower is told.
const NO_TEXTS: &str = "it has no text tower";

/// Scores on their way to a result.
struct Classified<'a> {
    task: String,
    variation: Option<String>,
    judged: &'a Labelled<'a>,
    /// One for each run, `[records, classes]`.
    runs: Vec<Embeddings>,
    scale: Scale,
    bins: usize,
    subgroups: &'a [Subgroup],
}

impl Classified<'_> {
    fn judge(self, asked: &Asked) -> Result<TaskResult> {
        let Self { task, variation, judged, runs, scale, bins, subgroups } = self;
        let labels = &judged.labels;
        let record = |row: usize| RecordScores {
            id: judged.entries[row].id.clone(),
            labels: labels
                .classes
                .iter()
                .zip(&judged.targets[row])
                .filter(|(_, has)| **has)
                .map(|(c, _)| c.clone())
                .collect(),
            scores: runs.iter().map(|run| run.row(row).to_vec()).collect(),
        };
        let scores = Scores {
            classes: labels.classes.clone(),
            runs: runs.len(),
            scale,
            records: (0..judged.entries.len()).map(record).collect(),
        };
        let question = Question {
            unlabelled: judged.unlabelled,
            bins,
            subgroups,
            entries: &judged.entries,
            bootstrap: &asked.protocol.bootstrap,
            streams: &asked.streams,
        };
        let classification = Classification::new(scores, &question)?;
        Ok(TaskResult {
            task,
            labels: Some(labels.name.clone()),
            variation,
            outcome: Outcome::Classification(Box::new(classification)),
        })
    }
}

/// Each row scaled to length one; a row of zeros stays.
fn unit(embeddings: &Embeddings) -> Result<Embeddings> {
    let mut data = embeddings.data().to_vec();
    for row in data.chunks_exact_mut(embeddings.width().max(1)) {
        let length = row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        if length > 0.0 {
            row.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
        }
    }
    Embeddings::new(embeddings.rows(), embeddings.width(), data)
}

//! Zero-shot classification: which class's words lie nearest to a record.
//!
//! A class is put into words by a [`PromptSet`]; the embeddings of its texts are averaged and scaled to length one. A
//! record's score for the class is the cosine between the two. Nothing is fitted to labels.

mod prompts;

use std::collections::BTreeMap;

use einthoven_random::Streams;
use serde::{Deserialize, Serialize};

pub use prompts::PromptSet;

use crate::bootstrap::{BootstrapConfig, Estimates};
use crate::classes::{self, LeftOut};
use crate::embeddings::Embeddings;
use crate::error::{Error, Result, same_length};
use crate::metrics::{RocCurve, ScoreTable};

/// How well a model tells the classes of a label set apart without having been shown a label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ZeroShotResult {
    /// The label set.
    pub labels: String,
    /// The prompt set that put it into words.
    pub prompts: String,
    /// How many records were scored.
    pub records: usize,
    /// The classes that occur and do not always occur, in the label set's order.
    pub classes: Vec<ClassResult>,
    /// Means over these classes, with intervals.
    pub r#macro: Estimates,
    /// The classes that cannot be judged on these records.
    pub left_out: Vec<LeftOut>,
    /// How the intervals were made.
    pub bootstrap: BootstrapConfig,
    /// The seed of their resamples.
    pub seed: u64,
}

/// One class of a [`ZeroShotResult`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassResult {
    /// The class's code.
    pub code: String,
    /// The first phrasing of its prompt.
    pub words: String,
    /// Records that have it.
    pub positives: usize,
    /// Records that do not.
    pub negatives: usize,
    /// Its metrics with intervals.
    #[serde(flatten)]
    pub metrics: Estimates,
    /// The smallest cosine at which F1 is greatest, when records at or above it are called positive.
    pub f1_threshold: Option<f64>,
}

/// The ROC curve of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassCurve {
    /// The class's code.
    pub code: String,
    /// Its curve.
    pub curve: RocCurve,
}

/// One embedding per class, `[classes, width]`: all its texts (phrasings × templates) embedded by `embed`, averaged,
/// and scaled to length one.
///
/// `embed` is called once, with every distinct text.
pub fn class_embeddings(
    prompts: &PromptSet,
    classes: &[String],
    embed: impl FnOnce(&[String]) -> Result<Embeddings>,
) -> Result<Embeddings> {
    let mut rows = BTreeMap::new();
    let mut texts = Vec::new();
    let mut members = Vec::with_capacity(classes.len());
    for code in classes {
        let of_class: Vec<usize> = prompts
            .texts(code)?
            .into_iter()
            .map(|text| {
                *rows.entry(text.clone()).or_insert_with(|| {
                    texts.push(text);
                    texts.len() - 1
                })
            })
            .collect();
        members.push(of_class);
    }
    let embedded = embed(&texts)?;
    same_length("embeddings of the prompts", texts.len(), embedded.rows())?;
    let mut data = Vec::with_capacity(classes.len() * embedded.width());
    for (code, of_class) in classes.iter().zip(&members) {
        let centroid = embedded.select(of_class).centroid();
        data.extend(centroid.ok_or_else(|| Error::NoDirection { code: code.clone() })?);
    }
    Embeddings::new(classes.len(), embedded.width(), data)
}

/// Cosines of every record with every class, both embedded with length one.
pub fn scores(
    records: Vec<String>,
    signals: &Embeddings,
    classes: Vec<String>,
    class_embeddings: &Embeddings,
) -> Result<ScoreTable> {
    ScoreTable::new(records, classes, signals.cosines(class_embeddings)?)
}

/// Judges `scores` against the truth, `targets[record][class]`; resamples come from `streams`.
pub fn judge(
    labels: &str,
    prompts: &PromptSet,
    scores: &ScoreTable,
    targets: &[Vec<bool>],
    bootstrap: &BootstrapConfig,
    streams: &Streams,
) -> Result<ZeroShotResult> {
    let rankings = classes::rankings(scores, targets)?;
    let threshold = |code: &String| {
        let place = scores.classes().iter().position(|class| class == code)?;
        rankings[place].f1_max().map(|best| best.threshold)
    };
    let judged = classes::judge(scores.classes(), classes::of_one_run(&rankings), bootstrap, streams)?;
    let classes = judged.classes.into_iter().map(|class| {
        Ok(ClassResult {
            words: prompts.phrasings(&class.code)?[0].clone(),
            f1_threshold: threshold(&class.code),
            code: class.code,
            positives: class.positives,
            negatives: class.negatives,
            metrics: class.metrics,
        })
    });
    Ok(ZeroShotResult {
        labels: labels.into(),
        prompts: prompts.name.clone(),
        records: scores.records().len(),
        classes: classes.collect::<Result<_>>()?,
        r#macro: judged.r#macro,
        left_out: judged.left_out,
        bootstrap: *bootstrap,
        seed: streams.seed(),
    })
}

/// The ROC curves of the classes that can be judged, in the order of the classes.
pub fn roc_curves(scores: &ScoreTable, targets: &[Vec<bool>]) -> Result<Vec<ClassCurve>> {
    let rankings = classes::rankings(scores, targets)?;
    let curves = scores.classes().iter().zip(rankings);
    Ok(curves
        .filter_map(|(code, ranking)| ranking.roc_curve().map(|curve| ClassCurve { code: code.clone(), curve }))
        .collect())
}

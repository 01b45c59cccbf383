//! How a model did, from its run's judgement.

use std::path::Path;

use einthoven_eval::bootstrap::{BootstrapConfig, Estimate, Estimates};
use einthoven_eval::classes::LeftOut;
use einthoven_eval::probe::ProbeResult;
use einthoven_eval::retrieval::{Direction, RetrievalResult};
use einthoven_eval::zero_shot::ZeroShotResult;
use einthoven_hub::{CardEvaluation, CardMetric, CardRow};
use einthoven_train::Checkpoint;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Source;
use crate::publishable::Publishable;
use crate::run::JUDGEMENT_FILE;
use crate::{Error, Result};

/// What the card takes from the `judgement.json` of a pretrained model.
#[derive(Deserialize)]
struct Judged {
    data: String,
    zero_shot: ZeroShotResult,
    unlabelled: usize,
    retrieval: RetrievalResult,
}

/// What the card takes from that of a classifier.
#[derive(Deserialize)]
struct JudgedClassifier {
    data: String,
    result: ProbeResult,
    unlabelled: usize,
}

/// The part of a judgement that is a table of classes.
struct Classes<'a> {
    data: String,
    records: usize,
    labels: String,
    /// Name, positives and metrics of each.
    classes: Vec<(String, usize, &'a Estimates)>,
    averages: &'a Estimates,
    bootstrap: &'a BootstrapConfig,
    left_out: &'a [LeftOut],
    unlabelled: usize,
}

/// How the checkpoint did, if it is the one that the run's judgement is of.
pub(super) fn of(run: &Path, source: &Source<'_>) -> Result<Option<CardEvaluation>> {
    let path = run.join(JUDGEMENT_FILE);
    if !path.is_file() || Checkpoint::open(run)?.folder() != source.model.checkpoint().folder() {
        return Ok(None);
    }
    Ok(Some(match source.model {
        Publishable::Model(_) => {
            let Judged { data, zero_shot, unlabelled, retrieval } = read(&path)?;
            let classes = zero_shot.classes.iter();
            let named = |code: &str, words: &str| format!("{code} ({words})");
            let found = Classes {
                data,
                records: zero_shot.records,
                labels: format!("label set `{}`, prompts `{}`", zero_shot.labels, zero_shot.prompts),
                classes: classes
                    .map(|class| (named(&class.code, &class.words), class.positives, &class.metrics))
                    .collect(),
                averages: &zero_shot.r#macro,
                bootstrap: &zero_shot.bootstrap,
                left_out: &zero_shot.left_out,
                unlabelled,
            };
            let mut evaluation = found.evaluation(source);
            evaluation.notes.insert(0, retrieved(&retrieval));
            evaluation
        }
        Publishable::Classifier(_) => {
            let JudgedClassifier { data, result, unlabelled } = read(&path)?;
            let classes = result.classes.iter();
            let found = Classes {
                data,
                records: result.records,
                labels: format!("label set `{}`", result.labels),
                classes: classes.map(|class| (class.code.clone(), class.positives, &class.metrics)).collect(),
                averages: &result.r#macro,
                bootstrap: &result.bootstrap,
                left_out: &result.left_out,
                unlabelled,
            };
            found.evaluation(source)
        }
    }))
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path).map_err(Error::file("read", path))?;
    serde_json::from_str(&text)
        .map_err(|error| Error::Config { path: path.to_path_buf(), message: format!("is no judgement: {error}") })
}

impl Classes<'_> {
    fn evaluation(self, source: &Source<'_>) -> CardEvaluation {
        let averages = self.averages;
        let metrics = [
            ("roc_auc", "AUROC, macro", &averages.auroc),
            ("average_precision", "AUPRC, macro", &averages.auprc),
            ("f1", "largest F1, macro", &averages.f1_max),
        ];
        let metrics = metrics.into_iter().filter_map(|(kind, name, estimate)| {
            let interval = estimate.interval.map(|interval| (interval.low, interval.high));
            Some(CardMetric { r#type: kind.to_owned(), name: name.to_owned(), value: estimate.value?, interval })
        });
        let row = |class: String, positives, metrics: &Estimates| CardRow {
            class,
            positives,
            values: [&metrics.auroc, &metrics.auprc, &metrics.f1_max].map(show).to_vec(),
        };
        let classes = self.classes.into_iter().map(|(name, positives, metrics)| row(name, Some(positives), metrics));
        let rows = classes.chain([row("macro average".to_owned(), None, averages)]);
        let known = source.provenance.datasets.first().map(|(card, _)| (card.name.clone(), card.title.clone()));
        let named = &source.model.data().dataset;
        let (dataset, title) = known.unwrap_or_else(|| (named.clone(), named.clone()));
        let mut notes = Vec::new();
        if !self.left_out.is_empty() {
            let codes: Vec<&str> = self.left_out.iter().map(|class| class.code.as_str()).collect();
            notes.push(format!("Left out for lack of positives or negatives: {}.", codes.join(", ")));
        }
        if self.unlabelled > 0 {
            notes.push(format!("{} recordings without a label of the set were left out.", self.unlabelled));
        }
        CardEvaluation {
            data: self.data,
            dataset,
            title,
            records: self.records,
            labels: self.labels,
            level: format!("{}", (1e4 * self.bootstrap.level).round() / 100.0),
            metrics: metrics.collect(),
            rows: rows.collect(),
            notes,
        }
    }
}

/// In one piece: neither the space nor the dash is a place for a line to end.
fn show(estimate: &Estimate) -> String {
    match (estimate.value, estimate.interval) {
        (Some(value), Some(interval)) => {
            format!("{value:.3}\u{a0}({:.3}–\u{2060}{:.3})", interval.low, interval.high)
        }
        (Some(value), None) => format!("{value:.3}"),
        _ => "–".to_owned(),
    }
}

fn retrieved(retrieval: &RetrievalResult) -> String {
    let recall = |direction: &Direction| {
        let values = direction.recall.iter().filter_map(|recall| Some(format!("@{} {:.3}", recall.k, recall.value?)));
        values.collect::<Vec<_>>().join(", ")
    };
    format!(
        "Retrieval among {} pairs with {} distinct captions: recall from ECG to text {}, from text to ECG {}.",
        retrieval.pairs,
        retrieval.distinct_captions,
        recall(&retrieval.signal_to_text),
        recall(&retrieval.text_to_signal)
    )
}

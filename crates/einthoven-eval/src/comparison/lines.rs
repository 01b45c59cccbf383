//! The columns of each task, and the lines of a subject.

use super::table::{Cell, Line, Scope};
use crate::bootstrap::{Estimate, Estimates};
use crate::captioning::CaptioningResult;
use crate::identification::IdentificationResult;
use crate::protocol::{Classification, SubgroupMetrics};
use crate::retrieval::{Recall, RetrievalResult};

/// The metrics of classification, in the order of the columns; of the last two less is better.
const METRICS: [&str; 5] = ["AUROC", "AUPRC", "F1-max", "Brier", "ECE"];

/// What the columns are, and the lines.
type Lines = (Vec<String>, Vec<Line>);

/// Of classes told apart: all records, each class, each part of the records.
pub(super) fn classified(subject: &str, result: &Classification) -> Lines {
    let line = |scope, count, metrics: &Estimates, ece: Option<f64>| {
        let estimates = [Some(&metrics.auroc), Some(&metrics.auprc), Some(&metrics.f1_max), metrics.brier.as_ref()];
        let cells = estimates.into_iter().map(|estimate| estimate.and_then(Cell::of));
        let ece = ece.map(|value| Cell { value, low: None, high: None });
        Line { subject: subject.to_owned(), scope, count, cells: cells.chain([ece]).collect(), reason: None }
    };
    let part = |group: &SubgroupMetrics| {
        let scope = Scope::Part(format!("{}: {}", group.by.name(), group.part));
        match &group.metrics {
            Some(metrics) => line(scope, group.records, metrics, None),
            None => Line {
                subject: subject.to_owned(),
                scope,
                count: group.records,
                cells: vec![None; METRICS.len()],
                reason: group.unjudged(),
            },
        }
    };
    let ece = result.calibration.as_ref().map(|calibration| calibration.expected_error);
    let all = line(Scope::All, result.scores.records.len(), &result.r#macro, ece);
    let classes = result.classes.iter();
    let classes = classes.map(|class| line(Scope::Class(class.code.clone()), class.positives, &class.metrics, None));
    let lines = std::iter::once(all).chain(classes).chain(result.subgroups.iter().map(part)).collect();
    (METRICS.map(str::to_owned).into(), lines)
}

/// Of recordings and texts that find each other; recall is a share of the pairs.
pub(super) fn retrieved(subject: &str, result: &RetrievalResult, level: f64) -> Lines {
    let directions = [("ECG to text", &result.signal_to_text), ("text to ECG", &result.text_to_signal)];
    let recalls =
        || directions.iter().flat_map(|(name, direction)| direction.recall.iter().map(move |recall| (name, recall)));
    let cell = |recall: &Recall| Some(Cell::share(recall.value?, result.pairs, level));
    let line = Line {
        subject: subject.to_owned(),
        scope: Scope::All,
        count: result.pairs,
        cells: recalls().map(|(_, recall)| cell(recall)).collect(),
        reason: None,
    };
    (recalls().map(|(name, recall)| format!("R@{} {name}", recall.k)).collect(), vec![line])
}

/// Of captions.
pub(super) fn captioned(subject: &str, result: &CaptioningResult) -> Lines {
    let columns = [
        ("concept F1", &result.concept_f1_micro),
        ("concept F1, macro", &result.concept_f1_macro),
        ("BLEU-4", &result.bleu_4),
        ("ROUGE-L", &result.rouge_l),
        ("METEOR", &result.meteor),
        ("CIDEr-D", &result.cider_d),
    ];
    estimated(subject, result.records, columns)
}

/// Of patients recognised; of the equal error rate less is better.
pub(super) fn identified(subject: &str, result: &IdentificationResult) -> Lines {
    let columns =
        [("rank-1", &result.rank_1), ("rank-5", &result.rank_5), ("equal error rate", &result.equal_error_rate)];
    estimated(subject, result.probes, columns)
}

fn estimated<const N: usize>(subject: &str, count: usize, columns: [(&str, &Estimate); N]) -> Lines {
    let cells = columns.iter().map(|(_, estimate)| Cell::of(estimate)).collect();
    let line = Line { subject: subject.to_owned(), scope: Scope::All, count, cells, reason: None };
    (columns.iter().map(|(name, _)| (*name).to_owned()).collect(), vec![line])
}

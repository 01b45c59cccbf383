//! The lines of tasks whose metrics are their own.

use super::table::{Cell, Line, Scope};
use crate::bootstrap::Estimate;
use crate::captioning::CaptioningResult;
use crate::identification::IdentificationResult;

/// Columns and line of captions.
pub(super) fn captioned(subject: &str, result: &CaptioningResult) -> (Vec<String>, Line) {
    let columns = [
        ("concept F1", &result.concept_f1_micro),
        ("concept F1, macro", &result.concept_f1_macro),
        ("BLEU-4", &result.bleu_4),
        ("ROUGE-L", &result.rouge_l),
        ("METEOR", &result.meteor),
        ("CIDEr-D", &result.cider_d),
    ];
    line(subject, result.records, columns)
}

/// Columns and line of patients recognised; of the equal error rate less is better.
pub(super) fn identified(subject: &str, result: &IdentificationResult) -> (Vec<String>, Line) {
    let columns =
        [("rank-1", &result.rank_1), ("rank-5", &result.rank_5), ("equal error rate", &result.equal_error_rate)];
    line(subject, result.probes, columns)
}

fn line<const N: usize>(subject: &str, count: usize, columns: [(&str, &Estimate); N]) -> (Vec<String>, Line) {
    let cells = columns.iter().map(|(_, estimate)| Cell::of(estimate)).collect();
    let line = Line { subject: subject.to_owned(), scope: Scope::All, count, cells };
    (columns.iter().map(|(name, _)| (*name).to_owned()).collect(), line)
}

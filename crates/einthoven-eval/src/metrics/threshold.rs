//! Metrics of decisions at a fixed threshold.

use crate::error::{Result, no_nan, same_length};

/// How often a decision was right and wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confusion {
    /// Positives called positive.
    pub true_positives: usize,
    /// Negatives called positive.
    pub false_positives: usize,
    /// Negatives called negative.
    pub true_negatives: usize,
    /// Positives called negative.
    pub false_negatives: usize,
}

impl Confusion {
    /// Counts decisions against the truth, `(target, decision)` each.
    pub fn count(decisions: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut counts = Self::default();
        for decision in decisions {
            *match decision {
                (true, true) => &mut counts.true_positives,
                (false, true) => &mut counts.false_positives,
                (false, false) => &mut counts.true_negatives,
                (true, false) => &mut counts.false_negatives,
            } += 1;
        }
        counts
    }

    /// Counts the decisions `score >= threshold`.
    pub fn at_least(targets: &[bool], scores: &[f64], threshold: f64) -> Result<Self> {
        same_length("scores for the targets", targets.len(), scores.len())?;
        no_nan(scores)?;
        Ok(Self::count(targets.iter().zip(scores).map(|(&t, &score)| (t, score >= threshold))))
    }

    /// Counts the decisions `score > threshold`.
    pub fn above(targets: &[bool], scores: &[f64], threshold: f64) -> Result<Self> {
        same_length("scores for the targets", targets.len(), scores.len())?;
        no_nan(scores)?;
        Ok(Self::count(targets.iter().zip(scores).map(|(&t, &score)| (t, score > threshold))))
    }

    /// The fraction of right decisions; `None` without records.
    pub fn accuracy(&self) -> Option<f64> {
        let right = self.true_positives + self.true_negatives;
        ratio(right, right + self.false_positives + self.false_negatives)
    }

    /// `2 TP / (2 TP + FP + FN)`; `None` when there are neither positives nor positive decisions.
    pub fn f1(&self) -> Option<f64> {
        let hits = 2 * self.true_positives;
        ratio(hits, hits + self.false_positives + self.false_negatives)
    }
}

fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

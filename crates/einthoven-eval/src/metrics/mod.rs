//! The metrics of multi-label classification and of retrieval, in `f64`, with ties treated as
//! scikit-learn treats them.
//!
//! A metric that does not exist for its input (the AUROC of a class without positives) is `None`,
//! never a number that could slip into an average.

mod benchmark;
mod calibration;
mod delong;
mod ranking;
pub mod retrieval;
mod table;
mod threshold;

pub use benchmark::{FG, apply_thresholds, f_g_beta, g_beta_threshold};
pub use calibration::{Calibration, CalibrationBin, brier};
pub(crate) use delong::influences;
pub use delong::{DeLong, DeLongDifference, delong, delong_difference};
pub use ranking::{F1Max, PrCurve, RankMetrics, Ranking, RocCurve};
pub use table::ScoreTable;
pub use threshold::Confusion;

use crate::Result;

/// Area under the ROC curve, ties counted one half; `None` without a positive or without a negative.
///
/// Fails when the slices differ in length or a score is NaN; so do the functions below.
pub fn auroc(targets: &[bool], scores: &[f64]) -> Result<Option<f64>> {
    Ok(Ranking::new(targets, scores)?.metrics().auroc)
}

/// Average precision, `Σ (recall_k − recall_{k−1}) · precision_k` over the distinct scores; `None` without a positive.
pub fn average_precision(targets: &[bool], scores: &[f64]) -> Result<Option<f64>> {
    Ok(Ranking::new(targets, scores)?.metrics().average_precision)
}

/// The greatest F1 over all thresholds and the smallest threshold that reaches it; `None` without a positive.
pub fn f1_max(targets: &[bool], scores: &[f64]) -> Result<Option<F1Max>> {
    Ok(Ranking::new(targets, scores)?.f1_max())
}

/// The mean over the classes where the metric is defined; `None` when it is defined nowhere.
pub fn macro_average(values: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    weighted_average(values.into_iter().map(|value| (value, 1.0)))
}

/// The weighted mean over the classes where the metric is defined, from `(value, weight)` pairs
/// (scikit-learn's `average="weighted"`: the weight is the number of positives); `None` when the weights add up to nothing.
pub fn weighted_average(values: impl IntoIterator<Item = (Option<f64>, f64)>) -> Option<f64> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (value, weight) in values {
        if let Some(value) = value {
            sum += value * weight;
            weights += weight;
        }
    }
    (weights > 0.0).then(|| sum / weights)
}

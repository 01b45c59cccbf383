//! Whether scores can be taken as probabilities.

use serde::{Deserialize, Serialize};

use crate::error::{Result, probabilities_for};

/// The Brier score: the mean squared difference between a probability and its outcome; `None` without records.
///
/// # Errors
/// Fails when the slices differ in length or a value is NaN or outside `[0, 1]`.
pub fn brier(targets: &[bool], probabilities: &[f64]) -> Result<Option<f64>> {
    probabilities_for(targets, probabilities)?;
    let sum: f64 = targets
        .iter()
        .zip(probabilities)
        .map(|(&target, probability)| (probability - f64::from(u8::from(target))).powi(2))
        .sum();
    Ok((!targets.is_empty()).then(|| sum / targets.len() as f64))
}

/// Probabilities against outcomes, bin by bin: the reliability plot, and the expected calibration error that sums it up
/// (Guo et al., "On calibration of modern neural networks", ICML 2017).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The mean over the records of `|mean probability − share of positives|` of their bins.
    pub expected_error: f64,
    /// The greatest `|mean probability − share of positives|` of a bin.
    pub maximum_error: f64,
    /// The bins that hold records, by rising probability.
    pub bins: Vec<CalibrationBin>,
}

/// The records whose probability lies in `(low, high]`; the first bin holds 0, too.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Lower edge.
    pub low: f64,
    /// Upper edge.
    pub high: f64,
    /// How many records.
    pub records: usize,
    /// Their mean probability.
    pub mean_probability: f64,
    /// The share of positives among them.
    pub positives: f64,
}

impl Calibration {
    /// Compares probabilities with outcomes in `bins` bins of equal width; `None` without records or bins.
    ///
    /// # Errors
    /// Fails when the slices differ in length or a value is NaN or outside `[0, 1]`.
    pub fn new(targets: &[bool], probabilities: &[f64], bins: usize) -> Result<Option<Self>> {
        probabilities_for(targets, probabilities)?;
        if targets.is_empty() || bins == 0 {
            return Ok(None);
        }
        let edge = |index: usize| index as f64 / bins as f64;
        // Records, sum of probabilities, positives.
        let mut sums = vec![(0usize, 0.0, 0usize); bins];
        for (&target, &probability) in targets.iter().zip(probabilities) {
            let mut bin = ((probability * bins as f64) as usize).min(bins - 1);
            // The product is rounded: the edges themselves decide.
            while bin > 0 && probability <= edge(bin) {
                bin -= 1;
            }
            while bin + 1 < bins && probability > edge(bin + 1) {
                bin += 1;
            }
            let sum = &mut sums[bin];
            *sum = (sum.0 + 1, sum.1 + probability, sum.2 + usize::from(target));
        }
        let filled: Vec<CalibrationBin> = sums
            .iter()
            .enumerate()
            .filter(|(_, sum)| sum.0 > 0)
            .map(|(index, &(records, probability, positives))| CalibrationBin {
                low: edge(index),
                high: edge(index + 1),
                records,
                mean_probability: probability / records as f64,
                positives: positives as f64 / records as f64,
            })
            .collect();
        let gap = |bin: &CalibrationBin| (bin.mean_probability - bin.positives).abs();
        let weighted: f64 = filled.iter().map(|bin| gap(bin) * bin.records as f64).sum();
        Ok(Some(Self {
            expected_error: weighted / targets.len() as f64,
            maximum_error: filled.iter().map(gap).fold(0.0, f64::max),
            bins: filled,
        }))
    }
}

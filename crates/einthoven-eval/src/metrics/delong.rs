//! The variance of an AUROC, and of the difference of two on the same records, without resampling
//! (DeLong, DeLong & Clarke-Pearson, Biometrics 1988), from midranks in O(n log n) (Sun & Xu, IEEE Signal
//! Processing Letters 2014).

use serde::{Deserialize, Serialize};

use crate::error::{Result, no_nan, same_length};

/// An AUROC and its variance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeLong {
    /// The area under the ROC curve, ties counted one half.
    pub auroc: f64,
    /// Its variance.
    pub variance: f64,
}

/// The difference of two AUROCs on the same records, tested against zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeLongDifference {
    /// AUROC of the first scores − AUROC of the second.
    pub difference: f64,
    /// The variance of the difference, the correlation of the two taken into account.
    pub variance: f64,
    /// The difference in standard deviations; `None` where the variance is zero.
    pub z: Option<f64>,
    /// The probability of a difference at least as great if the two were alike (two-sided, normal); `None` where the
    /// variance is zero.
    pub p: Option<f64>,
}

/// The AUROC of `scores` and its variance; `None` with fewer than two positives or two negatives.
///
/// # Errors
/// Fails when the slices differ in length or a score is NaN.
pub fn delong(targets: &[bool], scores: &[f64]) -> Result<Option<DeLong>> {
    let Some(parts) = Components::new(targets, scores)? else { return Ok(None) };
    let variance = variance_of_mean(&parts.positives) + variance_of_mean(&parts.negatives);
    Ok(Some(DeLong { auroc: mean(&parts.positives), variance }))
}

/// The difference of the AUROCs of `first` and `second`; `None` with fewer than two positives or two negatives.
///
/// # Errors
/// Fails when the slices differ in length or a score is NaN.
pub fn delong_difference(targets: &[bool], first: &[f64], second: &[f64]) -> Result<Option<DeLongDifference>> {
    let (Some(a), Some(b)) = (Components::new(targets, first)?, Components::new(targets, second)?) else {
        return Ok(None);
    };
    // The variance of the differences, not var + var − 2 cov, which can come out below zero for scores that agree.
    let differences = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
    let positives = differences(&a.positives, &b.positives);
    let negatives = differences(&a.negatives, &b.negatives);
    let difference = mean(&a.positives) - mean(&b.positives);
    let variance = variance_of_mean(&positives) + variance_of_mean(&negatives);
    let z = (variance > 0.0).then(|| difference / variance.sqrt());
    let p = z.map(|z| libm::erfc(z.abs() / std::f64::consts::SQRT_2));
    Ok(Some(DeLongDifference { difference, variance, z, p }))
}

/// The AUROC of `scores`, and how much each record moves it: the squares of these add up to DeLong's variance. `None` with fewer
/// than two positives or two negatives.
///
/// Differences and means of AUROCs on the same records have the differences and means of their influences, so that a mean over
/// classes can be tested as one class can.
pub(crate) fn influences(targets: &[bool], scores: &[f64]) -> Result<Option<(f64, Vec<f64>)>> {
    let Some(parts) = Components::new(targets, scores)? else { return Ok(None) };
    let scaled = |values: &[f64]| -> Vec<f64> {
        let (centre, count) = (mean(values), values.len() as f64);
        values.iter().map(|value| (value - centre) / (count * (count - 1.0)).sqrt()).collect()
    };
    let (mut positives, mut negatives) = (scaled(&parts.positives).into_iter(), scaled(&parts.negatives).into_iter());
    let of = |&target: &bool| if target { positives.next() } else { negatives.next() };
    Ok(Some((mean(&parts.positives), targets.iter().filter_map(of).collect())))
}

/// How each record fares against the records of the other kind: the share that it is ranked right with.
struct Components {
    positives: Vec<f64>,
    negatives: Vec<f64>,
}

impl Components {
    fn new(targets: &[bool], scores: &[f64]) -> Result<Option<Self>> {
        same_length("scores for the targets", targets.len(), scores.len())?;
        no_nan(scores)?;
        let of = |kind: bool| -> Vec<f64> {
            targets.iter().zip(scores).filter(|(target, _)| **target == kind).map(|(_, score)| *score).collect()
        };
        let (positives, negatives) = (of(true), of(false));
        if positives.len() < 2 || negatives.len() < 2 {
            return Ok(None);
        }
        let together: Vec<f64> = positives.iter().chain(&negatives).copied().collect();
        let ranks = midranks(&together);
        let (of_positives, of_negatives) = ranks.split_at(positives.len());
        // A record's rank among all less its rank among its kind is the number of the other kind below it.
        let below = |all: &[f64], own: &[f64], others: usize| -> Vec<f64> {
            all.iter().zip(midranks(own)).map(|(all, own)| (all - own) / others as f64).collect()
        };
        Ok(Some(Self {
            positives: below(of_positives, &positives, negatives.len()),
            negatives: below(of_negatives, &negatives, positives.len()).iter().map(|share| 1.0 - share).collect(),
        }))
    }
}

/// Ranks from 1, those of equal values being the mean of the places they take.
fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    // -0 and +0 are one value: adding +0 makes them one.
    order.sort_by(|&a, &b| (values[a] + 0.0).total_cmp(&(values[b] + 0.0)));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let tied = order[start..].iter().take_while(|&&index| values[index] == values[order[start]]).count();
        for &index in &order[start..start + tied] {
            ranks[index] = start as f64 + (tied + 1) as f64 / 2.0;
        }
        start += tied;
    }
    ranks
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The variance of the mean of a series.
fn variance_of_mean(values: &[f64]) -> f64 {
    let centre = mean(values);
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    squares / (values.len() - 1) as f64 / values.len() as f64
}

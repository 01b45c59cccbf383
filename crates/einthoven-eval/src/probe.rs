//! Linear probing: what linear classifiers read from embeddings that stay as they are.
//!
//! Each class has a head of its own, a logistic regression with an L2 penalty on the standardised embeddings (multi-label:
//! a record may have several classes). The heads see the embeddings and labels of the training records alone.

use einthoven_random::Streams;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::bootstrap::{BootstrapConfig, Estimates};
use crate::classes::{self, JudgedClass, LeftOut};
use crate::embeddings::Embeddings;
use crate::error::{Error, Result, same_length};
use crate::metrics::ScoreTable;

/// A head is fitted when its gradient's norm is below this.
const FITTED: f64 = 1e-6;
/// Steps after which a head is taken as it is.
const STEPS: usize = 5000;
/// Steps that find the largest eigenvalue of the embeddings' covariance; what they miss of it is made up for by `MARGIN`.
const POWER_STEPS: usize = 50;
const MARGIN: f64 = 1.2;

/// A linear head for each class.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearHeads {
    classes: Vec<String>,
    /// Mean and standard deviation of each number of the training embeddings.
    moments: Vec<(f64, f64)>,
    /// A weight for each standardised number, and last the bias.
    weights: Vec<Vec<f64>>,
}

/// How well linear heads tell the classes of a label set apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeResult {
    /// The label set.
    pub labels: String,
    /// How many records were scored.
    pub records: usize,
    /// The classes that occur and do not always occur, in the order of the heads.
    pub classes: Vec<JudgedClass>,
    /// Means over these classes, with intervals.
    pub r#macro: Estimates,
    /// The classes that cannot be judged on these records.
    pub left_out: Vec<LeftOut>,
    /// How the intervals were made.
    pub bootstrap: BootstrapConfig,
    /// The seed of their resamples.
    pub seed: u64,
}

impl LinearHeads {
    /// Fits a head for each of `classes`: the mean of the cross-entropies over the records, `targets[record][class]`, plus
    /// `decay / 2` times the squared weights is least. The bias is not decayed.
    ///
    /// # Errors
    /// [`Error::Length`] when embeddings, targets and classes do not fit each other; [`Error::Decay`] for a `decay` that is not
    /// above 0.
    pub fn fit(classes: Vec<String>, signals: &Embeddings, targets: &[Vec<bool>], decay: f64) -> Result<Self> {
        same_length("targets for the records", signals.rows(), targets.len())?;
        for row in targets {
            same_length("targets of a record", classes.len(), row.len())?;
        }
        if !(decay > 0.0 && decay.is_finite()) {
            return Err(Error::Decay { decay });
        }
        let moments: Vec<_> = (0..signals.width()).map(|column| moments(signals, column)).collect();
        let inputs: Vec<Vec<f64>> = (0..signals.rows()).map(|row| standardised(signals.row(row), &moments)).collect();
        // The logistic loss curves by a quarter at most, along the bias and along the weights.
        let curvature = 0.25 * MARGIN * largest_eigenvalue(&inputs, moments.len() + 1).max(1.0) + decay;
        let fit = |class: usize| {
            let targets: Vec<bool> = targets.iter().map(|row| row[class]).collect();
            descend(&inputs, &targets, moments.len(), decay, curvature)
        };
        let weights = (0..classes.len()).into_par_iter().map(fit).collect();
        Ok(Self { classes, moments, weights })
    }

    /// The logits of records, in the order of the classes.
    ///
    /// # Errors
    /// [`Error::Length`] for embeddings of another width; [`Error::NotANumber`] for one that is not finite.
    pub fn scores(&self, records: Vec<String>, signals: &Embeddings) -> Result<ScoreTable> {
        same_length("width of the embeddings", self.moments.len(), signals.width())?;
        let logits = |row: usize| {
            let input = standardised(signals.row(row), &self.moments);
            self.weights.iter().map(move |weights| dot(weights, &input))
        };
        ScoreTable::new(records, self.classes.clone(), (0..signals.rows()).flat_map(logits).collect())
    }
}

/// Judges the `scores` of linear heads against the truth, `targets[record][class]`; resamples come from `streams`.
///
/// # Errors
/// [`Error::Length`] when scores and targets do not fit each other, and those of the intervals.
pub fn judge(
    labels: &str,
    scores: &ScoreTable,
    targets: &[Vec<bool>],
    bootstrap: &BootstrapConfig,
    streams: &Streams,
) -> Result<ProbeResult> {
    let rankings = classes::rankings(scores, targets)?;
    let judged = classes::judge(scores.classes(), classes::of_one_run(&rankings), bootstrap, streams)?;
    Ok(ProbeResult {
        labels: labels.to_owned(),
        records: targets.len(),
        classes: judged.classes,
        r#macro: judged.r#macro,
        left_out: judged.left_out,
        bootstrap: *bootstrap,
        seed: streams.seed(),
    })
}

/// Mean and standard deviation of a column; a column that never changes has deviation 1.
fn moments(signals: &Embeddings, column: usize) -> (f64, f64) {
    let values = || (0..signals.rows()).map(|row| f64::from(signals.row(row)[column]));
    let count = signals.rows().max(1) as f64;
    let mean = values().sum::<f64>() / count;
    let deviation = (values().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    (mean, if deviation > 1e-12 { deviation } else { 1.0 })
}

/// An embedding with the moments taken out, and a 1 for the bias.
fn standardised(row: &[f32], moments: &[(f64, f64)]) -> Vec<f64> {
    let values = row.iter().zip(moments).map(|(&value, (mean, deviation))| (f64::from(value) - mean) / deviation);
    values.chain([1.0]).collect()
}

/// The largest eigenvalue of the inputs' second moments, from below.
fn largest_eigenvalue(inputs: &[Vec<f64>], width: usize) -> f64 {
    // A start that no structure of the inputs is orthogonal to.
    let mut vector: Vec<f64> = (0..width).map(|i| (1.0 + i as f64).sin()).collect();
    let mut value = 0.0;
    for _ in 0..POWER_STEPS {
        let length = dot(&vector, &vector).sqrt();
        if length == 0.0 {
            return value;
        }
        let mut next = vec![0.0; width];
        for input in inputs {
            let share = dot(&vector, input) / length / inputs.len() as f64;
            next.iter_mut().zip(input).for_each(|(sum, x)| *sum += share * x);
        }
        value = dot(&next, &next).sqrt();
        vector = next;
    }
    value
}

/// Nesterov's accelerated descent, begun anew where it would climb (O'Donoghue and Candès, arXiv 1204.3982).
fn descend(inputs: &[Vec<f64>], targets: &[bool], width: usize, decay: f64, curvature: f64) -> Vec<f64> {
    let mut weights = vec![0.0; width + 1];
    let mut ahead = weights.clone();
    let mut momentum = 1.0_f64;
    for _ in 0..STEPS {
        let gradient = gradient(inputs, targets, &ahead, decay);
        if dot(&gradient, &gradient).sqrt() < FITTED {
            break;
        }
        let next: Vec<f64> = ahead.iter().zip(&gradient).map(|(w, g)| w - g / curvature).collect();
        let climbs = next.iter().zip(&weights).zip(&gradient).map(|((n, w), g)| (n - w) * g).sum::<f64>() > 0.0;
        let later = if climbs { 1.0 } else { (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt()) / 2.0 };
        let push = if climbs { 0.0 } else { (momentum - 1.0) / later };
        ahead = next.iter().zip(&weights).map(|(n, w)| n + push * (n - w)).collect();
        (weights, momentum) = (next, later);
    }
    weights
}

fn gradient(inputs: &[Vec<f64>], targets: &[bool], weights: &[f64], decay: f64) -> Vec<f64> {
    let bias = weights.len() - 1;
    let mut gradient: Vec<f64> =
        weights.iter().enumerate().map(|(i, weight)| if i == bias { 0.0 } else { decay * weight }).collect();
    for (input, &target) in inputs.iter().zip(targets) {
        let probability = 1.0 / (1.0 + (-dot(weights, input)).exp());
        let miss = (probability - f64::from(u8::from(target))) / inputs.len() as f64;
        gradient.iter_mut().zip(input).for_each(|(sum, x)| *sum += miss * x);
    }
    gradient
}

/// A dot product in eight interleaved sums of fixed order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (chunks_a, chunks_b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = chunks_a.remainder().iter().zip(chunks_b.remainder());
    for (a, b) in chunks_a.zip(chunks_b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + rest.map(|(a, b)| a * b).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records in two dimensions of very different size, of which the second tells class `b` and nothing tells class `a`.
    fn records() -> (Embeddings, Vec<Vec<bool>>) {
        let mut data = Vec::new();
        let mut targets = Vec::new();
        for i in 0..200 {
            let (x, y) = ((i as f32 * 0.7).sin(), (i as f32 * 1.3).cos());
            data.extend([100.0 + 30.0 * x, 0.01 * y]);
            targets.push(vec![i % 3 == 0, y + 0.3 * (i as f32 * 5.0).sin() > 0.4]);
        }
        (Embeddings::new(200, 2, data).unwrap(), targets)
    }

    fn classes() -> Vec<String> {
        ["a", "b"].map(str::to_owned).into()
    }

    #[test]
    fn heads_are_where_the_penalised_likelihood_is_greatest() {
        let (signals, targets) = records();
        let heads = LinearHeads::fit(classes(), &signals, &targets, 0.01).unwrap();
        let inputs: Vec<Vec<f64>> = (0..200).map(|row| standardised(signals.row(row), &heads.moments)).collect();
        for class in 0..2 {
            let target: Vec<bool> = targets.iter().map(|row| row[class]).collect();
            let loss = |weights: &[f64]| {
                let cross_entropy = inputs.iter().zip(&target).map(|(input, &target)| {
                    let logit = dot(weights, input);
                    (1.0 + (if target { -logit } else { logit }).exp()).ln()
                });
                cross_entropy.sum::<f64>() / 200.0 + 0.005 * weights[..2].iter().map(|w| w * w).sum::<f64>()
            };
            let fitted = &heads.weights[class];
            for (i, step) in [(0, 1e-3), (0, -1e-3), (1, 1e-3), (1, -1e-3), (2, 1e-3), (2, -1e-3)] {
                let mut other = fitted.clone();
                other[i] += step;
                assert!(loss(&other) > loss(fitted), "class {class}, weight {i}");
            }
        }
    }

    #[test]
    fn what_tells_a_class_is_found_and_judged() {
        let (signals, targets) = records();
        let heads = LinearHeads::fit(classes(), &signals, &targets, 0.01).unwrap();
        let names: Vec<String> = (0..200).map(|row| row.to_string()).collect();
        let scores = heads.scores(names, &signals).unwrap();
        let quick = BootstrapConfig { resamples: 0, ..Default::default() };
        let result = judge("two", &scores, &targets, &quick, &Streams::new(0)).unwrap();
        let auroc: Vec<f64> = result.classes.iter().map(|class| class.metrics.auroc.value.unwrap()).collect();
        assert!(auroc[0] < 0.65 && auroc[1] > 0.95, "{auroc:?}");
        let positives = targets.iter().filter(|row| row[1]).count();
        assert_eq!((result.classes[1].positives, result.classes[1].negatives), (positives, 200 - positives));
        let never = vec![vec![false, true]; 200];
        assert_eq!(judge("two", &scores, &never, &quick, &Streams::new(0)).unwrap().left_out.len(), 2);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (signals, targets) = records();
        assert!(matches!(LinearHeads::fit(classes(), &signals, &targets, 0.0), Err(Error::Decay { .. })));
        assert!(LinearHeads::fit(classes(), &signals, &targets[1..], 0.1).is_err());
        let heads = LinearHeads::fit(classes(), &signals, &targets, 0.1).unwrap();
        assert!(heads.scores(vec!["x".to_owned()], &Embeddings::new(1, 3, vec![0.0; 3]).unwrap()).is_err());
    }
}

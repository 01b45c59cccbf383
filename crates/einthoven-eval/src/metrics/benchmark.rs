//! The F_beta and G_beta of the PTB-XL benchmark (Strodthoff et al. 2020, doi 10.1109/JBHI.2020.3022989),
//! which follow the PhysioNet/CinC Challenge 2020.
//!
//! Matrices are `[records][classes]`. The benchmark counts each record with the weight
//! `1 / number of its labels`; it is defined for records that have at least one.

use crate::error::{Result, same_length};

/// Macro F_beta and G_beta.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FG {
    /// `(1 + β²) TP / ((1 + β²) TP + FP + β² FN)`, averaged over classes.
    pub f_beta: f64,
    /// `TP / (TP + FP + β FN)`, averaged over classes.
    pub g_beta: f64,
}

/// F_beta and G_beta of `decisions`, each record weighted by one over the number of its labels.
///
/// Records without a label are left out. A class for which neither a label nor a decision is left
/// is left out of the averages; `None` when no class remains.
pub fn f_g_beta(targets: &[Vec<bool>], decisions: &[Vec<bool>], beta: f64) -> Result<Option<FG>> {
    same_length("decisions for the records", targets.len(), decisions.len())?;
    let classes = targets.first().map_or(0, Vec::len);
    let mut counts = vec![[0.0; 3]; classes];
    for (target, decision) in targets.iter().zip(decisions) {
        same_length("classes of a record", classes, target.len())?;
        same_length("decisions for a record", classes, decision.len())?;
        let labels = target.iter().filter(|&&label| label).count();
        if labels > 0 {
            for (count, pair) in counts.iter_mut().zip(target.iter().zip(decision)) {
                match pair {
                    (true, true) => count[0] += 1.0 / labels as f64,
                    (false, true) => count[1] += 1.0 / labels as f64,
                    (true, false) => count[2] += 1.0 / labels as f64,
                    (false, false) => {}
                }
            }
        }
    }
    counts.retain(|count| count.iter().sum::<f64>() > 0.0);
    let mean = |metric: &dyn Fn(&[f64; 3]) -> f64| counts.iter().map(metric).sum::<f64>() / counts.len() as f64;
    let square = beta * beta;
    Ok((!counts.is_empty()).then(|| FG {
        f_beta: mean(&|&[tp, fp, missed]| (1.0 + square) * tp / ((1.0 + square) * tp + fp + square * missed)),
        g_beta: mean(&|&[tp, fp, missed]| tp / (tp + fp + beta * missed)),
    }))
}

/// The benchmark's decisions: `score > threshold` of the class, and the class of the greatest score
/// (the first of them) where no score lies above its threshold.
pub fn apply_thresholds(scores: &[Vec<f64>], thresholds: &[f64]) -> Result<Vec<Vec<bool>>> {
    scores
        .iter()
        .map(|row| {
            same_length("scores of a record", thresholds.len(), row.len())?;
            let mut decision: Vec<bool> = row.iter().zip(thresholds).map(|(s, t)| s > t).collect();
            if !decision.contains(&true) {
                let mut best = 0;
                for (class, score) in row.iter().enumerate() {
                    if *score > row[best] {
                        best = class;
                    }
                }
                if let Some(first) = decision.get_mut(best) {
                    *first = true;
                }
            }
            Ok(decision)
        })
        .collect()
}

/// The first of the benchmark's 100 thresholds, evenly spaced from 0 to 1, that maximises one
/// class's unweighted G_beta (decision `score > threshold`).
pub fn g_beta_threshold(targets: &[bool], scores: &[f64], beta: f64) -> Result<f64> {
    const THRESHOLDS: usize = 100;
    let mut best = (f64::NEG_INFINITY, 0.0);
    for index in 0..THRESHOLDS {
        let threshold = if index + 1 == THRESHOLDS { 1.0 } else { index as f64 * (1.0 / (THRESHOLDS - 1) as f64) };
        let counts = super::Confusion::above(targets, scores, threshold)?;
        let tp = counts.true_positives as f64;
        let g_beta = tp / (tp + counts.false_positives as f64 + beta * counts.false_negatives as f64);
        if g_beta > best.0 {
            best = (g_beta, threshold);
        }
    }
    Ok(best.1)
}

//! Small helpers on samples.

use std::ops::Range;

/// The middle value, the upper one of two; none of nothing.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// The value below which this part of the others lies.
pub(super) fn quantile(values: &[f64], part: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    let place = (part * values.len() as f64) as usize;
    let last = sorted.len().checked_sub(1)?;
    let (_, value, _) = sorted.select_nth_unstable_by(place.min(last), f64::total_cmp);
    Some(*value)
}

/// The arithmetic mean; none of nothing.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The place in `range` where `value` is largest, the first of several.
pub(super) fn largest(range: Range<usize>, value: impl Fn(usize) -> f64) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for i in range {
        let here = value(i);
        if best.is_none_or(|(_, most)| here > most) {
            best = Some((i, here));
        }
    }
    best.map(|(i, _)| i)
}

/// The slope at each sample, per sample: of the line of least squares through `half` samples on each side.
///
/// At the ends the first and last samples stand for those outside.
pub(super) fn slope(x: &[f64], half: usize) -> Vec<f64> {
    let norm: f64 = 2.0 * (1..=half).map(|k| (k * k) as f64).sum::<f64>();
    let last = x.len().saturating_sub(1);
    let at =
        |i: usize| (1..=half).map(|k| k as f64 * (x[(i + k).min(last)] - x[i.saturating_sub(k)])).sum::<f64>() / norm;
    (0..x.len()).map(at).collect()
}

/// The mean of each sample and `half` samples on each side, fewer at the ends.
pub(super) fn smooth(x: &[f64], half: usize) -> Vec<f64> {
    let mut sums = Vec::with_capacity(x.len() + 1);
    sums.push(0.0);
    for value in x {
        sums.push(sums[sums.len() - 1] + value);
    }
    (0..x.len())
        .map(|i| {
            let (first, end) = (i.saturating_sub(half), (i + half + 1).min(x.len()));
            (sums[end] - sums[first]) / (end - first) as f64
        })
        .collect()
}

/// Pearson's correlation; 0 where one of the two does not vary.
pub(super) fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (Some(mean_a), Some(mean_b)) = (mean(a), mean(b)) else {
        return 0.0;
    };
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    let size = (aa * bb).sqrt();
    if size > 0.0 { ab / size } else { 0.0 }
}

/// Samples of `ms` milliseconds at the rate of measuring.
pub(super) fn samples(ms: f64) -> usize {
    (ms * super::signal::RATE / 1e3).round().max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_of_a_line_are_its_slope() {
        let line: Vec<f64> = (0..40).map(|i| 0.25 * f64::from(i)).collect();
        assert!(slope(&line, 3)[5..35].iter().all(|s| (s - 0.25).abs() < 1e-12));
        assert!(slope(&[], 3).is_empty());
    }

    #[test]
    fn means_and_medians_of_nothing_are_none() {
        assert_eq!((median(&[]), mean(&[])), (None, None));
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(smooth(&[1.0, 2.0, 6.0], 1), [1.5, 3.0, 4.0]);
        assert_eq!(correlation(&[1.0, 2.0], &[5.0, 5.0]), 0.0);
    }
}

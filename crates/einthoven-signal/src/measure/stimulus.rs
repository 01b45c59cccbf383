//! Stimuli of a pacemaker: found so that they are not taken for the heart's doing, and erased.

use super::numeric::{largest, median, samples};

/// The smallest stimulus that is looked for, mV, all views together. Fitted on the simulator's bipolar stimuli.
const SMALLEST: f64 = 0.12;
/// A stimulus rises this much above the noise.
const ABOVE_NOISE: f64 = 12.0;
/// Around a stimulus the leads move at most this part as fast as in it. R peaks, which are as sharp, are between steep
/// slopes: there it is above 0.8.
const CALM: f64 = 0.4;

/// Times of the stimuli, in samples.
pub(super) fn find(rows: &[Vec<f64>], views: &[usize]) -> Vec<usize> {
    let (near, far) = (samples(8.0), samples(22.0));
    let Some(length) = views.first().map(|&i| rows[i].len()).filter(|&length| length > 2 * far) else {
        return Vec::new();
    };
    let norm = |f: &dyn Fn(&[f64]) -> f64| views.iter().map(|&i| f(&rows[i]).powi(2)).sum::<f64>().sqrt();
    // How far a sample lies off the line between those 8 ms before and after.
    let height: Vec<f64> = (0..length)
        .map(|i| {
            if i < near || i + near >= length {
                return 0.0;
            }
            norm(&|x| x[i] - (x[i - near] + x[i + near]) / 2.0)
        })
        .collect();
    let speed: Vec<f64> = (0..length).map(|i| if i == 0 { 0.0 } else { norm(&|x| x[i] - x[i - 1]) }).collect();
    let threshold = SMALLEST.max(ABOVE_NOISE * median(&height).unwrap_or_default());
    let mut found = Vec::new();
    let mut i = far;
    while i + far < length {
        let peak = largest(i.saturating_sub(near)..i + near + 1, |k| height[k]);
        if height[i] > threshold && peak == Some(i) {
            let inside = speed[i - near + 1..=i + near].iter().copied().fold(0.0, f64::max);
            let around = [i - far..i - near, i + near + 2..i + far].map(|range| fastest(&speed[range]));
            if around.into_iter().all(|speed| speed < CALM * inside) {
                found.push(i);
                i += far;
            }
        }
        i += 1;
    }
    found
}

/// Draws a straight line where a stimulus was.
pub(super) fn erase(rows: &mut [Vec<f64>], stimuli: &[usize]) {
    let reach = samples(12.0);
    for row in rows {
        for &time in stimuli {
            let (first, last) = (time.saturating_sub(reach), (time + reach).min(row.len() - 1));
            let (start, step) = (row[first], (row[last] - row[first]) / (last - first) as f64);
            for (i, sample) in row[first..last].iter_mut().enumerate() {
                *sample = start + step * i as f64;
            }
        }
    }
}

fn fastest(speed: &[f64]) -> f64 {
    speed.iter().copied().fold(0.0, f64::max)
}

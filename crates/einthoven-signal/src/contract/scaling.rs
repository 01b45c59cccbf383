//! From millivolts to the model's units.

use super::Scaling;

/// What is added to a standard deviation before dividing by it.
const EPSILON: f64 = 1e-6;

impl Scaling {
    /// Scales `samples`, leads of `length` samples one after the other, in place.
    pub(super) fn apply(self, samples: &mut [f32], length: usize, gain: f32) {
        match self {
            Self::None if gain == 1.0 => {}
            Self::None => samples.iter_mut().for_each(|x| *x *= gain),
            Self::ZScoreRecord => z_score(samples),
            Self::ZScoreLead => samples.chunks_exact_mut(length).for_each(z_score),
            Self::MinMaxRecord => min_max(samples),
        }
    }
}

/// (x − mean) / (unbiased std + 1e-6), statistics in f64.
fn z_score(samples: &mut [f32]) {
    let n = samples.len() as f64;
    let mean = sum(samples, |x| x) / n;
    let squares = sum(samples, |x| (x - mean) * (x - mean));
    // One sample has no unbiased deviation; it is its own mean and becomes zero.
    let std = (squares / (n - 1.0).max(1.0)).sqrt();
    let scale = 1.0 / (std + EPSILON);
    for x in samples {
        *x = ((f64::from(*x) - mean) * scale) as f32;
    }
}

/// (x − min) / (max − min).
fn min_max(samples: &mut [f32]) {
    let min = samples.iter().copied().fold(f32::INFINITY, f32::min);
    let max = samples.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let range = f64::from(max) - f64::from(min);
    let scale = if range > 0.0 { 1.0 / range } else { 0.0 };
    for x in samples {
        *x = ((f64::from(*x) - f64::from(min)) * scale) as f32;
    }
}

/// The sum of `f` over `samples`, in eight lanes: fast, and always in the same order.
fn sum(samples: &[f32], f: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; 8];
    let chunks = samples.chunks_exact(8);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += f(f64::from(x));
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += f(f64::from(x));
    }
    lanes.iter().sum()
}

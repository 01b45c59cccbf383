//! Polyphase resampling with a Kaiser-windowed low-pass filter.

use std::f64::consts::PI;
use std::ops::Range;

use crate::{Error, Result};

/// Shape of the Kaiser window.
const BETA: f64 = 5.0;
/// Zero crossings of the low-pass filter on each side.
const HALF_WIDTH: usize = 10;
/// How far the ratio of two rates may be from a fraction: a drift of 1 ms in 1000 s.
const TOLERANCE: f64 = 1e-6;
/// The furthest two rates may be apart.
const MAX_RATIO: f64 = 100.0;
/// The largest factor up or down, which bounds the filter's length.
const MAX_FACTOR: usize = 100_000;

/// Changes the sampling rate by the factor `up / down`.
///
/// The signal is taken as zero outside its ends; sample 0 stays where it is.
#[derive(Clone, Debug)]
pub struct Resampler {
    up: usize,
    down: usize,
    /// Samples of the filter on each side of its middle, at `up` times the input's rate.
    half_length: usize,
    /// The filter's coefficients for each position between two input samples, last first.
    phases: Vec<Vec<f64>>,
}

impl Resampler {
    /// A resampler that makes `up` samples of `down`.
    ///
    /// # Errors
    /// [`Error::Resample`] if a factor is zero or, in lowest terms, above 100,000.
    pub fn new(up: usize, down: usize) -> Result<Self> {
        let divisor = gcd(up, down).max(1);
        let (up, down) = (up / divisor, down / divisor);
        let widest = up.max(down);
        if up == 0 || down == 0 || widest > MAX_FACTOR {
            return Err(Error::Resample { from: down as f64, to: up as f64 });
        }
        let half_length = HALF_WIDTH * widest;
        let phases = if widest == 1 {
            Vec::new()
        } else {
            let filter = low_pass(half_length, widest, up);
            (0..up).map(|phase| filter.iter().skip(phase).step_by(up).rev().copied().collect()).collect()
        };
        Ok(Self { up, down, half_length, phases })
    }

    /// A resampler from one rate to another, in Hz.
    ///
    /// Their ratio is rounded to a simple fraction, mostly within a millionth of it and never more than 1e-5 away; for
    /// whole numbers up to 1000 it is the ratio itself.
    ///
    /// # Errors
    /// [`Error::Resample`] if the rates are more than a factor of 100 apart.
    pub fn between(from: f64, to: f64) -> Result<Self> {
        let ratio = to / from;
        if !(1.0 / MAX_RATIO..=MAX_RATIO).contains(&ratio) {
            return Err(Error::Resample { from, to });
        }
        let (up, down) = fraction(ratio);
        Self::new(up, down)
    }

    /// Whether nothing changes.
    pub fn is_identity(&self) -> bool {
        self.phases.is_empty()
    }

    /// Number of samples made of `input` samples.
    pub fn output_len(&self, input: usize) -> usize {
        input.saturating_mul(self.up).div_ceil(self.down)
    }

    /// Resamples `x`.
    pub fn run(&self, x: &[f64]) -> Vec<f64> {
        self.run_range(x, 0..self.output_len(x.len()))
    }

    /// The part `range` of the resampled `x`, without computing the rest.
    pub fn run_range(&self, x: &[f64], range: Range<usize>) -> Vec<f64> {
        if self.is_identity() {
            return x[range].to_vec();
        }
        range.map(|n| self.sample(x, n)).collect()
    }

    /// Sample `n` of the resampled `x`.
    fn sample(&self, x: &[f64], n: usize) -> f64 {
        let position = n * self.down + self.half_length;
        let taps = &self.phases[position % self.up];
        // The filter covers input samples first..=last; taps and samples outside the signal are dropped.
        let last = position / self.up;
        let end = (last + 1).min(x.len());
        let before = (taps.len() - 1).saturating_sub(last);
        let first = (last + 1).saturating_sub(taps.len());
        dot(&taps[before..before + end.saturating_sub(first)], &x[first.min(end)..end])
    }
}

/// Resamples `x` by `up / down` with a Kaiser(5.0) window, zero outside its ends, as SciPy's `resample_poly` does.
///
/// # Errors
/// [`Error::Resample`] if a factor is zero or, in lowest terms, above 100,000.
pub fn resample_poly(x: &[f64], up: usize, down: usize) -> Result<Vec<f64>> {
    Ok(Resampler::new(up, down)?.run(x))
}

/// The low-pass filter of `2 * half_length + 1` taps with cutoff 1 / `widest` of the Nyquist rate and gain `gain`.
fn low_pass(half_length: usize, widest: usize, gain: usize) -> Vec<f64> {
    let cutoff = 1.0 / widest as f64;
    let middle = half_length as f64;
    let mut taps: Vec<f64> = (0..=2 * half_length)
        .map(|n| {
            let m = n as f64 - middle;
            let edge = m / middle;
            cutoff * sinc(cutoff * m) * bessel_i0(BETA * (1.0 - edge * edge).sqrt())
        })
        .collect();
    let scale = gain as f64 / taps.iter().sum::<f64>();
    taps.iter_mut().for_each(|tap| *tap *= scale);
    taps
}

/// sin(πx) / (πx).
fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// The modified Bessel function of the first kind and order 0, by its power series; for small |x|.
fn bessel_i0(x: f64) -> f64 {
    let square = x * x / 4.0;
    let mut term = 1.0;
    let mut sum = 1.0;
    let mut k = 1.0;
    while term > sum * 1e-17 {
        term *= square / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

/// The sum of products, in eight lanes: fast, and always in the same order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// The simplest fraction within [`TOLERANCE`] of a positive `ratio`: a convergent of its continued fraction.
///
/// Where the next one would exceed [`MAX_FACTOR`], the last one must do; it is within 1 / `MAX_FACTOR` of the ratio.
fn fraction(ratio: f64) -> (usize, usize) {
    let (mut before, mut last) = ((0.0, 1.0), (1.0, 0.0));
    let mut rest = ratio;
    loop {
        let whole = rest.floor();
        let next: (f64, f64) = (whole * last.0 + before.0, whole * last.1 + before.1);
        if next.0.max(next.1) > MAX_FACTOR as f64 {
            return (last.0 as usize, last.1 as usize);
        }
        if (next.0 / next.1 / ratio - 1.0).abs() <= TOLERANCE {
            return (next.0 as usize, next.1 as usize);
        }
        (before, last) = (last, next);
        rest = 1.0 / (rest - whole);
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_become_simple_fractions() {
        for (from, to, expected) in [
            (500.0, 500.0, (1, 1)),
            (500.0, 100.0, (1, 5)),
            (400.0, 500.0, (5, 4)),
            (360.0, 500.0, (25, 18)),
            (1000.0, 257.0, (257, 1000)),
            (977.0, 500.0, (500, 977)),
            (1000.0, 999.0, (999, 1000)),
            (128.0, 125.0, (125, 128)),
            (500.0, 499.9999, (1, 1)),
            (1.0 / 3.0, 1.0, (3, 1)),
        ] {
            assert_eq!(fraction(to / from), expected, "{from} Hz to {to} Hz");
        }
        let (up, down) = fraction(500.0 / 999.56);
        assert!((up as f64 / down as f64 * 999.56 - 500.0).abs() < 5e-4);
    }

    #[test]
    fn every_ratio_in_range_is_accepted() {
        let mut ratio = 1.0 / MAX_RATIO;
        while ratio < MAX_RATIO {
            let (up, down) = fraction(ratio);
            assert!(up.max(down) <= MAX_FACTOR, "{ratio}: {up}/{down}");
            let error = (up as f64 / down as f64 / ratio - 1.0).abs();
            assert!(error <= 1e-5, "{ratio}: {up}/{down}");
            ratio *= 1.000_37;
        }
        assert!(Resampler::between(500.0, 0.1).is_err());
        assert!(Resampler::between(1e-300, 1e300).is_err());
        assert!(Resampler::new(0, 1).is_err());
        assert!(Resampler::new(1, 0).is_err());
    }

    #[test]
    fn a_part_is_a_part_of_the_whole() {
        let x: Vec<f64> = (0..97).map(|i| (f64::from(i) * 0.3).sin()).collect();
        for (up, down) in [(1, 5), (5, 1), (25, 18), (18, 25), (7, 400)] {
            let resampler = Resampler::new(up, down).unwrap();
            let whole = resampler.run(&x);
            assert_eq!(whole.len(), (97 * up).div_ceil(down));
            let middle = whole.len() / 3..whole.len() / 2;
            assert_eq!(resampler.run_range(&x, middle.clone()), whole[middle]);
        }
    }

    #[test]
    fn a_single_sample_is_resampled() {
        assert_eq!(resample_poly(&[2.0], 1, 1).unwrap(), [2.0]);
        assert_eq!(resample_poly(&[2.0], 1, 5).unwrap().len(), 1);
        let up = resample_poly(&[2.0], 3, 1).unwrap();
        assert_eq!(up.len(), 3);
        assert!((up[0] - 2.0).abs() < 1e-2, "{up:?}");
        assert!(resample_poly(&[], 3, 2).unwrap().is_empty());
    }
}

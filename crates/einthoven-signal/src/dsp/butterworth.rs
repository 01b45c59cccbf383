//! Butterworth band-pass design.

use std::f64::consts::PI;

use num_complex::Complex64;

use super::Section;
use crate::{BandPass, Error, Result};

/// The highest order allowed.
const MAX_ORDER: usize = 10;

impl BandPass {
    /// The filter for a signal sampled at `sampling_rate` Hz, as second-order sections in the order of SciPy's `butter`.
    ///
    /// # Errors
    /// [`Error::Filter`] unless 0 < `low_hz` < `high_hz` < `sampling_rate` / 2 and `order` is 1 to 10.
    pub fn sections(&self, sampling_rate: f64) -> Result<Vec<Section>> {
        let nyquist = sampling_rate / 2.0;
        let ordered = 0.0 < self.low_hz && self.low_hz < self.high_hz && self.high_hz < nyquist;
        if !ordered {
            return Err(Error::Filter {
                message: format!(
                    "`low_hz` is {} and `high_hz` is {}: expected 0 < low_hz < high_hz < {nyquist}, half the sampling rate",
                    self.low_hz, self.high_hz
                ),
            });
        }
        if !(1..=MAX_ORDER).contains(&self.order) {
            return Err(Error::Filter { message: format!("`order` is {}: expected 1 to {MAX_ORDER}", self.order) });
        }
        let (poles, gain) = self.poles(nyquist);
        Ok(pair(&poles, gain))
    }

    /// The digital filter's poles and its gain; its zeros are `order` times 1 and `order` times −1.
    fn poles(&self, nyquist: f64) -> (Vec<Complex64>, f64) {
        // The bilinear transform at rate 2 takes the analogue frequency 4 tan(πf/2) to f, in units of Nyquist.
        let warp = |hz: f64| 4.0 * (PI * hz / nyquist / 2.0).tan();
        let (low, high) = (warp(self.low_hz), warp(self.high_hz));
        let width = high - low;
        let center = low * high;
        let n = self.order as f64;

        let mut poles = Vec::with_capacity(2 * self.order);
        let mut gain = Complex64::new((4.0 * width).powi(self.order as i32), 0.0);
        for k in 0..self.order {
            // A pole of the low-pass prototype, on the left half of the unit circle.
            let angle = PI * (2.0 * k as f64 - n + 1.0) / (2.0 * n);
            let prototype =
                if 2 * k + 1 == self.order { Complex64::new(-1.0, 0.0) } else { -Complex64::from_polar(1.0, angle) };
            let half = prototype * (width / 2.0);
            let root = (half * half - center).sqrt();
            for pole in [half + root, half - root] {
                gain /= 4.0 - pole;
                poles.push((4.0 + pole) / (4.0 - pole));
            }
        }
        (poles, gain.re)
    }
}

/// Pairs poles with zeros at ±1: from the pole nearest the unit circle, which comes last, each with the zeros nearest to it.
fn pair(poles: &[Complex64], gain: f64) -> Vec<Section> {
    let count = poles.len() / 2;
    let mut zeros = [(1.0, count), (-1.0, count)];
    let is_real = |p: &Complex64| p.im.abs() <= 100.0 * f64::EPSILON * p.norm();
    // One of each conjugate pair, and the real ones.
    let mut left: Vec<_> = poles.iter().copied().filter(|p| is_real(p) || p.im > 0.0).collect();
    let nearest_circle = |poles: &[Complex64], real_only: bool| {
        (0..poles.len()).filter(|&i| !real_only || is_real(&poles[i])).min_by(|&i, &j| {
            let distance = |i: usize| (1.0 - poles[i].norm()).abs();
            distance(i).total_cmp(&distance(j))
        })
    };

    let mut sections = Vec::with_capacity(count);
    while let Some(i) = nearest_circle(&left, false) {
        let first = left.swap_remove(i);
        let second = if is_real(&first) {
            nearest_circle(&left, true).map_or(first, |j| left.swap_remove(j))
        } else {
            first.conj()
        };
        let mut take = || {
            let near = usize::from(zeros[0].1 == 0 || (zeros[1].1 > 0 && first.re < 0.0));
            zeros[near].1 -= 1;
            zeros[near].0
        };
        let (z1, z2): (f64, f64) = (take(), take());
        sections.push(Section { b: [1.0, -(z1 + z2), z1 * z2], a: [-(first + second).re, (first * second).re] });
    }
    sections.reverse();
    if let Some(section) = sections.first_mut() {
        section.b.iter_mut().for_each(|b| *b *= gain);
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    fn band(low_hz: f64, high_hz: f64, order: usize) -> BandPass {
        BandPass { low_hz, high_hz, order }
    }

    /// |H(f)|².
    fn power(sections: &[Section], hz: f64, rate: f64) -> f64 {
        let z = Complex64::from_polar(1.0, -2.0 * PI * hz / rate);
        sections
            .iter()
            .map(|s| {
                let top = s.b[0] + z * (s.b[1] + z * s.b[2]);
                let bottom = 1.0 + z * (s.a[0] + z * s.a[1]);
                (top / bottom).norm_sqr()
            })
            .product()
    }

    #[test]
    fn edges_are_at_half_power_for_every_order() {
        for order in 1..=6 {
            for (low, high) in [(0.5, 40.0), (5.0, 15.0), (0.05, 150.0), (1.0, 249.0), (60.0, 61.0)] {
                let sections = band(low, high, order).sections(500.0).unwrap();
                assert_eq!(sections.len(), order);
                for edge in [low, high] {
                    let power = power(&sections, edge, 500.0);
                    assert!((power - 0.5).abs() < 1e-6, "order {order}, {low}–{high}: {power} at {edge} Hz");
                }
                let middle = (low * high).sqrt();
                assert!(power(&sections, middle, 500.0) > 0.5);
            }
        }
    }

    #[test]
    fn impossible_filters_are_refused() {
        for filter in [
            band(0.0, 40.0, 3),
            band(40.0, 0.5, 3),
            band(0.5, 250.0, 3),
            band(f64::NAN, 40.0, 3),
            band(0.5, 40.0, 0),
            band(0.5, 40.0, 11),
        ] {
            assert!(matches!(filter.sections(500.0), Err(Error::Filter { .. })), "{filter:?}");
        }
    }
}

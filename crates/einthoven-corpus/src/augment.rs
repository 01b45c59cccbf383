//! Augmentation: small random changes of a training record that leave its diagnosis alone.

use std::f32::consts::TAU;

use einthoven_random::Stream;
use rand::RngExt;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How training records are varied, in millivolts, before scaling.
///
/// The default is ESI's published augmentation: `additive_noise` and `lead_gain` of 0.003, the rest off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentConfig {
    /// Standard deviation of Gaussian noise added to every sample, in millivolts.
    pub additive_noise: f32,
    /// Standard deviation of a Gaussian factor of mean 1 for each lead.
    pub lead_gain: f32,
    /// Standard deviation of the logarithm of a factor for the whole record.
    pub amplitude: f32,
    /// Standard deviation of the amplitude of a slow sine (0.05 to 0.5 Hz) added to each lead, in millivolts.
    pub baseline_wander: f32,
    /// Largest shift in time, in seconds, either way. Samples pushed out at one end come back in at the other.
    pub time_shift: f32,
    /// Probability of each lead to be silenced (0 mV). A record never loses all its leads.
    pub lead_mask: f32,
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self { additive_noise: 0.003, lead_gain: 0.003, ..Self::none() }
    }
}

impl AugmentConfig {
    /// No augmentation.
    pub fn none() -> Self {
        Self {
            additive_noise: 0.0,
            lead_gain: 0.0,
            amplitude: 0.0,
            baseline_wander: 0.0,
            time_shift: 0.0,
            lead_mask: 0.0,
        }
    }

    /// Whether records are left as they are.
    pub fn is_none(&self) -> bool {
        *self == Self::none()
    }

    /// Checks that every value is possible.
    ///
    /// # Errors
    /// [`Error::Setting`] for a value that is negative or not finite, and for a `lead_mask` that is not below 1.
    pub fn validate(&self) -> Result<()> {
        let settings = [
            ("additive_noise", self.additive_noise, f32::MAX),
            ("lead_gain", self.lead_gain, f32::MAX),
            ("amplitude", self.amplitude, f32::MAX),
            ("baseline_wander", self.baseline_wander, f32::MAX),
            ("time_shift", self.time_shift, f32::MAX),
            ("lead_mask", self.lead_mask, 1.0),
        ];
        for (key, value, below) in settings {
            if !(0.0..below).contains(&value) {
                return Err(Error::Setting {
                    key,
                    value: value.to_string(),
                    expected: match key {
                        "lead_mask" => "a probability from 0 to below 1",
                        _ => "a number not below 0",
                    },
                });
            }
        }
        Ok(())
    }

    /// Varies `samples`, `[leads, samples]` in millivolts with `length` samples a lead at `sampling_rate` Hz.
    pub(crate) fn apply(&self, samples: &mut [f32], length: usize, sampling_rate: f64, stream: &mut Stream) {
        let record_factor = factor(self.amplitude, stream, f32::exp);
        let frequency = stream.random_range(0.05..0.5) / sampling_rate as f32;
        let shift = self.shift(length, sampling_rate, stream);
        for lead in samples.chunks_exact_mut(length) {
            let gain = record_factor * factor(self.lead_gain, stream, |x| 1.0 + x);
            if gain != 1.0 {
                lead.iter_mut().for_each(|x| *x *= gain);
            }
            if self.baseline_wander > 0.0 {
                let amplitude = self.baseline_wander * gaussian(stream);
                let phase = TAU * stream.random::<f32>();
                for (i, x) in lead.iter_mut().enumerate() {
                    *x += amplitude * (TAU * frequency * i as f32 + phase).sin();
                }
            }
            lead.rotate_right(shift);
            if self.additive_noise > 0.0 {
                lead.iter_mut().for_each(|x| *x += self.additive_noise * gaussian(stream));
            }
        }
        self.mask(samples, length, stream);
    }

    /// A shift to the right, in samples below `length`.
    fn shift(&self, length: usize, sampling_rate: f64, stream: &mut Stream) -> usize {
        let most = (f64::from(self.time_shift) * sampling_rate).round() as i64;
        if most == 0 || length == 0 {
            return 0;
        }
        stream.random_range(-most..=most).rem_euclid(length as i64) as usize
    }

    fn mask(&self, samples: &mut [f32], length: usize, stream: &mut Stream) {
        if self.lead_mask == 0.0 {
            return;
        }
        let leads = samples.len() / length;
        let masked: Vec<bool> = (0..leads).map(|_| stream.random::<f32>() < self.lead_mask).collect();
        if masked.iter().all(|&m| m) {
            return;
        }
        for (lead, _) in samples.chunks_exact_mut(length).zip(masked).filter(|(_, m)| *m) {
            lead.fill(0.0);
        }
    }
}

/// A random factor `shape(deviation × z)`; 1 where the deviation is 0.
fn factor(deviation: f32, stream: &mut Stream, shape: impl Fn(f32) -> f32) -> f32 {
    if deviation == 0.0 {
        return 1.0;
    }
    shape(deviation * gaussian(stream))
}

fn gaussian(stream: &mut Stream) -> f32 {
    stream.sample(StandardNormal)
}

#[cfg(test)]
mod tests {
    use einthoven_random::Streams;

    use super::*;

    const LENGTH: usize = 5000;

    fn augmented(config: &AugmentConfig, input: &[f32], index: u64) -> Vec<f32> {
        let mut samples = input.to_vec();
        let mut stream = Streams::new(1).stream("augment", &[0, index]);
        config.apply(&mut samples, LENGTH, 500.0, &mut stream);
        samples
    }

    fn ramp() -> Vec<f32> {
        (0..12 * LENGTH).map(|i| (i % LENGTH) as f32 / 1000.0).collect()
    }

    fn moments(values: &[f32]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
        let square = values.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>();
        (mean, (square / (n - 1.0)).sqrt())
    }

    #[test]
    fn the_default_is_the_published_augmentation() {
        let config: AugmentConfig = toml::from_str("").unwrap();
        assert_eq!(config, AugmentConfig::default());
        let (mean, std) = moments(&augmented(&config, &vec![0.0; 12 * LENGTH], 0));
        // 60,000 draws: the mean's standard error is 1.2e-5, the deviation's 8.7e-6.
        assert!(mean.abs() < 6e-5, "{mean}");
        assert!((std - 0.003).abs() < 5e-5, "{std}");

        let config = AugmentConfig { additive_noise: 0.0, ..config };
        let factors: Vec<f32> = (0..500)
            .flat_map(|i| {
                let out = augmented(&config, &vec![1.0; 12 * LENGTH], i);
                let rows = out.chunks(LENGTH);
                rows.map(|row| {
                    assert!(row.iter().all(|x| *x == row[0]), "one factor per lead");
                    row[0]
                })
                .collect::<Vec<_>>()
            })
            .collect();
        let (mean, std) = moments(&factors);
        assert!((mean - 1.0).abs() < 2e-4 && (std - 0.003).abs() < 2e-4, "{mean} {std}");
    }

    #[test]
    fn no_augmentation_changes_nothing() {
        assert_eq!(augmented(&AugmentConfig::none(), &ramp(), 3), ramp());
        assert!(AugmentConfig::none().is_none() && !AugmentConfig::default().is_none());
    }

    #[test]
    fn a_shift_is_circular_alike_in_all_leads_and_within_its_bound() {
        let config = AugmentConfig { time_shift: 0.5, ..AugmentConfig::none() };
        let mut seen = std::collections::BTreeSet::new();
        for i in 0..50 {
            let out = augmented(&config, &ramp(), i);
            let shift = out.iter().position(|&x| x == 0.0).unwrap();
            let either_way = shift.min(LENGTH - shift);
            assert!(either_way <= 250);
            for row in out.chunks(LENGTH) {
                let mut back = row.to_vec();
                back.rotate_left(shift);
                assert_eq!(back, ramp()[..LENGTH]);
            }
            seen.insert(shift);
        }
        assert!(seen.len() > 40 && seen.iter().any(|&s| s > 2500) && seen.iter().any(|&s| s < 2500));
    }

    #[test]
    fn masks_silence_leads_at_their_rate_and_never_all() {
        let count = |mask, i| {
            let config = AugmentConfig { lead_mask: mask, ..AugmentConfig::none() };
            let out = augmented(&config, &vec![1.0; 12 * LENGTH], i);
            let silent = |row: &&[f32]| row.iter().all(|&x| x == 0.0);
            out.chunks(LENGTH).filter(silent).count()
        };
        let masked: usize = (0..200).map(|i| count(0.25, i)).sum();
        // 2400 leads at 0.25: 600 ± 21.
        assert!((500..700).contains(&masked), "{masked}");
        assert!((0..50).all(|i| count(0.99, i) < 12));
    }

    #[test]
    fn amplitude_and_wander_vary_between_records() {
        let config = AugmentConfig { amplitude: 0.2, ..AugmentConfig::none() };
        let logs: Vec<f32> = (0..500).map(|i| augmented(&config, &vec![1.0; 12 * LENGTH], i)[0].ln()).collect();
        let (mean, std) = moments(&logs);
        assert!(mean.abs() < 0.04 && (std - 0.2).abs() < 0.03, "{mean} {std}");

        let config = AugmentConfig { baseline_wander: 0.1, ..AugmentConfig::none() };
        let out = augmented(&config, &vec![0.0; 12 * LENGTH], 0);
        let (_, std) = moments(&out);
        assert!(std > 0.01 && std < 0.3, "{std}");
        // Slow: at 0.5 Hz and 0.3 mV it moves by less than 2 µV from sample to sample.
        assert!(out.chunks(LENGTH).all(|row| row.windows(2).all(|w| (w[1] - w[0]).abs() < 2e-3)));
    }

    #[test]
    fn impossible_values_are_refused() {
        let refused = |text: &str| {
            let config: AugmentConfig = toml::from_str(text).unwrap();
            matches!(config.validate(), Err(Error::Setting { .. }))
        };
        assert!(refused("lead_mask = 1.0"));
        assert!(refused("additive_noise = -0.1"));
        assert!(refused("time_shift = nan"));
        assert!(!refused("lead_mask = 0.5"));
        assert!(toml::from_str::<AugmentConfig>("noise = 0.1").is_err());
    }
}

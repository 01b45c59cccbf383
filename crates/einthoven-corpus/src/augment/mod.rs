//! Augmentation: random changes of a training record that leave its diagnosis alone.

mod noise;
mod rotation;
mod time;

use std::f32::consts::TAU;

use einthoven_random::Stream;
use einthoven_signal::Lead;
use rand::RngExt;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How training records are varied, in millivolts, before scaling.
///
/// The default is ESI's published augmentation: `additive_noise` and `lead_gain` of 0.003, the rest off. A change of 0 is
/// off and draws nothing. The changes are made in this order: rotation; crop, resample and time warp; gain, wander, shift
/// and noise of each lead; amplitude warp; cutout; lead mask.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentConfig {
    /// Standard deviation of Gaussian noise added to every sample, in millivolts. Recordings have 0.005 to 0.03.
    pub additive_noise: f32,
    /// Largest standard deviation of a burst of fast noise, as muscles make it, in millivolts: a lead's own is drawn from 0
    /// up to it. Usual: up to 0.1.
    pub muscle_noise: f32,
    /// Largest amplitude of a hum of the mains, 50 or 60 Hz, in millivolts: a lead's own is drawn from 0 up to it. None where
    /// the sampling rate cannot hold it. Usual: up to 0.05.
    pub mains_noise: f32,
    /// Standard deviation of a Gaussian factor of mean 1 for each lead. Usual: up to 0.2.
    pub lead_gain: f32,
    /// Standard deviation of the logarithm of a factor for the whole record. Usual: up to 0.3.
    pub amplitude: f32,
    /// Largest change of the logarithm of a factor that varies over the record as a sine of one to three cycles, the same for
    /// all leads, as breathing does it. Usual: up to 0.2.
    pub amplitude_warp: f32,
    /// Standard deviation of the amplitude of a slow sine (0.05 to 0.5 Hz) added to each lead, in millivolts. Usual: up to 0.2.
    pub baseline_wander: f32,
    /// Largest shift in time, in seconds, either way. Samples pushed out at one end come back in at the other.
    pub time_shift: f32,
    /// Largest change of the speed of time within the record, which is faster here and slower there by a sine of one to three
    /// cycles; below 1. Usual: up to 0.1, since rates and intervals are diagnostic.
    pub time_warp: f32,
    /// Standard deviation of the logarithm of the speed at which the whole record is played. Usual: up to 0.05.
    pub resample: f32,
    /// Largest part of the record that is cut away, at either end; below 1. What is left is padded as the contract says.
    /// Usual: up to 0.5.
    pub crop: f32,
    /// Longest stretch that is silenced (0 mV) in all leads, in seconds: its length is drawn from 0 up to it. Usual: up to 2.
    pub cutout: f32,
    /// Probability of each lead to be silenced (0 mV). A record never loses all its leads.
    pub lead_mask: f32,
    /// Standard deviation of the angle by which the vectorcardiogram is turned about a random axis, in degrees. Usual: up to 15;
    /// beyond, axes change their meaning.
    pub rotation: f32,
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self { additive_noise: 0.003, lead_gain: 0.003, ..Self::none() }
    }
}

impl AugmentConfig {
    /// No augmentation.
    pub const fn none() -> Self {
        Self {
            additive_noise: 0.0,
            muscle_noise: 0.0,
            mains_noise: 0.0,
            lead_gain: 0.0,
            amplitude: 0.0,
            amplitude_warp: 0.0,
            baseline_wander: 0.0,
            time_shift: 0.0,
            time_warp: 0.0,
            resample: 0.0,
            crop: 0.0,
            cutout: 0.0,
            lead_mask: 0.0,
            rotation: 0.0,
        }
    }

    /// Whether records are left as they are.
    pub fn is_none(&self) -> bool {
        *self == Self::none()
    }

    /// Checks that every value is possible for records of these `leads`.
    ///
    /// # Errors
    /// [`Error::Setting`] for a value that is negative or not finite, for a `lead_mask`, `crop` or `time_warp` that is not below
    /// 1, and for a `rotation` of leads that tell no dipole.
    pub fn validate(&self, leads: &[Lead]) -> Result<()> {
        let settings = [
            ("additive_noise", self.additive_noise, f32::MAX),
            ("muscle_noise", self.muscle_noise, f32::MAX),
            ("mains_noise", self.mains_noise, f32::MAX),
            ("lead_gain", self.lead_gain, f32::MAX),
            ("amplitude", self.amplitude, f32::MAX),
            ("amplitude_warp", self.amplitude_warp, f32::MAX),
            ("baseline_wander", self.baseline_wander, f32::MAX),
            ("time_shift", self.time_shift, f32::MAX),
            ("time_warp", self.time_warp, 1.0),
            ("resample", self.resample, f32::MAX),
            ("crop", self.crop, 1.0),
            ("cutout", self.cutout, f32::MAX),
            ("lead_mask", self.lead_mask, 1.0),
            ("rotation", self.rotation, f32::MAX),
        ];
        let refuse = |key, value: f32, expected| Err(Error::Setting { key, value: value.to_string(), expected });
        for (key, value, below) in settings {
            if !(0.0..below).contains(&value) {
                let expected = match key {
                    "lead_mask" => "a probability from 0 to below 1",
                    "crop" | "time_warp" => "a part from 0 to below 1",
                    _ => "a number not below 0",
                };
                return refuse(key, value, expected);
            }
        }
        if self.rotation > 0.0 && !rotation::is_possible(leads) {
            return refuse(
                "rotation",
                self.rotation,
                "0, for these leads: three independent ones of the twelve are needed",
            );
        }
        Ok(())
    }

    /// Varies `samples`, `[leads, samples]` in millivolts at `sampling_rate` Hz; the result may have fewer samples a lead.
    pub(crate) fn apply(
        &self,
        mut samples: Vec<f32>,
        leads: &[Lead],
        sampling_rate: f64,
        stream: &mut Stream,
    ) -> Vec<f32> {
        if samples.is_empty() {
            return samples;
        }
        if self.rotation > 0.0 {
            rotation::turn(&mut samples, leads, self.rotation, stream);
        }
        let length = samples.len() / leads.len();
        let mut samples = time::warp(self, samples, length, stream);
        let length = samples.len() / leads.len();
        self.vary_leads(&mut samples, length, sampling_rate, stream);
        if self.amplitude_warp > 0.0 {
            self.swell(&mut samples, length, stream);
        }
        if self.cutout > 0.0 {
            let most = (f64::from(self.cutout) * sampling_rate) as f32;
            let silent = ((most * stream.random::<f32>()).round() as usize).min(length);
            let start = stream.random_range(0..=length - silent);
            samples.chunks_exact_mut(length).for_each(|lead| lead[start..start + silent].fill(0.0));
        }
        self.mask(&mut samples, length, stream);
        samples
    }

    /// What happens to each lead by itself.
    fn vary_leads(&self, samples: &mut [f32], length: usize, sampling_rate: f64, stream: &mut Stream) {
        let record_factor = factor(self.amplitude, stream, f32::exp);
        let frequency = stream.random_range(0.05..0.5) / sampling_rate as f32;
        let shift = self.shift(length, sampling_rate, stream);
        let mains = self.mains(sampling_rate, stream);
        for lead in samples.chunks_exact_mut(length) {
            let gain = record_factor * factor(self.lead_gain, stream, |x| 1.0 + x);
            if gain != 1.0 {
                lead.iter_mut().for_each(|x| *x *= gain);
            }
            if self.baseline_wander > 0.0 {
                noise::wander(lead, self.baseline_wander, frequency, stream);
            }
            lead.rotate_right(shift);
            if self.additive_noise > 0.0 {
                noise::white(lead, self.additive_noise, stream);
            }
            if self.muscle_noise > 0.0 {
                noise::muscle(lead, self.muscle_noise, stream);
            }
            if let Some(frequency) = mains {
                noise::mains(lead, self.mains_noise, frequency, stream);
            }
        }
    }

    /// The frequency of the mains, per sample, if there is a hum to add.
    fn mains(&self, sampling_rate: f64, stream: &mut Stream) -> Option<f32> {
        if self.mains_noise == 0.0 {
            return None;
        }
        let frequency = if stream.random::<bool>() { 50.0 } else { 60.0 } / sampling_rate as f32;
        (frequency < 0.5).then_some(frequency)
    }

    fn swell(&self, samples: &mut [f32], length: usize, stream: &mut Stream) {
        let size = self.amplitude_warp * stream.random::<f32>();
        let turn = TAU * stream.random_range(1.0..3.0) / length as f32;
        let phase = TAU * stream.random::<f32>();
        for lead in samples.chunks_exact_mut(length) {
            for (i, x) in lead.iter_mut().enumerate() {
                *x *= (size * (turn * i as f32 + phase).sin()).exp();
            }
        }
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
mod tests;

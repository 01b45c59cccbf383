//! Changes of time: a part of the recording, played faster or slower, evenly or not.

use std::f32::consts::TAU;

use einthoven_random::Stream;
use rand::RngExt;

use super::{AugmentConfig, gaussian};

/// The most cycles of slower and faster in a recording.
const CYCLES: u32 = 3;

/// From a sample of the result to a place in the recording, in samples.
struct TimeMap {
    start: f32,
    speed: f32,
    /// How far the place is moved at most, in samples; nothing at both ends.
    sway: f32,
    /// Radians per sample.
    turn: f32,
    /// Samples of the result.
    length: usize,
}

/// Cuts, stretches and warps every lead alike; the result may be shorter. No sample is made up: where less is left than
/// there was, the rest is the contract's padding.
pub(super) fn warp(config: &AugmentConfig, samples: Vec<f32>, length: usize, stream: &mut Stream) -> Vec<f32> {
    if config.crop == 0.0 && config.resample == 0.0 && config.time_warp == 0.0 || length < 2 {
        return samples;
    }
    let map = TimeMap::draw(config, length, stream);
    samples.chunks_exact(length).flat_map(|lead| (0..map.length).map(|i| between(lead, map.place(i)))).collect()
}

impl TimeMap {
    fn draw(config: &AugmentConfig, length: usize, stream: &mut Stream) -> Self {
        let speed = if config.resample > 0.0 { (config.resample * gaussian(stream)).exp() } else { 1.0 };
        let kept = if config.crop > 0.0 { 1.0 - config.crop * stream.random::<f32>() } else { 1.0 };
        let last = (length - 1) as f32;
        // What the recording fills at this speed, and no more than there was.
        let whole = ((last / speed) as usize + 1).min(length);
        let length = ((kept * whole as f32).round() as usize).clamp(1, whole);
        let slack = (last - speed * (length - 1) as f32).max(0.0);
        let start = if slack > 0.0 { (slack * stream.random::<f32>()).round().min(slack) } else { 0.0 };
        let (mut sway, mut turn) = (0.0, 0.0);
        if config.time_warp > 0.0 {
            turn = TAU * stream.random_range(1..=CYCLES) as f32 / (length - 1).max(1) as f32;
            sway = config.time_warp * stream.random_range(-1.0..1.0) * speed / turn;
        }
        Self { start, speed, sway, turn, length }
    }

    fn place(&self, i: usize) -> f32 {
        self.start + self.speed * i as f32 + self.sway * (self.turn * i as f32).sin()
    }
}

/// The recording between its samples, by a cubic through the four nearest ones (Catmull and Rom); at a sample, the sample.
fn between(lead: &[f32], place: f32) -> f32 {
    let last = lead.len() - 1;
    let place = place.clamp(0.0, last as f32);
    let left = place.floor() as usize;
    let t = place - left as f32;
    if t == 0.0 {
        return lead[left];
    }
    let (b, c) = (lead[left], lead[left + 1]);
    // Beyond the ends the recording goes on as it goes there.
    let a = if left == 0 { 2.0 * b - c } else { lead[left - 1] };
    let d = lead.get(left + 2).map_or(2.0 * c - b, |&d| d);
    b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))
}

#[cfg(test)]
mod tests {
    use einthoven_random::Streams;

    use super::*;

    const LENGTH: usize = 1000;

    /// Two leads: one that says where it is, and one that says it backwards.
    fn clock() -> Vec<f32> {
        (0..LENGTH).chain((0..LENGTH).rev()).map(|i| i as f32).collect()
    }

    fn warped(config: &AugmentConfig, index: u64) -> Vec<f32> {
        warp(config, clock(), LENGTH, &mut Streams::new(2).stream("test", &[index]))
    }

    #[test]
    fn a_crop_keeps_a_stretch_as_it_is() {
        let config = AugmentConfig { crop: 0.5, ..AugmentConfig::none() };
        let (mut shortest, mut starts) = (LENGTH, Vec::new());
        for index in 0..100 {
            let out = warped(&config, index);
            let length = out.len() / 2;
            assert!(length >= LENGTH / 2 && out[..length].windows(2).all(|w| w[1] - w[0] == 1.0));
            assert_eq!(out[length], LENGTH as f32 - 1.0 - out[0], "the same stretch of both leads");
            shortest = shortest.min(length);
            starts.push(out[0]);
        }
        assert!(shortest < 530 && starts.iter().any(|&start| start > 100.0), "{shortest}");
    }

    #[test]
    fn a_resampled_record_is_faster_or_slower_and_never_made_up() {
        let config = AugmentConfig { resample: 0.1, ..AugmentConfig::none() };
        let mut speeds = Vec::new();
        for index in 0..200 {
            let out = warped(&config, index);
            let length = out.len() / 2;
            let speed = out[1] - out[0];
            let even = out[..length].windows(2).all(|w| (w[1] - w[0] - speed).abs() < 2e-3);
            assert!(even && out.iter().all(|x| (0.0..LENGTH as f32).contains(x)));
            assert!(length == LENGTH || speed > 1.0);
            speeds.push(speed.ln());
        }
        let square = speeds.iter().map(|s| s * s).sum::<f32>() / 200.0;
        assert!((square.sqrt() - 0.1).abs() < 0.015, "{}", square.sqrt());
    }

    #[test]
    fn a_time_warp_keeps_both_ends_the_order_and_its_bound() {
        let config = AugmentConfig { time_warp: 0.2, ..AugmentConfig::none() };
        let mut most = 0.0_f32;
        for index in 0..100 {
            let out = warped(&config, index);
            assert_eq!((out.len(), out[0]), (2 * LENGTH, 0.0));
            assert!((out[LENGTH - 1] - (LENGTH - 1) as f32).abs() < 0.3);
            let changes = out[..LENGTH].windows(2).map(|w| (w[1] - w[0] - 1.0).abs());
            most = changes.fold(most, f32::max);
        }
        assert!(most > 0.15 && most < 0.205, "{most}");
    }

    #[test]
    fn between_samples_a_smooth_wave_is_hit() {
        let wave: Vec<f32> = (0..200).map(|i| (i as f32 * 0.1).sin()).collect();
        for i in 10..1900 {
            let place = i as f32 / 10.0;
            assert!((between(&wave, place) - (place * 0.1).sin()).abs() < 1e-3);
        }
        assert_eq!((between(&wave, -5.0), between(&wave, 500.0)), (wave[0], wave[199]));
    }
}

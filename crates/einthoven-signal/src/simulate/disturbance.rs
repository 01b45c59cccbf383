//! What else a recording picks up: fibrillating atria, breathing, muscles, the mains.

use std::f64::consts::TAU;

use super::config::SimulatorConfig;
use super::dice::Dice;
use super::torso::Vector;

/// Adds the waves of fibrillating atria, 4 to 9 Hz, largest in V1, to a dipole sampled at `rate`.
pub(super) fn fibrillate(dipole: &mut [Vector], rate: f64, dice: &mut Dice) {
    let size = dice.uniform(0.05, 0.13);
    for (vector, share) in [([-0.30, 0.40, -0.75], 1.0), ([0.25, 0.55, 0.30], 0.4)] {
        let frequency = dice.uniform(4.6, 8.2);
        let (drift, swell) = (dice.uniform(0.15, 0.4), dice.uniform(0.25, 0.6));
        let [start, second, third, drifting, swelling] = [(); 5].map(|()| dice.uniform(0.0, TAU));
        let drifts = sine(drift, drifting, rate);
        let swells = sine(swell, swelling, rate);
        for (i, ((sample, drifts), swells)) in dipole.iter_mut().zip(drifts).zip(swells).enumerate() {
            // The frequency drifts by 7 % up and down.
            let phase = start + TAU * frequency * i as f64 / rate + 0.07 * frequency / drift * drifts;
            let shape = phase.sin() + 0.35 * (2.0 * phase + second).sin() + 0.15 * (3.0 * phase + third).sin();
            let level = size * share * shape * (1.0 + 0.45 * swells);
            for (axis, amplitude) in sample.iter_mut().zip(vector) {
                *axis += level * amplitude;
            }
        }
    }
}

/// Adds the disturbances to one lead, `breathing` being a frequency (Hz) and a phase that all leads share.
pub(super) fn disturb(lead: &mut [f64], config: &SimulatorConfig, breathing: (f64, f64), dice: &mut Dice) {
    let rate = config.sampling_rate;
    if config.baseline_wander_mv > 0.0 {
        wander(lead, rate, config.baseline_wander_mv, breathing, dice);
    }
    if config.mains_mv > 0.0 && config.mains_hz < rate / 2.0 {
        let hum = sine(config.mains_hz, dice.uniform(0.0, TAU), rate);
        add(lead, config.mains_mv * 2f64.sqrt(), hum);
    }
    if config.muscle_mv > 0.0 {
        muscle(lead, rate, config.muscle_mv, dice);
    }
    if config.noise_mv > 0.0 {
        for sample in lead {
            *sample += config.noise_mv * dice.gaussian();
        }
    }
}

/// Slow movement: breathing, and a drift of three slow oscillations.
fn wander(lead: &mut [f64], rate: f64, level: f64, breathing: (f64, f64), dice: &mut Dice) {
    let breath = (breathing.0, breathing.1, dice.uniform(-1.0, 1.0));
    let [a, b, c] = [0.04, 0.09, 0.17]
        .map(|frequency| (frequency * dice.uniform(0.7, 1.3), dice.uniform(0.0, TAU), dice.normal(0.0, 0.6)));
    let parts = [breath, a, b, c];
    let square: f64 = parts.iter().map(|part| part.2 * part.2 / 2.0).sum();
    for (frequency, phase, size) in parts {
        add(lead, level * size / square.sqrt(), sine(frequency, phase, rate));
    }
}

/// Noise without its slow part, in bursts. Its root mean square over a long time is `level`.
fn muscle(lead: &mut [f64], rate: f64, level: f64, dice: &mut Dice) {
    let bursts = sine(dice.uniform(0.2, 0.7), dice.uniform(0.0, TAU), rate);
    let mut previous = dice.gaussian();
    for (sample, burst) in lead.iter_mut().zip(bursts) {
        let current = dice.gaussian();
        // The difference of neighbours has variance 2, the square of the envelope mean 1.245.
        *sample += level * (1.0 + 0.7 * burst) * (current - previous) / (2.0 * 1.245f64).sqrt();
        previous = current;
    }
}

fn add(lead: &mut [f64], size: f64, wave: impl Iterator<Item = f64>) {
    for (sample, value) in lead.iter_mut().zip(wave) {
        *sample += size * value;
    }
}

/// An endless sine sampled at `rate`, each sample the one before turned by one step: several times as fast as `sin`.
fn sine(frequency: f64, phase: f64, rate: f64) -> impl Iterator<Item = f64> {
    let (turn_sin, turn_cos) = (TAU * frequency / rate).sin_cos();
    let (mut sin, mut cos) = phase.sin_cos();
    std::iter::repeat_with(move || {
        let value = sin;
        (sin, cos) = (sin * turn_cos + cos * turn_sin, cos * turn_cos - sin * turn_sin);
        value
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use einthoven_random::Streams;

    #[test]
    fn the_sine_stays_a_sine() {
        for (i, value) in sine(50.0, 0.3, 500.0).take(1_800_000).enumerate().skip(1_799_000) {
            assert!((value - (TAU * 0.1 * (i % 10) as f64 + 0.3).sin()).abs() < 1e-8);
        }
    }

    #[test]
    fn levels_are_root_mean_squares() {
        let quiet = SimulatorConfig {
            noise_mv: 0.0,
            muscle_mv: 0.0,
            mains_mv: 0.0,
            baseline_wander_mv: 0.0,
            ..Default::default()
        };
        let rms = |config: &SimulatorConfig, seed| {
            let mut lead = vec![0.0; 500_000];
            disturb(&mut lead, config, (0.25, 1.0), &mut Dice(Streams::new(seed).stream("test", &[])));
            (lead.iter().map(|x| x * x).sum::<f64>() / lead.len() as f64).sqrt()
        };
        for seed in 0..5 {
            assert_eq!(rms(&quiet, seed), 0.0);
            for config in [
                SimulatorConfig { noise_mv: 0.1, ..quiet.clone() },
                SimulatorConfig { muscle_mv: 0.1, ..quiet.clone() },
                SimulatorConfig { mains_mv: 0.1, ..quiet.clone() },
                SimulatorConfig { baseline_wander_mv: 0.1, ..quiet.clone() },
            ] {
                let rms = rms(&config, seed);
                assert!((rms - 0.1).abs() < 0.002, "{rms} for {config:?}");
            }
        }
    }
}

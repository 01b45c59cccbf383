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
        let [start, a, b, c, d] = [(); 5].map(|()| dice.uniform(0.0, TAU));
        for (i, sample) in dipole.iter_mut().enumerate() {
            let time = i as f64 / rate;
            // The frequency drifts by 7 % up and down.
            let phase = start + TAU * frequency * time + 0.07 * frequency / drift * (TAU * drift * time + a).sin();
            let shape = phase.sin() + 0.35 * (2.0 * phase + b).sin() + 0.15 * (3.0 * phase + c).sin();
            let level = size * share * shape * (1.0 + 0.45 * (TAU * swell * time + d).sin());
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
        let level = config.mains_mv * 2f64.sqrt();
        let phase = dice.uniform(0.0, TAU);
        for (i, sample) in lead.iter_mut().enumerate() {
            *sample += level * (TAU * config.mains_hz * i as f64 / rate + phase).sin();
        }
    }
    if config.muscle_mv > 0.0 {
        muscle(lead, rate, config.muscle_mv, dice);
    }
    if config.noise_mv > 0.0 {
        for sample in lead.iter_mut() {
            *sample += config.noise_mv * dice.gaussian();
        }
    }
}

/// Slow movement: breathing, and a drift of three slow oscillations.
fn wander(lead: &mut [f64], rate: f64, level: f64, breathing: (f64, f64), dice: &mut Dice) {
    let breath = (breathing.0, breathing.1, dice.uniform(-1.0, 1.0));
    let drift = [0.04, 0.09, 0.17]
        .map(|frequency| (frequency * dice.uniform(0.7, 1.3), dice.uniform(0.0, TAU), dice.normal(0.0, 0.6)));
    let parts = [breath, drift[0], drift[1], drift[2]];
    let square: f64 = parts.iter().map(|part| part.2 * part.2 / 2.0).sum();
    let scale = level / square.sqrt().max(0.05);
    for (i, sample) in lead.iter_mut().enumerate() {
        let time = i as f64 / rate;
        *sample += scale
            * parts.iter().map(|(frequency, phase, size)| size * (TAU * frequency * time + phase).sin()).sum::<f64>();
    }
}

/// Noise without its slow part, in bursts. Its root mean square over a long time is `level`.
fn muscle(lead: &mut [f64], rate: f64, level: f64, dice: &mut Dice) {
    let swell = dice.uniform(0.2, 0.7);
    let phase = dice.uniform(0.0, TAU);
    let mut previous = dice.gaussian();
    for (i, sample) in lead.iter_mut().enumerate() {
        let envelope = 1.0 + 0.7 * (TAU * swell * i as f64 / rate + phase).sin();
        let current = dice.gaussian();
        // The difference of neighbours has variance 2, the square of the envelope mean 1.245.
        *sample += level * envelope * (current - previous) / (2.0 * 1.245f64).sqrt();
        previous = current;
    }
}

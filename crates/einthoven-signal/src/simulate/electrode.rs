//! Electrodes that come off.

use std::f64::consts::TAU;

use super::config::SimulatorConfig;
use super::dice::Dice;
use super::torso::INDEPENDENT;

/// The independent leads (I, II, V1 to V6) that need each electrode: those of the left arm, the left leg, the right arm,
/// and the six on the chest.
const SERVED: [&[usize]; 9] = [&[0], &[1], &[0, 1], &[2], &[3], &[4], &[5], &[6], &[7]];

/// Lets an electrode come off for a part of the recording, as often as configured. Its leads lose the heart and pick up
/// the mains and a drift, as an amplifier does whose input is open.
pub(super) fn loosen(leads: &mut [Vec<f64>; INDEPENDENT], config: &SimulatorConfig, dice: &mut Dice) {
    if !dice.chance(config.loose_electrode) {
        return;
    }
    let rate = config.sampling_rate;
    let served = SERVED[dice.below(SERVED.len())];
    let lasts = dice.uniform(0.1, 0.8) * config.seconds;
    let start = dice.uniform(0.0, config.seconds - lasts);
    let (first, last) = ((start * rate) as usize, ((start + lasts) * rate) as usize);
    let hum = dice.uniform(0.02, 0.5);
    let drift = dice.uniform(0.5, 3.0) * if dice.chance(0.5) { 1.0 } else { -1.0 };
    let settles = dice.uniform(0.1, 0.6);
    let phase = dice.uniform(0.0, TAU);
    let audible = config.mains_hz < rate / 2.0;
    for &lead in served {
        for (i, sample) in leads[lead].iter_mut().enumerate().take(last).skip(first) {
            let time = i as f64 / rate - start;
            let mains = if audible { (TAU * config.mains_hz * time + phase).sin() } else { 0.0 };
            *sample = drift * (1.0 - (-time / settles).exp()) + hum * mains + 0.02 * dice.gaussian();
        }
    }
}

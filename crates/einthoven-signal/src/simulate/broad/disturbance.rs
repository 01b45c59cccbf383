//! What a recording from everyday work picks up: no two are equally clean.

use super::super::config::SimulatorConfig;
use super::super::dice::Dice;
use super::super::disturbance;
use super::super::torso::INDEPENDENT;

/// Adds the disturbances of one recording: the configured levels are the typical ones.
pub(super) fn disturb(
    leads: &mut [Vec<f64>; INDEPENDENT],
    config: &SimulatorConfig,
    breathing: (f64, f64),
    dice: &mut Dice,
) {
    let noise = config.noise_mv * level(0.5, dice);
    let muscle = config.muscle_mv * level(0.9, dice);
    // Many recordings have no hum at all, some much.
    let mains = config.mains_mv * if dice.chance(0.7) { 0.3 } else { level(1.0, dice) * 3.0 };
    let wander = config.baseline_wander_mv * level(0.6, dice) * 0.9;
    let motion = dice.chance(0.12) && config.baseline_wander_mv > 0.0;
    for lead in leads {
        let own = SimulatorConfig {
            noise_mv: noise * level(0.25, dice),
            muscle_mv: muscle * level(0.4, dice),
            mains_mv: mains * level(0.4, dice),
            baseline_wander_mv: wander * level(0.35, dice),
            ..config.clone()
        };
        disturbance::disturb(lead, &own, breathing, dice);
        if motion && dice.chance(0.5) {
            jolt(lead, config, dice);
        }
    }
}

/// A factor around 1 that is lognormal with this deviation.
fn level(deviation: f64, dice: &mut Dice) -> f64 {
    (deviation * dice.normal(0.0, 1.0)).exp()
}

/// An electrode moves: the baseline jumps and comes back.
fn jolt(lead: &mut [f64], config: &SimulatorConfig, dice: &mut Dice) {
    let rate = config.sampling_rate;
    let start = dice.uniform(0.0, config.seconds);
    let size = 8.0 * config.baseline_wander_mv * dice.normal(0.0, 1.0);
    let (rise, decay) = (dice.uniform(0.02, 0.15), dice.uniform(0.2, 1.2));
    for (i, sample) in lead.iter_mut().enumerate().skip((start * rate) as usize) {
        let time = i as f64 / rate - start;
        *sample += size * (-time / decay).exp() * (1.0 - (-time / rise).exp());
    }
}

//! How large QRS complexes are.

use super::super::condition::Condition::{
    self, HighVoltage, LeftBundleBranchBlock, LeftVentricularHypertrophy, LeftVentricularVoltage, LowVoltage, Pacemaker,
};
use super::super::dice::Dice;
use super::super::torso::INDEPENDENT;
use super::super::wave::Wave;
use super::view::{PRECORDIAL, View};
use super::{V1, V4, V6};

/// Brings the voltages to where these conditions have them.
pub(super) fn set(conditions: &[Condition], waves: &mut [Wave<INDEPENDENT>], width: f64, dice: &mut Dice) {
    let has = |condition| conditions.contains(&condition);
    if has(LeftVentricularHypertrophy) || has(LeftVentricularVoltage) {
        // The left ventricle outweighs what points to the front.
        let front = dice.uniform(0.35, 0.8);
        for wave in waves.iter_mut() {
            for value in &mut wave.vector[V1..V4] {
                *value *= if *value > 0.0 { front } else { 1.0 };
            }
        }
        let most = if has(LeftVentricularHypertrophy) { 5.2 } else { 4.6 };
        let wanted = dice.uniform(3.65, most);
        // V1 and V5 grow by the same factor, and so does their sum.
        let factor = wanted / View::of(waves, width).sokolow_lyon().max(0.5);
        scale(waves, factor.clamp(0.7, 1.6).sqrt(), factor);
    }
    if has(HighVoltage) {
        let wanted = dice.uniform(2.6, 3.6);
        let factor = wanted / View::of(waves, width).lewis().max(0.3);
        scale(waves, factor, factor.clamp(1.0, 1.4));
    }
    if has(LowVoltage) {
        let view = View::of(waves, width);
        let limb = dice.uniform(0.3, 0.46) / view.range(0..PRECORDIAL).max(0.1);
        let precordial = dice.uniform(0.6, 0.95) / view.range(PRECORDIAL..12).max(0.1);
        scale(waves, limb, precordial);
    }
    if !has(LowVoltage) && !has(LeftBundleBranchBlock) && !has(Pacemaker) {
        // Complexes that are not stated to be low are not.
        let view = View::of(waves, width);
        let (limb, precordial) = (view.range(0..PRECORDIAL), view.range(PRECORDIAL..12));
        scale(waves, (0.62 / limb.max(0.1)).max(1.0), (1.15 / precordial.max(0.1)).max(1.0));
    }
}

/// Keeps the voltages below those of hypertrophy.
pub(super) fn cap(waves: &mut [Wave<INDEPENDENT>], width: f64) {
    let view = View::of(waves, width);
    scale(waves, (2.3 / view.lewis()).min(1.0), (3.35 / view.sokolow_lyon()).min(1.0));
}

fn scale(waves: &mut [Wave<INDEPENDENT>], limb: f64, precordial: f64) {
    for wave in waves {
        for (lead, value) in wave.vector.iter_mut().enumerate() {
            *value *= if (V1..=V6).contains(&lead) { precordial } else { limb };
        }
    }
}

//! P waves and flutter waves.

use std::f64::consts::TAU;

use super::super::dice::Dice;
use super::super::torso::{INDEPENDENT, Torso, Vector};
use super::super::wave::Wave;
use super::{II, V1};

/// A sinus P wave from its onset: the right atrium, then the left, either of which may be enlarged.
pub(super) fn sinus(left: bool, right: bool, torso: &Torso, dice: &mut Dice) -> Vec<Wave<INDEPENDENT>> {
    let size = (0.35 * dice.normal(0.0, 1.0)).exp().clamp(0.45, 1.7);
    let width = if left { dice.uniform(0.124, 0.150) } else { dice.normal(0.098, 0.008) };
    let aside = [0.02, 0.02, 0.02].map(|axis| axis * dice.normal(0.0, 1.0));
    let [first, second] = [([0.04, 0.085, -0.035], 0.36), ([0.06, 0.045, 0.045], 0.64)].map(|(vector, peak)| {
        let vector: Vector = std::array::from_fn(|axis| size * (vector[axis] + aside[axis] / 2.0));
        Wave::new(torso.project(&vector), peak * width, 0.15 * width)
    });
    let (mut first, mut second) = (first, second);
    if right {
        raise(&mut first.vector, II, dice.uniform(0.27, 0.40));
        second.vector = second.vector.map(|lead| 0.6 * lead);
    }
    if left {
        // The two atria are seen apart.
        first.peak = 0.29 * width;
        second.peak = 0.70 * width;
        (first.rise, first.fall, second.rise, second.fall) =
            (0.105 * width, 0.105 * width, 0.105 * width, 0.105 * width);
        raise(&mut second.vector, II, dice.uniform(0.10, 0.17));
        second.vector[V1] = -dice.uniform(0.10, 0.18);
    }
    vec![first, second]
}

/// A P wave that begins elsewhere in the atria.
pub(super) fn premature(torso: &Torso, dice: &mut Dice) -> Vec<Wave<INDEPENDENT>> {
    let width = dice.uniform(0.075, 0.1);
    let vector = [0.09, 0.11, 0.05].map(|axis| axis * dice.normal(0.0, 1.0));
    vec![Wave::new(torso.project(&vector), 0.5 * width, 0.19 * width)]
}

/// Adds flutter waves, `frequency` a second, to a dipole: a sawtooth that falls in the inferior leads.
pub(super) fn flutter(dipole: &mut [Vector], rate: f64, frequency: f64, dice: &mut Dice) {
    let size = dice.uniform(0.09, 0.2);
    let start = dice.uniform(0.0, TAU);
    let vector = [0.05, -1.0, -0.55].map(|axis: f64| axis + 0.1 * dice.normal(0.0, 1.0));
    for (i, sample) in dipole.iter_mut().enumerate() {
        let phase = start + TAU * frequency * i as f64 / rate;
        let level = size * (phase.sin() + 0.45 * (2.0 * phase).sin() + 0.2 * (3.0 * phase).sin());
        for (axis, share) in sample.iter_mut().zip(vector) {
            *axis += level * share;
        }
    }
}

/// Makes all leads larger until `lead` has `value`; a lead that is hardly seen is set alone.
fn raise(leads: &mut [f64; INDEPENDENT], lead: usize, value: f64) {
    if leads[lead] > 0.03 {
        let factor = value / leads[lead];
        *leads = leads.map(|x| x * factor.min(4.0));
    }
    leads[lead] = value;
}

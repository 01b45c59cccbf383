//! What electrodes, muscles and the mains add to a recording.

use std::f32::consts::TAU;

use einthoven_random::Stream;
use rand::RngExt;

use super::gaussian;

/// Adds a slow sine of `frequency` (per sample) and of an amplitude with standard deviation `level`.
pub(super) fn wander(lead: &mut [f32], level: f32, frequency: f32, stream: &mut Stream) {
    let amplitude = level * gaussian(stream);
    let phase = TAU * stream.random::<f32>();
    for (i, x) in lead.iter_mut().enumerate() {
        *x += amplitude * (TAU * frequency * i as f32 + phase).sin();
    }
}

/// Adds white noise of standard deviation `level`.
pub(super) fn white(lead: &mut [f32], level: f32, stream: &mut Stream) {
    lead.iter_mut().for_each(|x| *x += level * gaussian(stream));
}

/// Adds the noise of muscles: differences of neighbours, which are fast, in one burst that swells and fades. Where it
/// is strongest its standard deviation is `level` times a number from 0 to 1.
pub(super) fn muscle(lead: &mut [f32], level: f32, stream: &mut Stream) {
    let level = level * stream.random::<f32>();
    let middle = stream.random::<f32>() * lead.len() as f32;
    let breadth = (0.05 + 0.3 * stream.random::<f32>()) * lead.len() as f32;
    let mut before = gaussian(stream);
    for (i, x) in lead.iter_mut().enumerate() {
        let next = gaussian(stream);
        let distance = (i as f32 - middle) / breadth;
        *x += level * (-0.5 * distance * distance).exp() * (next - before) / 2f32.sqrt();
        before = next;
    }
}

/// Adds the hum of the mains, `frequency` per sample, of an amplitude up to `level`.
pub(super) fn mains(lead: &mut [f32], level: f32, frequency: f32, stream: &mut Stream) {
    let amplitude = level * stream.random::<f32>();
    let phase = TAU * stream.random::<f32>();
    for (i, x) in lead.iter_mut().enumerate() {
        *x += amplitude * (TAU * frequency * i as f32 + phase).sin();
    }
}

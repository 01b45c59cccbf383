//! What is measured is what is there: on simulated recordings with known truth, and on real ones.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod edges;
mod ptbxl;
mod quality;
mod rhythms;
mod score;
mod truth;

use einthoven_random::Streams;
use einthoven_signal::simulate::{Condition, Population, SimulatedEcg, SimulatorConfig, simulate, simulate_conditions};

/// Levels of the disturbances, in parts of those of a resting ECG taken with care: such a one, a moderately noisy one,
/// and one that a technician would repeat.
const NOISE: [(&str, f64); 3] = [("low", 1.0), ("moderate", 3.0), ("high", 8.0)];

/// A patient of the broad population, recorded with `noise` times the usual disturbances.
fn patient(conditions: &[Condition], noise: f64, seed: u64, index: u64) -> SimulatedEcg {
    recorded(conditions, noise, 500.0, seed, index)
}

/// … and at another sampling rate. Without conditions they are drawn.
fn recorded(conditions: &[Condition], noise: f64, rate: f64, seed: u64, index: u64) -> SimulatedEcg {
    let usual = SimulatorConfig::default();
    let config = SimulatorConfig {
        population: Population::Broad,
        sampling_rate: rate,
        noise_mv: noise * usual.noise_mv,
        muscle_mv: noise * usual.muscle_mv,
        mains_mv: noise * usual.mains_mv,
        baseline_wander_mv: noise * usual.baseline_wander_mv,
        ..usual
    };
    let streams = Streams::new(seed);
    if conditions.is_empty() {
        simulate(&config, &streams, index).unwrap()
    } else {
        simulate_conditions(&config, conditions, &streams, index).unwrap()
    }
}

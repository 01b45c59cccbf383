//! The patients of the broad population have what their statements say, measured on the noise-free leads.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod beat;
mod combinations;
mod qrs;
mod rhythms;
mod st_t;

use einthoven_random::Streams;
use einthoven_signal::simulate::{Condition, Population, SimulatedEcg, SimulatorConfig, simulate_conditions};

const PATIENTS: u64 = 40;

fn quiet() -> SimulatorConfig {
    SimulatorConfig {
        population: Population::Broad,
        noise_mv: 0.0,
        muscle_mv: 0.0,
        mains_mv: 0.0,
        baseline_wander_mv: 0.0,
        ..SimulatorConfig::default()
    }
}

/// Patients with these conditions, without disturbances.
fn patients(conditions: &[Condition]) -> impl Iterator<Item = SimulatedEcg> {
    let streams = Streams::new(11);
    (0..PATIENTS).map(move |index| simulate_conditions(&quiet(), conditions, &streams, index).unwrap())
}

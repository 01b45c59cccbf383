//! The core population is frozen: what was trained on it stays comparable.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use einthoven_random::Streams;
use einthoven_signal::simulate::{SimulatorConfig, simulate};

/// FNV-1a over the statements, the patient and the bits of every sample of 120 recordings.
fn fingerprint(config: &SimulatorConfig, seed: u64) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for index in 0..120 {
        let ecg = simulate(config, &Streams::new(seed), index).unwrap();
        for condition in &ecg.conditions {
            add(condition.code().as_bytes());
        }
        add(&[ecg.age]);
        add(ecg.sex.to_string().as_bytes());
        for sample in ecg.record.samples() {
            add(&sample.to_le_bytes());
        }
    }
    hash
}

/// The bits depend on the platform's exponential and sine: they are those of one platform.
#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn the_core_population_is_what_it_was() {
    let quickstart = SimulatorConfig { sampling_rate: 100.0, ..SimulatorConfig::default() };
    assert_eq!(fingerprint(&quickstart, 0), 7275248861642575252, "the quickstart's cohort");
    assert_eq!(fingerprint(&SimulatorConfig::default(), 7), 11790634791887849075, "500 Hz");
}

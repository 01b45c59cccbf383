//! Several recordings of a patient, the true place of every wave, and electrodes that come off.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use einthoven_random::Streams;
use einthoven_signal::Lead;
use einthoven_signal::simulate::{
    Condition, Population, SimulatedEcg, SimulatorConfig, simulate, simulate_again, simulate_conditions,
};

fn quiet(population: Population) -> SimulatorConfig {
    SimulatorConfig {
        population,
        sampling_rate: 250.0,
        noise_mv: 0.0,
        muscle_mv: 0.0,
        mains_mv: 0.0,
        baseline_wander_mv: 0.0,
        ..SimulatorConfig::default()
    }
}

#[test]
fn the_recordings_of_a_patient_differ_in_what_varies_from_day_to_day() {
    let streams = Streams::new(8);
    for population in [Population::Core, Population::Broad] {
        let config = SimulatorConfig { population, sampling_rate: 100.0, ..SimulatorConfig::default() };
        let mut rates_differ = 0;
        for patient in 0..40 {
            let of = |recording| simulate_again(&config, &streams, patient, recording).unwrap();
            let (first, second, third) = (of(0), of(1), of(2));
            assert_eq!(first, simulate(&config, &streams, patient).unwrap());
            assert_eq!(second, of(1));
            for other in [&second, &third] {
                assert_eq!((&other.conditions, other.age, other.sex), (&first.conditions, first.age, first.sex));
                assert_eq!(other.truth.qrs_ms, first.truth.qrs_ms, "{:?}", first.conditions);
                assert_ne!(other.record, first.record);
            }
            assert_ne!(second.record, third.record);
            rates_differ += u8::from((second.truth.heart_rate - first.truth.heart_rate).abs() > 2.0);
        }
        assert!(population == Population::Core || rates_differ > 20, "{rates_differ}");
    }
}

/// The span from the lowest to the highest sample of each lead.
fn spans(ecg: &SimulatedEcg) -> Vec<f32> {
    let span = |lead: &Lead| {
        let samples = ecg.record.lead(lead).unwrap();
        samples.iter().copied().fold(f32::MIN, f32::max) - samples.iter().copied().fold(f32::MAX, f32::min)
    };
    Lead::TWELVE.iter().map(span).collect()
}

#[test]
fn a_patients_chest_is_the_same_in_every_recording() {
    let streams = Streams::new(2);
    for patient in 0..30 {
        let config = quiet(Population::Broad);
        let of = |recording| simulate_again(&config, &streams, patient, recording).unwrap();
        let (first, second, stranger) = (of(0), of(1), simulate(&config, &streams, patient + 1000).unwrap());
        if !first.conditions.contains(&Condition::NormalEcg) {
            continue;
        }
        let distance = |other: &SimulatedEcg| -> f32 {
            spans(&first).iter().zip(spans(other)).map(|(a, b)| (a.ln() - b.ln()).abs()).sum()
        };
        assert!(distance(&second) < 1.2, "patient {patient}: {}", distance(&second));
        assert!(distance(&second) < distance(&stranger), "patient {patient}");
    }
}

#[test]
fn every_wave_has_its_true_place() {
    let streams = Streams::new(5);
    for population in [Population::Core, Population::Broad] {
        for patient in 0..150 {
            let ecg = simulate(&quiet(population), &streams, patient).unwrap();
            let truth = &ecg.truth;
            assert_eq!(truth.qrs_complexes.len(), truth.r_peaks.len());
            assert_eq!(truth.t_ends.len(), truth.r_peaks.len());
            for ((qrs, r), t_end) in truth.qrs_complexes.iter().zip(&truth.r_peaks).zip(&truth.t_ends) {
                assert!(qrs.onset <= *r && *r <= qrs.end && qrs.end < *t_end, "{qrs:?} {r} {t_end}");
            }
            assert!(truth.p_waves.iter().all(|p| p.end - p.onset > 0.05 && p.end - p.onset < 0.25));
            assert!(truth.p_waves.is_sorted_by(|a, b| a.onset <= b.onset));
            let Some(pr) = truth.pr_ms else { continue };
            let narrow = |span: f64| (span - truth.qrs_ms / 1e3).abs() < 1e-9;
            let conducted = truth.qrs_complexes.iter().filter(|qrs| narrow(qrs.end - qrs.onset));
            let with_p = conducted.clone().filter(|qrs| {
                truth.p_waves.iter().any(|p| (p.onset + pr / 1e3 - qrs.onset).abs() < 1e-9) || qrs.onset < pr / 1e3
            });
            assert_eq!(with_p.count(), conducted.count(), "patient {patient}: {:?}", ecg.conditions);
        }
    }
}

#[test]
fn a_block_leaves_p_waves_alone() {
    let config = quiet(Population::Broad);
    let third = simulate_conditions(&config, &[Condition::ThirdDegreeAvBlock], &Streams::new(1), 3).unwrap();
    assert!(third.truth.p_waves.len() > third.truth.r_peaks.len() + 2);
    let fibrillation = simulate_conditions(&config, &[Condition::AtrialFibrillation], &Streams::new(1), 3).unwrap();
    assert!(fibrillation.truth.p_waves.is_empty());
}

#[test]
fn a_loose_electrode_takes_the_heart_from_its_leads_alone() {
    let streams = Streams::new(3);
    for population in [Population::Core, Population::Broad] {
        let sound = quiet(population);
        let loose = SimulatorConfig { loose_electrode: 1.0, ..sound.clone() };
        let mut lost = [0; 12];
        for patient in 0..60 {
            let (before, after) =
                (simulate(&sound, &streams, patient).unwrap(), simulate(&loose, &streams, patient).unwrap());
            assert_eq!(before.truth, after.truth);
            let changed: Vec<usize> = (0..12)
                .filter(|&row| before.record.lead(&Lead::TWELVE[row]) != after.record.lead(&Lead::TWELVE[row]))
                .collect();
            let limb = changed.iter().filter(|&&row| row < 6).count();
            assert!(limb >= 5 && changed.len() == limb || (limb == 0 && changed.len() == 1), "{changed:?}");
            changed.iter().for_each(|&row| lost[row] += 1);
        }
        assert!(lost.iter().all(|&count| count > 0), "{lost:?}");
    }
    let never = SimulatorConfig { loose_electrode: 1.5, ..quiet(Population::Core) };
    assert!(simulate(&never, &streams, 0).is_err());
}

//! Rates, regularity and patterns.

use einthoven_signal::simulate::Condition::*;

use crate::beat::{largest, smallest};
use crate::patients;

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn variation(rr: &[f64]) -> f64 {
    let mean = rr.iter().sum::<f64>() / rr.len() as f64;
    (rr.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / rr.len() as f64).sqrt() / mean
}

#[test]
fn every_rhythm_has_its_rate() {
    for (rhythm, low, high) in [
        (SinusRhythm, 59.0, 101.0),
        (SinusBradycardia, 38.0, 60.0),
        (SinusTachycardia, 100.0, 150.0),
        (SinusArrhythmia, 55.0, 95.0),
        (AtrialFibrillation, 45.0, 165.0),
        (AtrialFlutter, 58.0, 166.0),
        (SupraventricularTachycardia, 140.0, 200.0),
        (Pacemaker, 55.0, 88.0),
        (ThirdDegreeAvBlock, 28.0, 55.0),
    ] {
        for ecg in patients(&[rhythm]) {
            assert!((low..high).contains(&ecg.truth.heart_rate), "{rhythm}: {}", ecg.truth.heart_rate);
        }
    }
}

#[test]
fn regular_and_irregular_rhythms_are_told_apart() {
    assert!(patients(&[SinusArrhythmia]).all(|ecg| largest(&ecg.truth.rr) - smallest(&ecg.truth.rr) > 0.12));
    assert!(patients(&[AtrialFibrillation]).all(|ecg| variation(&ecg.truth.rr) > 0.12));
    assert!(patients(&[SupraventricularTachycardia]).all(|ecg| variation(&ecg.truth.rr) < 0.03));
    assert!(patients(&[ThirdDegreeAvBlock]).all(|ecg| variation(&ecg.truth.rr) < 0.03));
    assert!(patients(&[NormalEcg]).all(|ecg| variation(&ecg.truth.rr) < 0.06));
    for ecg in patients(&[ParoxysmalSupraventricularTachycardia]) {
        assert!(smallest(&ecg.truth.rr) < 0.45 && largest(&ecg.truth.rr) > 0.55, "{:?}", ecg.truth.rr);
    }
}

#[test]
fn only_conducted_p_waves_have_a_pr_interval() {
    for rhythm in [AtrialFibrillation, AtrialFlutter, SupraventricularTachycardia, Pacemaker, ThirdDegreeAvBlock] {
        assert!(patients(&[rhythm]).all(|ecg| ecg.truth.pr_ms.is_none()), "{rhythm}");
    }
    for long in [FirstDegreeAvBlock, LongPr] {
        for rhythm in [SinusRhythm, SinusTachycardia, SinusBradycardia] {
            assert!(patients(&[rhythm, long]).all(|ecg| ecg.truth.pr_ms.unwrap() > 200.0));
        }
    }
}

#[test]
fn beats_are_dropped_in_second_degree_block() {
    for ecg in patients(&[SecondDegreeAvBlock]) {
        let rr = &ecg.truth.rr;
        assert!(largest(rr) > 1.3 * median(rr) || largest(rr) > 1.3 * smallest(rr), "{rr:?}");
    }
}

#[test]
fn premature_beats_come_early() {
    for kind in [PrematureVentricularBeats, AtrialPrematureBeats] {
        for ecg in patients(&[kind]) {
            assert!(smallest(&ecg.truth.rr) < 0.9 * median(&ecg.truth.rr), "{kind}: {:?}", ecg.truth.rr);
        }
    }
}

#[test]
fn patterns_repeat() {
    for (pattern, period) in [(Bigeminy, 2), (Trigeminy, 3)] {
        for extra in [None, Some(PrematureVentricularBeats), Some(AtrialPrematureBeats)] {
            let conditions: Vec<_> = [pattern].into_iter().chain(extra).collect();
            for ecg in patients(&conditions) {
                let rr = &ecg.truth.rr;
                // Short intervals come at every second or third place.
                let start = (0..period).min_by(|&a, &b| rr[a].total_cmp(&rr[b])).unwrap();
                let short: Vec<f64> = rr.iter().copied().skip(start).step_by(period).collect();
                let long = (0..rr.len()).filter(|i| i % period != start).map(|i| rr[i]);
                assert!(long.clone().all(|x| x > largest(&short)), "{conditions:?}: {rr:?}");
            }
        }
    }
}

#[test]
fn flutter_waves_are_where_p_waves_would_be() {
    for ecg in patients(&[AtrialFlutter]) {
        // Lead II is never at rest: its largest and smallest level between any two moments 250 ms apart differ.
        let row = ecg.record.row(1);
        for window in row.chunks_exact(125) {
            let window: Vec<f64> = window.iter().map(|x| f64::from(*x)).collect();
            assert!(largest(&window) - smallest(&window) > 0.05);
        }
    }
}

#[test]
fn stimuli_precede_paced_beats() {
    for ecg in patients(&[Pacemaker]) {
        assert!(ecg.truth.qrs_ms > 120.0);
        // The stimulus is steeper than the slow beginning of a paced complex.
        let mut steep = 0;
        for r in ecg.truth.r_peaks.iter().filter(|r| **r > 0.2) {
            let at = (r * 500.0).round() as usize;
            let start = at.saturating_sub((0.75 * ecg.truth.qrs_ms / 2.0) as usize + 10);
            let jump = |i: usize| {
                [0, 1, 6, 7, 8, 9, 10, 11].map(|lead| (ecg.record.row(lead)[i + 1] - ecg.record.row(lead)[i]).abs())
            };
            let fast = (start..at - 10).map(|i| jump(i).into_iter().fold(0.0, f32::max)).fold(0.0, f32::max);
            steep += usize::from(fast > 0.025);
        }
        assert!(steep + 1 >= ecg.truth.r_peaks.len() - 1, "{steep} of {}", ecg.truth.r_peaks.len());
    }
}

//! The simulator's patients have what their statements say, measured on the leads.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use Condition::*;
use einthoven_random::Streams;
use einthoven_signal::simulate::{Condition, SimulatedEcg, SimulatorConfig, simulate, simulate_conditions};
use einthoven_signal::{Error, Lead, Sex, Source};

const PATIENTS: u64 = 60;

fn quiet() -> SimulatorConfig {
    SimulatorConfig { noise_mv: 0.0, muscle_mv: 0.0, mains_mv: 0.0, baseline_wander_mv: 0.0, ..Default::default() }
}

/// Patients with these conditions, without disturbances.
fn patients(conditions: &[Condition]) -> impl Iterator<Item = SimulatedEcg> {
    let streams = Streams::new(11);
    (0..PATIENTS).map(move |index| simulate_conditions(&quiet(), conditions, &streams, index).unwrap())
}

/// A lead `from` to `to` ms around each R peak that has that much on both sides, averaged.
fn average(ecg: &SimulatedEcg, lead: &Lead, from: i64, to: i64) -> Vec<f64> {
    let rate = ecg.record.sampling_rate();
    let samples = ecg.record.lead(lead).unwrap();
    let offset = |ms: i64| (ms as f64 * rate / 1e3).round() as i64;
    let mut sum = vec![0.0; (offset(to) - offset(from)) as usize];
    let mut beats = 0.0;
    for r in &ecg.truth.r_peaks {
        let start = (r * rate).round() as i64 + offset(from);
        let end = start + sum.len() as i64;
        if start >= 0 && end <= samples.len() as i64 {
            beats += 1.0;
            for (total, sample) in sum.iter_mut().zip(&samples[start as usize..end as usize]) {
                *total += f64::from(*sample);
            }
        }
    }
    sum.iter().map(|total| total / beats).collect()
}

fn largest(samples: &[f64]) -> f64 {
    samples.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn smallest(samples: &[f64]) -> f64 {
    samples.iter().copied().fold(f64::INFINITY, f64::min)
}

/// Sokolow and Lyon's index, mV.
fn sokolow_lyon(ecg: &SimulatedEcg) -> f64 {
    let qrs = |lead| average(ecg, lead, -80, 80);
    -smallest(&qrs(&Lead::V1)) + largest(&qrs(&Lead::V5)).max(largest(&qrs(&Lead::V6)))
}

/// Time for which the leads change fast, ms: a measure of QRS duration that is a little short of it.
fn fast_part(ecg: &SimulatedEcg) -> f64 {
    let leads = [Lead::I, Lead::II, Lead::V1, Lead::V2, Lead::V3, Lead::V4, Lead::V5, Lead::V6];
    let waves = leads.map(|lead| average(ecg, &lead, -110, 130));
    let speed: Vec<f64> = (1..waves[0].len())
        .map(|i| waves.iter().map(|wave| (wave[i] - wave[i - 1]).powi(2)).sum::<f64>().sqrt())
        .collect();
    let limit = 0.1 * largest(&speed);
    let first = speed.iter().position(|s| *s > limit).unwrap();
    let last = speed.iter().rposition(|s| *s > limit).unwrap();
    (last - first) as f64 * 1e3 / ecg.record.sampling_rate()
}

/// Depth (mV) and duration (ms) of the negative deflection that a QRS complex begins with.
fn q_wave(ecg: &SimulatedEcg, lead: &Lead) -> (f64, f64) {
    let qrs = average(ecg, lead, -80, 60);
    let Some(start) = qrs.iter().position(|x| x.abs() > 0.05) else {
        return (0.0, 0.0);
    };
    let negative: Vec<f64> = qrs[start..].iter().copied().take_while(|x| *x < 0.0).collect();
    if negative.is_empty() { (0.0, 0.0) } else { (-smallest(&negative), negative.len() as f64 * 2.0) }
}

/// Level 60 ms after the end of QRS, mV.
fn st(ecg: &SimulatedEcg, lead: &Lead) -> f64 {
    // The R peak is at most this much of QRS after its onset; with narrow complexes the error is below 15 ms.
    let after = (0.6 * ecg.truth.qrs_ms) as i64 + 60;
    average(ecg, lead, after, after + 4)[0]
}

fn variation(rr: &[f64]) -> f64 {
    let mean = rr.iter().sum::<f64>() / rr.len() as f64;
    (rr.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / rr.len() as f64).sqrt() / mean
}

#[test]
fn a_recording_is_a_pure_function_of_configuration_seed_and_index() {
    let config = SimulatorConfig::default();
    let ecg = |seed, index| simulate(&config, &Streams::new(seed), index).unwrap();
    assert_eq!(ecg(5, 9), ecg(5, 9));
    assert_ne!(ecg(5, 9).record.samples(), ecg(5, 10).record.samples());
    assert_ne!(ecg(5, 9).record.samples(), ecg(6, 9).record.samples());
    assert_eq!(*ecg(5, 9).record.source(), Source::Simulated { seed: 5, index: 9 });
    assert_eq!(ecg(5, 9).record.leads(), Lead::TWELVE);
    assert_eq!(ecg(5, 9).record.len(), 5000);
    let coarse = SimulatorConfig { sampling_rate: 100.0, ..quiet() };
    let (coarse, fine) =
        (simulate(&coarse, &Streams::new(5), 9).unwrap(), simulate(&quiet(), &Streams::new(5), 9).unwrap());
    assert_eq!(coarse.truth, fine.truth);
    assert_eq!(coarse.conditions, ecg(5, 9).conditions);
    for (i, sample) in coarse.record.row(7).iter().enumerate() {
        assert!((sample - fine.record.row(7)[5 * i]).abs() < 1e-3, "the rates sample one heart");
    }
}

#[test]
fn einthovens_and_goldbergers_laws_hold() {
    for index in 0..20 {
        let ecg = simulate(&SimulatorConfig::default(), &Streams::new(2), index).unwrap();
        let row = |lead: usize| ecg.record.row(lead);
        for i in 0..ecg.record.len() {
            assert!((row(0)[i] + row(2)[i] - row(1)[i]).abs() <= 1e-6);
            assert!((row(3)[i] + row(4)[i] + row(5)[i]).abs() <= 1e-6);
        }
    }
}

#[test]
fn every_condition_is_as_frequent_as_documented() {
    let config = SimulatorConfig { sampling_rate: 50.0, ..quiet() };
    let count = 3000;
    let mut seen = Condition::CORE.map(|_| 0);
    let mut women = 0;
    for index in 0..count {
        let ecg = simulate(&config, &Streams::new(1), index).unwrap();
        assert!((18..=95).contains(&ecg.age));
        women += u64::from(ecg.sex == Sex::Female);
        assert!(ecg.conditions[0].is_rhythm());
        assert_eq!(ecg.conditions.iter().filter(|c| c.is_rhythm()).count(), 1);
        assert!(ecg.conditions.is_sorted());
        for condition in ecg.conditions {
            seen[Condition::CORE.iter().position(|c| *c == condition).unwrap()] += 1;
        }
    }
    let expected = [0.52, 0.15, 0.15, 0.18, 0.15, 0.12, 0.12, 0.123, 0.123, 0.123, 0.12, 0.175];
    for ((condition, seen), expected) in Condition::CORE.iter().zip(seen).zip(expected) {
        let share = f64::from(seen) / count as f64;
        // Four standard errors.
        let error = 4.0 * (expected * (1.0 - expected) / count as f64).sqrt();
        assert!((share - expected).abs() < error, "{condition}: {share} instead of {expected}");
    }
    assert!((0.42..0.52).contains(&(women as f64 / count as f64)));
}

#[test]
fn the_truth_is_in_the_signal() {
    for ecg in patients(&[SinusRhythm]) {
        let rate = ecg.record.sampling_rate();
        let truth = &ecg.truth;
        assert_eq!(truth.rr.len() + 1, truth.r_peaks.len());
        assert!((truth.heart_rate * truth.rr.iter().sum::<f64>() - 60.0 * truth.rr.len() as f64).abs() < 1e-6);
        // At every R peak the eight independent leads are at their largest.
        let size =
            |i: usize| [0, 1, 6, 7, 8, 9, 10, 11].map(|lead| ecg.record.row(lead)[i].powi(2)).iter().sum::<f32>();
        for r in &truth.r_peaks {
            let at = (r * rate).round() as usize;
            let near = at.saturating_sub(50)..(at + 50).min(ecg.record.len());
            let peak = near.max_by(|a, b| size(*a).total_cmp(&size(*b))).unwrap();
            assert!((peak as f64 / rate - r).abs() < 0.022, "{} against {r}", peak as f64 / rate);
        }
    }
}

#[test]
fn sinus_rhythms_have_their_rates() {
    for (rhythm, low, high) in
        [(SinusRhythm, 60.0, 100.0), (SinusBradycardia, 30.0, 60.0), (SinusTachycardia, 100.0, 150.0)]
    {
        for extra in [&[][..], &[PrematureVentricularBeats]] {
            for ecg in patients(&[&[rhythm], extra].concat()) {
                assert!((low..high).contains(&ecg.truth.heart_rate), "{rhythm}: {}", ecg.truth.heart_rate);
            }
        }
        for ecg in patients(&[rhythm]) {
            assert!(variation(&ecg.truth.rr) < 0.09);
            // Fridericia's corrected QT is normal.
            let corrected = ecg.truth.qt_ms / (60.0 / ecg.truth.heart_rate).cbrt();
            assert!((350.0..470.0).contains(&corrected), "{corrected}");
        }
    }
}

#[test]
fn fibrillating_atria_make_an_irregular_rhythm_without_p_waves() {
    for ecg in patients(&[AtrialFibrillation]) {
        assert!(variation(&ecg.truth.rr) > 0.12, "{:?}", ecg.truth.rr);
        assert_eq!(ecg.truth.pr_ms, None);
        let p = average(&ecg, &Lead::II, -250, -80);
        let waves = largest(&p) - smallest(&p);
        // What is left of fibrillation in an average of beats is smaller than a P wave; single beats show it.
        assert!(waves < 0.2, "{waves}");
    }
    for ecg in patients(&[SinusRhythm]) {
        let onset = -(ecg.truth.pr_ms.unwrap() as i64) - 60;
        let p = average(&ecg, &Lead::II, onset, onset + 130);
        assert!(largest(&p) - smallest(&p) > 0.04);
    }
}

#[test]
fn fibrillation_has_its_frequencies() {
    // The power of V1 in the TQ segments of slow patients, at 1 to 20 Hz: its peak is at 4 to 9 Hz.
    for ecg in patients(&[AtrialFibrillation]).filter(|ecg| ecg.truth.heart_rate < 75.0) {
        let v1 = ecg.record.lead(&Lead::V1).unwrap();
        let power = |hertz: f64| {
            ecg.truth
                .r_peaks
                .windows(2)
                .filter(|pair| pair[1] - pair[0] > 0.95)
                .map(|pair| {
                    let (start, end) = ((pair[0] + 0.48) * 500.0, (pair[1] - 0.08) * 500.0);
                    let part = &v1[start as usize..end as usize];
                    let mean = part.iter().sum::<f32>() / part.len() as f32;
                    let (mut re, mut im) = (0.0, 0.0);
                    for (i, x) in part.iter().enumerate() {
                        let phase = std::f64::consts::TAU * hertz * i as f64 / 500.0;
                        re += f64::from(x - mean) * phase.cos();
                        im += f64::from(x - mean) * phase.sin();
                    }
                    re * re + im * im
                })
                .sum::<f64>()
        };
        let peak = (4..80).map(|i| f64::from(i) / 4.0).max_by(|a, b| power(*a).total_cmp(&power(*b))).unwrap();
        assert!((3.5..9.5).contains(&peak), "{peak} Hz");
    }
}

#[test]
fn premature_beats_come_early_and_wide_with_a_pause() {
    for ecg in patients(&[PrematureVentricularBeats]) {
        let rr = &ecg.truth.rr;
        let mut sorted = rr.clone();
        sorted.sort_by(f64::total_cmp);
        let shortest = rr.iter().position(|x| *x == sorted[0]).unwrap();
        // The short interval and the pause after it are two normal intervals.
        let pair = rr[shortest] + rr[shortest + 1];
        let usual = 60.0 / ecg.truth.heart_rate;
        assert!(rr[shortest] < 0.88 * usual, "{rr:?}");
        assert!((pair / usual - 2.0).abs() < 0.25, "{rr:?}");
        // The premature complex stays large for longer than the one before it.
        let width = |beat: usize| {
            let at = (ecg.truth.r_peaks[beat] * 500.0).round() as usize;
            let size =
                |i: usize| [0, 1, 6, 7, 8, 9, 10, 11].map(|lead| ecg.record.row(lead)[i].powi(2)).iter().sum::<f32>();
            (at.saturating_sub(50)..(at + 50).min(5000)).filter(|i| size(*i) > 0.25 * size(at)).count()
        };
        assert!(width(shortest + 1) > width(shortest), "{} and {}", width(shortest + 1), width(shortest));
        assert!(width(shortest + 1) >= 25);
    }
}

#[test]
fn blocked_bundles_make_wide_complexes() {
    for ecg in patients(&[LeftBundleBranchBlock]) {
        assert!(ecg.truth.qrs_ms >= 120.0);
        assert!(fast_part(&ecg) > 90.0, "{}", fast_part(&ecg));
        for lead in [Lead::I, Lead::V6] {
            let qrs = average(&ecg, &lead, -110, 110);
            assert!(largest(&qrs) > 0.3 && smallest(&qrs[..80]) > -0.15, "{lead}");
            let t = average(&ecg, &lead, 180, 300);
            assert!(smallest(&t) < -0.03);
        }
        assert!(smallest(&average(&ecg, &Lead::V1, -110, 110)) < -0.6);
        assert!(largest(&average(&ecg, &Lead::V1, 150, 320)) > 0.1);
    }
    for ecg in patients(&[RightBundleBranchBlock]) {
        assert!(ecg.truth.qrs_ms >= 120.0);
        assert!(fast_part(&ecg) > 80.0, "{}", fast_part(&ecg));
        // rsR' in V1: the last large deflection is upright. Broad S in I and V6.
        let v1 = average(&ecg, &Lead::V1, -90, 120);
        let (deepest, _) = v1.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).unwrap();
        assert!(largest(&v1[..deepest]) > 0.04 && largest(&v1[deepest..]) > 0.2);
        for lead in [Lead::I, Lead::V6] {
            let s = average(&ecg, &lead, 0, 110).iter().filter(|x| **x < -0.08).count();
            assert!(s >= 10, "{} ms", 2 * s);
        }
    }
    for ecg in patients(&[SinusRhythm]) {
        assert!(ecg.truth.qrs_ms <= 112.0);
        assert!(fast_part(&ecg) < ecg.truth.qrs_ms);
    }
}

#[test]
fn infarctions_show_q_waves_and_st_elevation() {
    for ecg in patients(&[InferiorInfarction]) {
        for lead in [Lead::II, Lead::III, Lead::AVF] {
            let (depth, duration) = q_wave(&ecg, &lead);
            assert!(depth > 0.1 && duration >= 20.0, "{lead}: {depth} mV, {duration} ms");
            assert!(st(&ecg, &lead) > 0.08, "{lead}: {}", st(&ecg, &lead));
        }
        assert!(st(&ecg, &Lead::AVL) < -0.04);
        assert!(q_wave(&ecg, &Lead::V3).0 < 0.15);
    }
    for ecg in patients(&[AnteriorInfarction]) {
        for lead in [Lead::V2, Lead::V3] {
            let (depth, duration) = q_wave(&ecg, &lead);
            assert!(depth > 0.1 && duration >= 20.0, "{lead}: {depth} mV, {duration} ms");
            assert!(st(&ecg, &lead) > 0.15, "{lead}: {}", st(&ecg, &lead));
        }
        assert!(st(&ecg, &Lead::III) < 0.05);
    }
    for ecg in patients(&[SinusRhythm]) {
        assert!(largest(&average(&ecg, &Lead::V3, -60, 40)) > 0.1);
        assert!(st(&ecg, &Lead::II) < 0.1 && st(&ecg, &Lead::III) < 0.1);
    }
}

#[test]
fn hypertrophy_has_voltage_and_strain() {
    for ecg in patients(&[LeftVentricularHypertrophy]) {
        assert!(sokolow_lyon(&ecg) > 3.5, "{}", sokolow_lyon(&ecg));
        assert!(smallest(&average(&ecg, &Lead::V5, 120, 300)) < -0.05);
    }
    for ecg in patients(&[SinusRhythm]).chain(patients(&[InferiorInfarction])) {
        assert!(sokolow_lyon(&ecg) < 3.5, "{}", sokolow_lyon(&ecg));
    }
}

#[test]
fn the_pr_interval_is_where_the_p_wave_is() {
    for (conditions, range) in [
        (&[SinusBradycardia, FirstDegreeAvBlock][..], 200.0..320.0),
        (&[SinusBradycardia], 120.0..200.0),
        (&[SinusRhythm], 120.0..200.0),
        (&[SinusTachycardia, FirstDegreeAvBlock], 200.0..240.0),
    ] {
        for ecg in patients(conditions) {
            assert!(range.contains(&ecg.truth.pr_ms.unwrap()), "{conditions:?}: {:?}", ecg.truth.pr_ms);
        }
    }
    // In bradycardia the P wave stands alone: measure it.
    for ecg in patients(&[SinusBradycardia, FirstDegreeAvBlock]).chain(patients(&[SinusBradycardia])) {
        let pr = ecg.truth.pr_ms.unwrap();
        let lead = average(&ecg, &Lead::II, -450, -(0.6 * ecg.truth.qrs_ms) as i64);
        let (peak, height) = lead.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
        let onset = lead[..peak].iter().rposition(|x| *x < 0.08 * height).unwrap();
        let to_r = 450.0 - 2.0 * onset as f64;
        assert!((to_r - pr - 0.42 * ecg.truth.qrs_ms).abs() < 25.0, "{to_r} ms to R, PR {pr} ms");
    }
}

#[test]
fn conditions_combine_unless_they_exclude_each_other() {
    let streams = Streams::new(1);
    let ecg = |conditions: &[Condition]| simulate_conditions(&SimulatorConfig::default(), conditions, &streams, 0);
    let combined = ecg(&[LeftVentricularHypertrophy, AtrialFibrillation, RightBundleBranchBlock]).unwrap();
    assert_eq!(combined.conditions, [AtrialFibrillation, RightBundleBranchBlock, LeftVentricularHypertrophy]);
    assert_eq!(ecg(&[]).unwrap().conditions, [SinusRhythm, NormalEcg]);
    assert_eq!(ecg(&[NormalEcg]).unwrap().conditions, [SinusRhythm, NormalEcg]);
    assert_eq!(ecg(&[InferiorInfarction]).unwrap().conditions, [SinusRhythm, InferiorInfarction]);
    for pair in [
        [SinusRhythm, AtrialFibrillation],
        [AtrialFibrillation, FirstDegreeAvBlock],
        [RightBundleBranchBlock, LeftBundleBranchBlock],
        [LeftBundleBranchBlock, AnteriorInfarction],
        [NormalEcg, PrematureVentricularBeats],
    ] {
        assert!(matches!(ecg(&pair), Err(Error::Conditions { .. })), "{pair:?}");
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let config = SimulatorConfig { seconds: 1.0, ..Default::default() };
    let error = simulate(&config, &Streams::new(1), 0).unwrap_err();
    assert_eq!(error.to_string(), "the simulator's `seconds` is 1: expected 5 to 3600");
    let config = SimulatorConfig { noise_mv: f64::NAN, ..Default::default() };
    assert!(matches!(config.validate(), Err(Error::SimulatorSetting { field: "noise_mv", .. })));
    assert!(serde_json::from_str::<SimulatorConfig>(r#"{"noise": 1}"#).is_err());
    assert_eq!(serde_json::from_str::<SimulatorConfig>("{}").unwrap(), SimulatorConfig::default());
}

#[test]
fn conditions_are_known_by_their_codes() {
    for condition in Condition::ALL {
        assert_eq!(condition.code().parse::<Condition>().unwrap(), condition);
    }
    assert_eq!(serde_json::to_string(&FirstDegreeAvBlock).unwrap(), "\"1AVB\"");
    let error = serde_json::from_str::<Condition>("\"XYZ\"").unwrap_err().to_string();
    assert!(error.contains("XYZ") && error.contains("CLBBB"), "{error}");
}

#[test]
fn short_and_long_recordings_of_any_rate_are_simulated() {
    for (sampling_rate, seconds) in [(50.0, 5.0), (100.0, 10.0), (257.0, 7.3), (1000.0, 60.0)] {
        let config = SimulatorConfig { sampling_rate, seconds, ..Default::default() };
        for index in 0..30 {
            for conditions in
                [&[PrematureVentricularBeats, SinusBradycardia][..], &[AtrialFibrillation, PrematureVentricularBeats]]
            {
                let ecg = simulate_conditions(&config, conditions, &Streams::new(4), index).unwrap();
                assert_eq!(ecg.record.len(), (sampling_rate * seconds).round() as usize);
                assert!(ecg.record.samples().iter().all(|x| x.abs() < 10.0));
                assert!(ecg.truth.r_peaks.is_sorted());
                assert!(ecg.truth.rr.iter().all(|rr| *rr > 0.25), "{:?}", ecg.truth.rr);
            }
        }
    }
}

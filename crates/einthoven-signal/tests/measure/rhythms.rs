//! Rate, regularity, axes and voltages.

use einthoven_signal::measure::measure;
use einthoven_signal::simulate::Condition::{self, *};

use crate::patient;

const PATIENTS: u64 = 12;

/// How many of the patients with these conditions have it.
fn share(conditions: &[Condition], has: impl Fn(&einthoven_signal::measure::Measurements) -> bool) -> f64 {
    let measured = (0..PATIENTS).map(|index| measure(&patient(conditions, 1.0, 9, index).record).unwrap());
    measured.filter(|measured| has(measured)).count() as f64 / PATIENTS as f64
}

#[test]
fn variability_is_that_of_the_intervals() {
    for index in 0..PATIENTS {
        let ecg = patient(&[SinusArrhythmia], 1.0, 9, index);
        let rate = measure(&ecg.record).unwrap().rate;
        let rr = &ecg.truth.rr;
        let mean = rr.iter().sum::<f64>() / rr.len() as f64;
        let square = rr.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (rr.len() - 1) as f64;
        let steps: Vec<f64> = rr.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).collect();
        let rmssd = (steps.iter().sum::<f64>() / steps.len() as f64).sqrt();
        assert!((rate.sdnn_ms.unwrap() - 1e3 * square.sqrt()).abs() < 12.0, "{rate:?}");
        assert!((rate.rmssd_ms.unwrap() - 1e3 * rmssd).abs() < 15.0, "{rate:?}");
    }
}

#[test]
fn corrected_intervals_follow_their_formulas() {
    let ecg = patient(&[SinusTachycardia], 1.0, 9, 0);
    let measured = measure(&ecg.record).unwrap();
    let rr = 60.0 / measured.rate.heart_rate.unwrap();
    let qt = measured.intervals.qt_ms.unwrap();
    assert!((measured.intervals.qtc_bazett_ms.unwrap() - qt / rr.sqrt()).abs() < 5.0);
    assert!((measured.intervals.qtc_fridericia_ms.unwrap() - qt / rr.cbrt()).abs() < 5.0);
}

#[test]
fn rhythms_without_p_waves_have_none() {
    assert_eq!(share(&[NormalEcg], |m| m.rhythm.p_waves), 1.0);
    assert!(share(&[AtrialFibrillation], |m| m.rhythm.fibrillation_like) >= 0.9);
    assert!(share(&[ThirdDegreeAvBlock], |m| m.rhythm.p_waves) <= 0.2);
    assert_eq!(share(&[NormalEcg], |m| m.rhythm.irregular), 0.0);
}

#[test]
fn ventricular_beats_have_another_shape() {
    for index in 0..PATIENTS {
        let usual = measure(&patient(&[NormalEcg], 1.0, 9, index).record).unwrap();
        assert!(usual.rhythm.other_shapes <= 1, "patient {index}: {:?}", usual.rhythm);
        let ectopic = measure(&patient(&[PrematureVentricularBeats], 1.0, 9, index).record).unwrap();
        assert!(ectopic.rhythm.other_shapes >= 1, "patient {index}: {:?}", ectopic.rhythm);
    }
}

#[test]
fn stimuli_are_no_beats() {
    for index in 0..PATIENTS {
        let ecg = patient(&[Pacemaker], 1.0, 9, index);
        let measured = measure(&ecg.record).unwrap();
        let beats = ecg.truth.r_peaks.len();
        assert!(measured.beats.len().abs_diff(beats) <= 1, "patient {index}: {} of {beats}", measured.beats.len());
    }
    assert!(share(&[Pacemaker], |m| 2 * m.rhythm.paced >= m.beats.len()) >= 0.5);
    assert_eq!(share(&[NormalEcg], |m| m.rhythm.paced > 0), 0.0);
    assert_eq!(share(&[LeftVentricularHypertrophy], |m| m.rhythm.paced > 0), 0.0);
}

#[test]
fn axes_and_voltages_are_those_of_the_statements() {
    assert!(share(&[LeftAnteriorFascicularBlock], |m| m.axes.qrs.unwrap() < -30.0) >= 0.9);
    assert!(share(&[LeftPosteriorFascicularBlock], |m| m.axes.qrs.unwrap() > 80.0) >= 0.9);
    assert!(share(&[NormalEcg], |m| (-40.0..100.0).contains(&m.axes.qrs.unwrap())) >= 0.9);
    assert!(share(&[LeftVentricularHypertrophy], |m| m.voltage.sokolow_lyon_mv.unwrap() > 3.3) >= 0.9);
    assert!(share(&[NormalEcg], |m| m.voltage.sokolow_lyon_mv.unwrap() < 3.6) >= 0.9);
    let product = |m: &einthoven_signal::measure::Measurements| {
        let voltage = m.voltage;
        let expected = voltage.cornell_mv.unwrap() * m.intervals.qrs_ms.unwrap();
        (voltage.cornell_product_mv_ms.unwrap() - expected).abs() < 1e-9
    };
    assert_eq!(share(&[NormalEcg], product), 1.0);
}

#[test]
fn st_segments_are_depressed_where_stated() {
    use einthoven_signal::Lead;
    let st = |m: &einthoven_signal::measure::Measurements, lead: Lead| {
        m.leads.iter().find(|measured| measured.lead == lead).and_then(|measured| measured.st_mv).unwrap()
    };
    assert!(share(&[LateralInjury], |m| st(m, Lead::V5).min(st(m, Lead::V6)) < -0.04) >= 0.8);
    assert!(share(&[NonSpecificStElevation], |m| st(m, Lead::V3).max(st(m, Lead::V2)) > 0.05) >= 0.8);
    assert!(share(&[NormalEcg], |m| st(m, Lead::V6).abs() < 0.1) >= 0.9);
}

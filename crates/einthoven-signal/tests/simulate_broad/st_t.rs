//! ST segments, T waves, QT and P waves.

use einthoven_signal::simulate::Condition::{self, *};

use crate::beat::*;
use crate::patients;

fn t(conditions: &[Condition], leads: &[usize], holds: impl Fn(f64) -> bool) {
    for ecg in patients(conditions) {
        let beat = Beat::of(&ecg);
        for &lead in leads {
            assert!(holds(beat.t(lead)), "{conditions:?}, lead {lead}: {}", beat.t(lead));
        }
    }
}

fn st(conditions: &[Condition], leads: &[usize], holds: impl Fn(f64) -> bool) {
    for ecg in patients(conditions) {
        let beat = Beat::of(&ecg);
        for &lead in leads {
            assert!(holds(beat.st(lead)), "{conditions:?}, lead {lead}: {}", beat.st(lead));
        }
    }
}

#[test]
fn ischaemia_inverts_t_in_its_leads() {
    for (condition, leads) in [
        (AnterolateralIschaemia, &[I, V4, V5, V6][..]),
        (InferiorIschaemia, &[II, III, AVF]),
        (InferolateralIschaemia, &[II, AVF, V5, V6]),
        (AnteroseptalIschaemia, &[V1, V2, V3]),
        (LateralIschaemia, &[I, AVL, V6]),
        (AnteriorIschaemia, &[V2, V3, V4]),
    ] {
        t(&[condition], leads, |t| t < -0.02);
    }
    st(&[Ischaemia], &[V5, V6], |st| st < -0.04);
    t(&[Ischaemia], &[V5, V6], |t| t < 0.15);
}

#[test]
fn injury_depresses_st_in_its_leads() {
    for (condition, leads) in [
        (AnteroseptalInjury, &[V2, V3][..]),
        (AnterolateralInjury, &[V4, V5]),
        (InferiorInjury, &[II, AVF]),
        (InferolateralInjury, &[II, V5, V6]),
        (LateralInjury, &[I, V5, V6]),
    ] {
        st(&[condition], leads, |st| st < -0.07);
    }
}

#[test]
fn st_is_raised_and_depressed_as_stated() {
    st(&[NonSpecificStDepression], &[V5, V6], |st| st < -0.04);
    st(&[NonSpecificStChange], &[V5, V6], |st| (-0.11..-0.01).contains(&st));
    st(&[Digitalis], &[V5, V6], |st| st < -0.02);
    st(&[NonSpecificStElevation], &[V2, V3], |st| st > 0.1);
    st(&[Aneurysm], &[V2, V3], |st| st > 0.1);
    st(&[NormalEcg], &[I, II, III, AVF, V5, V6], |st| (-0.06..0.2).contains(&st));
}

#[test]
fn t_is_low_or_inverted_as_stated() {
    t(&[LowTWaves], &[I, II, V5, V6], |t| t.abs() < 0.12);
    t(&[NonDiagnosticTWave], &[I, V5, V6], |t| (-0.05..0.25).contains(&t));
    t(&[NormalEcg], &[I, II, V3, V4, V5, V6], |t| t > 0.07);
    for condition in [InvertedTWaves, TWaveAbnormality] {
        for ecg in patients(&[condition]) {
            let beat = Beat::of(&ecg);
            let walls = [[V2, V3, V4], [V4, V5, V6], [II, III, AVF]];
            let inverted = walls.iter().any(|wall| wall.iter().filter(|&&lead| beat.t(lead) < -0.02).count() >= 2);
            assert!(inverted, "{condition}");
        }
    }
    for ecg in patients(&[NonSpecificTWaveChange]) {
        let beat = Beat::of(&ecg);
        assert!(beat.t(V5) < 0.15 * beat.r(V5).max(0.3), "{} of {}", beat.t(V5), beat.r(V5));
    }
}

#[test]
fn qt_is_long_when_stated_and_normal_else() {
    let corrected =
        |ecg: &einthoven_signal::simulate::SimulatedEcg| ecg.truth.qt_ms / (60.0 / ecg.truth.heart_rate).cbrt();
    assert!(patients(&[LongQt]).all(|ecg| corrected(&ecg) > 472.0));
    assert!(patients(&[NormalEcg]).all(|ecg| (340.0..472.0).contains(&corrected(&ecg))));
    let mean = |condition| patients(&[condition]).map(|ecg| corrected(&ecg)).sum::<f64>() / 40.0;
    assert!(mean(Digitalis) < mean(NormalEcg) - 20.0);
}

#[test]
fn electrolytes_leave_u_waves_or_tall_t_waves() {
    let mut tall = 0;
    for ecg in patients(&[Electrolytes]) {
        let beat = Beat::of(&ecg);
        let u = largest(beat.part(V3, ecg.truth.qt_ms - 40.0, ecg.truth.qt_ms + 60.0));
        tall += usize::from(beat.t(V4) > 0.4);
        assert!(u > 0.04 || beat.t(V4) > 0.25, "{u} {}", beat.t(V4));
    }
    assert!((1..30).contains(&tall), "{tall}");
}

#[test]
fn enlarged_atria_have_tall_or_wide_p_waves() {
    for ecg in patients(&[RightAtrialEnlargement]) {
        let p = Beat::of(&ecg).p(II, ecg.truth.pr_ms.unwrap()).0;
        assert!(p > 0.25, "{p}");
    }
    for ecg in patients(&[LeftAtrialEnlargement]) {
        let (beat, pr) = (Beat::of(&ecg), ecg.truth.pr_ms.unwrap());
        assert!(beat.p(V1, pr).1 < -0.07, "{}", beat.p(V1, pr).1);
    }
    let usual = patients(&[NormalEcg]).map(|ecg| Beat::of(&ecg).p(II, ecg.truth.pr_ms.unwrap()).0);
    assert!(usual.into_iter().all(|p| p < 0.26));
}

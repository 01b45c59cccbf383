//! The delineator against the simulator's truth.

use einthoven_signal::measure::measure;
use einthoven_signal::simulate::Condition::{self, *};

use crate::score::{HEAD, Score, absolute, median};
use crate::{NOISE, patient, recorded};

/// Patients of each kind and noise level. The thresholds were fitted on another seed.
const PATIENTS: u64 = 12;
const SEED: u64 = 4;

/// Every rhythm, premature beats, AV blocks, and what changes the complexes most. The last one is the population.
fn kinds() -> Vec<Vec<Condition>> {
    let rhythms = Condition::ALL.into_iter().filter(Condition::is_rhythm);
    let others = [
        PrematureVentricularBeats,
        AtrialPrematureBeats,
        FirstDegreeAvBlock,
        SecondDegreeAvBlock,
        ThirdDegreeAvBlock,
        LeftBundleBranchBlock,
        RightBundleBranchBlock,
        WolffParkinsonWhite,
        LowVoltage,
        LongQt,
        InferiorInfarction,
        LeftVentricularHypertrophy,
    ];
    rhythms.chain(others).map(|condition| vec![condition]).chain([vec![]]).collect()
}

fn name(kind: &[Condition]) -> &str {
    kind.first().map_or("population", Condition::code)
}

/// The scores of all kinds at one noise level, printed.
fn scores(level: &str, noise: f64) -> Vec<(Vec<Condition>, Score)> {
    println!("{level} noise\n{HEAD}");
    let mut all = Score::default();
    let mut scores = Vec::new();
    for kind in kinds() {
        let mut score = Score::default();
        for index in 0..PATIENTS {
            let ecg = patient(&kind, noise, SEED, index);
            score.add(&measure(&ecg.record).unwrap(), &ecg.truth, ecg.record.duration());
        }
        println!("{}", score.row(name(&kind)));
        all.merge(&score);
        scores.push((kind, score));
    }
    println!("{}\n", all.row("all"));
    scores.push((vec![], all));
    scores
}

#[test]
fn beats_and_intervals_are_those_of_the_simulated_heart() {
    for (level, noise) in NOISE {
        let scores = scores(level, noise);
        let (_, all) = scores.last().unwrap();
        if level == "high" {
            continue;
        }
        assert!(all.f1() >= 0.995, "{level} noise: F1 {}", all.f1());
        assert!(absolute(&all.qrs) <= 12.0, "{level} noise: QRS off by {} ms", absolute(&all.qrs));
        assert!(absolute(&all.pr) <= 15.0, "{level} noise: PR off by {} ms", absolute(&all.pr));
        assert!(absolute(&all.qt) <= 20.0, "{level} noise: QT off by {} ms", absolute(&all.qt));
        for (kind, score) in &scores {
            // A beat too few or too many at an end of 10 s is several beats per minute.
            assert!(absolute(&score.rate) <= 2.0, "{level} noise, {}: {:?}", name(kind), score.rate);
            assert!(score.f1() >= 0.985, "{level} noise, {}: F1 {}", name(kind), score.f1());
            let has = |condition| kind.contains(&condition);
            if has(AtrialFibrillation) {
                assert!(score.fibrillation_like as u64 >= PATIENTS * 8 / 10, "{}", score.fibrillation_like);
            } else if has(SinusRhythm) || has(SinusTachycardia) || has(SinusArrhythmia) {
                assert!(score.fibrillation_like == 0 && score.p_waves as u64 >= PATIENTS * 9 / 10);
            }
        }
    }
}

#[test]
fn single_beats_are_measured_as_the_typical_one_is() {
    let (mut qrs, mut pr, mut qt) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..PATIENTS {
        let ecg = patient(&[SinusRhythm], 1.0, SEED, index);
        for beat in measure(&ecg.record).unwrap().beats {
            let Some(complex) = beat.waves.qrs else { continue };
            qrs.push(1e3 * (complex.offset - complex.onset) - ecg.truth.qrs_ms);
            pr.extend(beat.waves.p.map(|p| 1e3 * (complex.onset - p.onset) - ecg.truth.pr_ms.unwrap()));
            qt.extend(beat.waves.t.map(|t| 1e3 * (t.offset - complex.onset) - ecg.truth.qt_ms));
        }
    }
    println!("single beats: QRS {} PR {} QT {}, of {}", absolute(&qrs), absolute(&pr), absolute(&qt), qrs.len());
    assert!(absolute(&qrs) <= 12.0 && absolute(&pr) <= 15.0 && absolute(&qt) <= 20.0);
    assert!(pr.len() * 10 >= qrs.len() * 9 && qt.len() * 10 >= qrs.len() * 9);
}

#[test]
fn any_usual_sampling_rate_gives_the_same_measurements() {
    for rate in [100.0, 128.0, 250.0, 360.0, 977.0, 1000.0] {
        let (mut score, mut difference) = (Score::default(), Vec::new());
        for kind in [vec![], vec![SinusRhythm], vec![LeftBundleBranchBlock], vec![AtrialFibrillation]] {
            for index in 0..6 {
                let ecg = recorded(&kind, 1.0, rate, SEED, index);
                let measured = measure(&ecg.record).unwrap();
                score.add(&measured, &ecg.truth, ecg.record.duration());
                let usual = measure(&patient(&kind, 1.0, SEED, index).record).unwrap();
                difference.extend(measured.intervals.qrs_ms.zip(usual.intervals.qrs_ms).map(|(a, b)| a - b));
            }
        }
        println!("{}", score.row(&format!("{rate} Hz")));
        assert!(score.f1() >= 0.995, "{rate} Hz: {}", score.f1());
        assert!(absolute(&score.qrs) <= 12.0 && absolute(&score.pr) <= 15.0 && absolute(&score.qt) <= 20.0);
        assert!(median(&difference).abs() <= 6.0, "{rate} Hz: QRS {difference:?}");
    }
}

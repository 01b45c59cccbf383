//! Which conditions occur together, and how often.

use einthoven_random::Streams;
use einthoven_signal::simulate::{Condition, Condition::*, Population, SimulatorConfig, simulate, simulate_conditions};
use einthoven_signal::{Error, Sex};

use crate::quiet;

fn coarse() -> SimulatorConfig {
    SimulatorConfig { sampling_rate: 50.0, ..quiet() }
}

fn together(a: Condition, b: Condition) -> bool {
    match simulate_conditions(&coarse(), &[a, b], &Streams::new(1), 0) {
        Ok(ecg) => ecg.conditions.contains(&a) && ecg.conditions.contains(&b),
        Err(Error::Conditions { .. }) => false,
        Err(error) => panic!("{a}, {b}: {error}"),
    }
}

#[test]
fn exclusion_does_not_depend_on_the_order() {
    for (i, &a) in Condition::ALL.iter().enumerate() {
        for &b in &Condition::ALL[..i] {
            assert_eq!(together(a, b), together(b, a), "{a}, {b}");
        }
    }
}

/// At most one of each of these.
#[test]
fn families_exclude_their_members() {
    let families: [&[Condition]; 13] = [
        &[
            SinusRhythm,
            SinusBradycardia,
            SinusTachycardia,
            SinusArrhythmia,
            AtrialFibrillation,
            AtrialFlutter,
            SupraventricularTachycardia,
            ParoxysmalSupraventricularTachycardia,
            Pacemaker,
        ],
        &[FirstDegreeAvBlock, SecondDegreeAvBlock, ThirdDegreeAvBlock, LongPr, WolffParkinsonWhite],
        &[
            LeftBundleBranchBlock,
            IncompleteLeftBundleBranchBlock,
            IncompleteRightBundleBranchBlock,
            IntraventricularConductionDisturbance,
            WolffParkinsonWhite,
            ThirdDegreeAvBlock,
        ],
        &[LeftBundleBranchBlock, RightBundleBranchBlock, IncompleteLeftBundleBranchBlock, WolffParkinsonWhite],
        &[RightBundleBranchBlock, IncompleteRightBundleBranchBlock, IntraventricularConductionDisturbance],
        &[
            LeftAnteriorFascicularBlock,
            LeftPosteriorFascicularBlock,
            LeftBundleBranchBlock,
            RightVentricularHypertrophy,
        ],
        &[InferiorInfarction, InferolateralInfarction, InferoposteriorInfarction, InferoposterolateralInfarction],
        &[
            AnteroseptalInfarction,
            AnteriorInfarction,
            AnterolateralInfarction,
            LateralInfarction,
            InferolateralInfarction,
            InferoposterolateralInfarction,
            SeptalHypertrophy,
        ],
        &[LeftVentricularHypertrophy, RightVentricularHypertrophy, LowVoltage, HighVoltage],
        &[LeftVentricularVoltage, RightVentricularHypertrophy, LowVoltage],
        &[Bigeminy, Trigeminy],
        &[
            AnteroseptalInjury,
            AnterolateralInjury,
            InferiorInjury,
            InferolateralInjury,
            LateralInjury,
            NonDiagnosticTWave,
            NonSpecificStChange,
            Digitalis,
            Aneurysm,
            Electrolytes,
            Ischaemia,
            AnterolateralIschaemia,
            InferiorIschaemia,
            InferolateralIschaemia,
            AnteroseptalIschaemia,
            LateralIschaemia,
            AnteriorIschaemia,
            NonSpecificStElevation,
        ],
        &[InvertedTWaves, LowTWaves, NonSpecificTWaveChange, TWaveAbnormality, NonSpecificStDepression],
    ];
    for family in families {
        for (i, &a) in family.iter().enumerate() {
            for &b in &family[..i] {
                assert!(!together(a, b), "{a}, {b}");
            }
        }
    }
}

#[test]
fn a_normal_ecg_has_a_sinus_rhythm_alone() {
    for condition in Condition::ALL.into_iter().filter(|c| *c != NormalEcg) {
        let sinus = [SinusRhythm, SinusBradycardia, SinusTachycardia, SinusArrhythmia].contains(&condition);
        assert_eq!(together(NormalEcg, condition), sinus, "{condition}");
    }
}

#[test]
fn what_hides_excludes_what_it_hides() {
    let ventricles =
        [InferiorInfarction, LateralInfarction, NonDiagnosticTWave, LeftVentricularHypertrophy, LowTWaves, QWaves];
    for cause in [LeftBundleBranchBlock, IncompleteLeftBundleBranchBlock, WolffParkinsonWhite, ThirdDegreeAvBlock] {
        for hidden in ventricles {
            assert!(!together(cause, hidden), "{cause}, {hidden}");
        }
    }
    for condition in Condition::ALL {
        let allowed = matches!(condition, Pacemaker | PrematureVentricularBeats);
        assert_eq!(together(Pacemaker, condition), allowed, "{condition}");
    }
    for rhythm in
        [AtrialFibrillation, AtrialFlutter, SupraventricularTachycardia, ParoxysmalSupraventricularTachycardia]
    {
        for atrial in [
            FirstDegreeAvBlock,
            LongPr,
            SecondDegreeAvBlock,
            ThirdDegreeAvBlock,
            WolffParkinsonWhite,
            AtrialPrematureBeats,
            LeftAtrialEnlargement,
            RightAtrialEnlargement,
            Bigeminy,
            Trigeminy,
        ] {
            assert!(!together(rhythm, atrial), "{rhythm}, {atrial}");
        }
        assert_eq!(together(rhythm, PrematureVentricularBeats), rhythm == AtrialFibrillation);
    }
    for block in [SecondDegreeAvBlock, ThirdDegreeAvBlock] {
        for other in
            [SinusTachycardia, SinusArrhythmia, AtrialPrematureBeats, PrematureVentricularBeats, Bigeminy, Trigeminy]
        {
            assert!(!together(block, other), "{block}, {other}");
        }
    }
    for posterior in [PosteriorInfarction, InferoposteriorInfarction, InferoposterolateralInfarction] {
        for front in [
            RightBundleBranchBlock,
            IncompleteRightBundleBranchBlock,
            RightVentricularHypertrophy,
            AnteroseptalInfarction,
            AnteriorInfarction,
        ] {
            assert!(!together(posterior, front), "{posterior}, {front}");
        }
    }
    for right in [RightBundleBranchBlock, IncompleteRightBundleBranchBlock, RightVentricularHypertrophy] {
        for front in [AnteroseptalIschaemia, AnteriorIschaemia] {
            assert!(!together(right, front), "{right}, {front}");
        }
    }
    for small in [InferiorInfarction, SeptalHypertrophy, QWaves] {
        assert!(!together(LowVoltage, small), "{small}");
    }
    for (cause, form) in [
        (NonDiagnosticTWave, InvertedTWaves),
        (NonDiagnosticTWave, NonSpecificStDepression),
        (NonSpecificStElevation, NonSpecificStDepression),
        (Aneurysm, LowTWaves),
        (Electrolytes, InvertedTWaves),
        (InferiorIschaemia, LowTWaves),
        (SeptalHypertrophy, InferiorInfarction),
        (LeftPosteriorFascicularBlock, HighVoltage),
    ] {
        assert!(!together(cause, form), "{cause}, {form}");
    }
}

#[test]
fn what_patients_have_together_combines() {
    for (a, b) in [
        (InferiorInfarction, AnteroseptalInfarction),
        (RightBundleBranchBlock, LeftAnteriorFascicularBlock),
        (RightBundleBranchBlock, AnteroseptalInfarction),
        (LeftVentricularHypertrophy, Ischaemia),
        (LeftVentricularHypertrophy, LeftVentricularVoltage),
        (AtrialFibrillation, Digitalis),
        (AtrialFibrillation, PrematureVentricularBeats),
        (InferiorInfarction, NonDiagnosticTWave),
        (AnteroseptalInfarction, Aneurysm),
        (Bigeminy, PrematureVentricularBeats),
        (FirstDegreeAvBlock, LeftAnteriorFascicularBlock),
        (Ischaemia, NonSpecificStDepression),
        (RightVentricularHypertrophy, RightAtrialEnlargement),
    ] {
        assert!(together(a, b), "{a}, {b}");
    }
}

#[test]
fn the_core_population_knows_its_own_conditions_only() {
    let core = SimulatorConfig { population: Population::Core, ..coarse() };
    for condition in Condition::ALL {
        let result = simulate_conditions(&core, &[condition], &Streams::new(1), 0);
        match result {
            Ok(ecg) => assert!(Condition::CORE.contains(&condition) && ecg.conditions.contains(&condition)),
            Err(Error::OutsidePopulation { condition: named }) => {
                assert!(named == condition && !Condition::CORE.contains(&condition));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn the_population_is_as_frequent_as_documented() {
    let count = 4000;
    let mut seen = Condition::ALL.map(|_| 0);
    let mut women = 0;
    for index in 0..count {
        // Conditions that exclude each other would be an error here.
        let ecg = simulate(&coarse(), &Streams::new(9), index).unwrap();
        assert!((18..=95).contains(&ecg.age));
        assert_eq!(ecg.conditions.iter().filter(|c| c.is_rhythm()).count(), 1);
        assert!(ecg.conditions.is_sorted());
        assert!(ecg.record.samples().iter().all(|x| x.abs() < 10.0), "{:?}", ecg.conditions);
        assert!(ecg.truth.rr.iter().all(|rr| *rr > 0.2), "{:?}: {:?}", ecg.conditions, ecg.truth.rr);
        women += u64::from(ecg.sex == Sex::Female);
        for condition in ecg.conditions {
            seen[Condition::ALL.iter().position(|c| *c == condition).unwrap()] += 1;
        }
    }
    assert!((0.42..0.52).contains(&(women as f64 / count as f64)));
    for (condition, seen) in Condition::ALL.iter().zip(seen) {
        let share = f64::from(seen) / count as f64;
        let range = match condition {
            NormalEcg => 0.44..0.51,
            SinusRhythm => 0.6..0.8,
            InferiorInfarction | AnteroseptalInfarction | LeftVentricularHypertrophy | AbnormalQrs => 0.07..0.15,
            NonDiagnosticTWave | LeftAnteriorFascicularBlock | AtrialFibrillation => 0.05..0.1,
            _ => 0.005..0.09,
        };
        assert!(range.contains(&share), "{condition}: {share}");
    }
}

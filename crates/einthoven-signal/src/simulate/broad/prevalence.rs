//! How frequent the conditions are, and which occur together.

use super::super::condition::Condition::{self, *};
use super::super::dice::Dice;
use super::super::rules::exclude;

/// Share of normal ECGs.
const NORMAL: f64 = 0.46;

/// Rhythms of normal ECGs, with weights.
const NORMAL_RHYTHMS: [(Condition, f64); 4] =
    [(SinusRhythm, 0.82), (SinusArrhythmia, 0.06), (SinusBradycardia, 0.08), (SinusTachycardia, 0.04)];

/// Rhythms of the others, with weights.
const RHYTHMS: [(Condition, f64); 9] = [
    (SinusRhythm, 0.645),
    (AtrialFibrillation, 0.13),
    (SinusTachycardia, 0.07),
    (SinusBradycardia, 0.033),
    (SinusArrhythmia, 0.03),
    (Pacemaker, 0.03),
    (AtrialFlutter, 0.021),
    (SupraventricularTachycardia, 0.018),
    (ParoxysmalSupraventricularTachycardia, 0.018),
];

/// Chance of everything else in a recording that is not normal, as long as nothing excludes it.
///
/// The frequencies are near those of PTB-XL (Wagner et al., Scientific Data 7:154, 2020), the rarest raised.
const OTHERS: [(Condition, f64); 59] = [
    (InferiorInfarction, 0.24),
    (AnteroseptalInfarction, 0.22),
    (AnteriorInfarction, 0.055),
    (AnterolateralInfarction, 0.06),
    (LateralInfarction, 0.033),
    (InferolateralInfarction, 0.06),
    (InferoposteriorInfarction, 0.035),
    (InferoposterolateralInfarction, 0.055),
    (PosteriorInfarction, 0.031),
    (AnteroseptalInjury, 0.035),
    (AnterolateralInjury, 0.035),
    (InferiorInjury, 0.037),
    (InferolateralInjury, 0.033),
    (LateralInjury, 0.044),
    (NonDiagnosticTWave, 0.21),
    (NonSpecificStChange, 0.10),
    (Digitalis, 0.035),
    (LongQt, 0.03),
    (Aneurysm, 0.06),
    (Electrolytes, 0.036),
    (Ischaemia, 0.14),
    (AnterolateralIschaemia, 0.08),
    (InferiorIschaemia, 0.035),
    (InferolateralIschaemia, 0.036),
    (AnteroseptalIschaemia, 0.035),
    (LateralIschaemia, 0.044),
    (AnteriorIschaemia, 0.035),
    (LeftVentricularHypertrophy, 0.21),
    (LeftVentricularVoltage, 0.06),
    (RightVentricularHypertrophy, 0.07),
    (SeptalHypertrophy, 0.037),
    (LeftAtrialEnlargement, 0.06),
    (RightAtrialEnlargement, 0.033),
    (LeftAnteriorFascicularBlock, 0.16),
    (LeftPosteriorFascicularBlock, 0.037),
    (LeftBundleBranchBlock, 0.12),
    (RightBundleBranchBlock, 0.075),
    (IncompleteLeftBundleBranchBlock, 0.09),
    (IncompleteRightBundleBranchBlock, 0.13),
    (IntraventricularConductionDisturbance, 0.09),
    (WolffParkinsonWhite, 0.1),
    (FirstDegreeAvBlock, 0.09),
    (LongPr, 0.035),
    (SecondDegreeAvBlock, 0.055),
    (ThirdDegreeAvBlock, 0.17),
    (PrematureVentricularBeats, 0.11),
    (AtrialPrematureBeats, 0.06),
    (Bigeminy, 0.03),
    (Trigeminy, 0.03),
    (AbnormalQrs, 0.16),
    (HighVoltage, 0.035),
    (LowVoltage, 0.06),
    (QWaves, 0.037),
    (InvertedTWaves, 0.06),
    (LowTWaves, 0.037),
    (NonSpecificTWaveChange, 0.037),
    (TWaveAbnormality, 0.033),
    (NonSpecificStDepression, 0.06),
    (NonSpecificStElevation, 0.04),
];

/// What often comes with a condition, in addition to its own frequency.
const COMPANIONS: [(Condition, Condition, f64); 8] = [
    (LeftVentricularHypertrophy, Ischaemia, 0.30),
    (LeftVentricularHypertrophy, LeftVentricularVoltage, 0.30),
    (LeftVentricularHypertrophy, NonSpecificStDepression, 0.25),
    (RightVentricularHypertrophy, RightAtrialEnlargement, 0.30),
    (AnteroseptalInfarction, AbnormalQrs, 0.30),
    (InferiorInfarction, AbnormalQrs, 0.20),
    (AtrialFibrillation, Digitalis, 0.12),
    (Ischaemia, NonSpecificStDepression, 0.30),
];

/// Draws the conditions of one patient.
pub(in super::super) fn draw(dice: &mut Dice) -> Vec<Condition> {
    if dice.chance(NORMAL) {
        return vec![pick(&NORMAL_RHYTHMS, dice), NormalEcg];
    }
    let mut all = vec![pick(&RHYTHMS, dice)];
    let mut others = OTHERS;
    // In a random order, so that no condition always gives way to another.
    dice.shuffle(&mut others);
    for (condition, chance) in others {
        if dice.chance(chance) {
            add(&mut all, condition);
        }
    }
    for (cause, companion, chance) in COMPANIONS {
        if all.contains(&cause) && dice.chance(chance) {
            add(&mut all, companion);
        }
    }
    if let [rhythm] = all[..]
        && rhythm.is_sinus()
    {
        all.push(NormalEcg);
    }
    all
}

fn add(all: &mut Vec<Condition>, condition: Condition) {
    if !all.contains(&condition) && all.iter().all(|&other| exclude(other, condition).is_none()) {
        all.push(condition);
    }
}

fn pick(weights: &[(Condition, f64)], dice: &mut Dice) -> Condition {
    let mut left = dice.uniform(0.0, weights.iter().map(|(_, weight)| weight).sum());
    for &(condition, weight) in weights {
        left -= weight;
        if left < 0.0 {
            return condition;
        }
    }
    weights[0].0
}

//! Which conditions one recording can have together.

use super::condition::Condition::{self, *};
use crate::{Error, Result};

/// Conditions of which a recording has at most one, and why.
const FAMILIES: [(&[Condition], &str); 9] = [
    (
        &[FirstDegreeAvBlock, SecondDegreeAvBlock, ThirdDegreeAvBlock, LongPr, WolffParkinsonWhite],
        "the atria reach the ventricles in one way",
    ),
    (
        &[
            LeftBundleBranchBlock,
            IncompleteLeftBundleBranchBlock,
            IncompleteRightBundleBranchBlock,
            IntraventricularConductionDisturbance,
            WolffParkinsonWhite,
            ThirdDegreeAvBlock,
        ],
        "the ventricles are activated in one way",
    ),
    (
        &[RightBundleBranchBlock, IncompleteRightBundleBranchBlock, IntraventricularConductionDisturbance],
        "a block is complete or incomplete",
    ),
    (
        &[RightBundleBranchBlock, WolffParkinsonWhite, IncompleteLeftBundleBranchBlock, ThirdDegreeAvBlock],
        "the ventricles are activated in one way",
    ),
    (
        &[
            LeftAnteriorFascicularBlock,
            LeftPosteriorFascicularBlock,
            LeftBundleBranchBlock,
            IncompleteLeftBundleBranchBlock,
            WolffParkinsonWhite,
            RightVentricularHypertrophy,
            ThirdDegreeAvBlock,
        ],
        "the frontal axis has one cause",
    ),
    (
        &[InferiorInfarction, InferolateralInfarction, InferoposteriorInfarction, InferoposterolateralInfarction],
        "one infarct of the inferior wall is one statement",
    ),
    (
        &[
            AnteroseptalInfarction,
            AnteriorInfarction,
            AnterolateralInfarction,
            LateralInfarction,
            InferolateralInfarction,
            InferoposterolateralInfarction,
            SeptalHypertrophy,
        ],
        "they are seen in the same leads",
    ),
    (&[LeftVentricularHypertrophy, RightVentricularHypertrophy, LowVoltage, HighVoltage], "the voltage has one cause"),
    (&[Bigeminy, Trigeminy], "premature beats come in one pattern"),
];

/// Changes of ST and T: a recording has one of them, or one and its description.
const ST_T: [Condition; 18] = [
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
];

/// Descriptions of T waves and ST segments.
const FORMS: [Condition; 5] =
    [InvertedTWaves, LowTWaves, NonSpecificTWaveChange, TWaveAbnormality, NonSpecificStDepression];

impl Condition {
    /// Whether it is an infarct.
    pub(super) fn is_infarct(self) -> bool {
        (InferiorInfarction..=PosteriorInfarction).contains(&self)
    }

    /// Whether it is a change of ST and T that a wide QRS complex hides.
    pub(super) fn is_st_t(self) -> bool {
        ST_T.contains(&self) || FORMS.contains(&self)
    }

    /// Whether no reader states it beneath complexes that begin outside the left bundle.
    fn is_hidden_by_left_block(self) -> bool {
        self.is_infarct()
            || self.is_st_t()
            || (LeftVentricularHypertrophy..=SeptalHypertrophy).contains(&self)
            || matches!(self, AbnormalQrs | HighVoltage | LowVoltage | QWaves)
    }

    /// Whether it describes the atria or what they do to the ventricles.
    fn needs_p_waves(self) -> bool {
        (LeftAtrialEnlargement..=ThirdDegreeAvBlock).contains(&self)
            || matches!(self, LongPr | AtrialPrematureBeats | WolffParkinsonWhite)
    }

    /// Why two conditions cannot be stated of one recording, if they cannot.
    pub(super) fn conflict(self, other: Self) -> Option<&'static str> {
        let family = FAMILIES.iter().find(|(family, _)| family.contains(&self) && family.contains(&other));
        match (self, other) {
            (NormalEcg, b) if b.is_sinus() => None,
            (NormalEcg, _) => Some("a normal ECG has sinus rhythm and nothing else"),
            (a, b) if a.is_rhythm() && b.is_rhythm() => Some("there is one rhythm at a time"),
            (Pacemaker, b) if b != PrematureVentricularBeats && b != NormalEcg => {
                Some("it cannot be read in paced beats")
            }
            (AtrialFibrillation | AtrialFlutter, FirstDegreeAvBlock) => Some("without P waves there is no PR interval"),
            (a, b) if a.is_rhythm() && !a.is_sinus() && b.needs_p_waves() => Some("there are no P waves"),
            (a, Bigeminy | Trigeminy | AtrialPrematureBeats | PrematureVentricularBeats)
                if (AtrialFlutter..=ParoxysmalSupraventricularTachycardia).contains(&a) =>
            {
                Some("premature beats need a slower rhythm")
            }
            (AtrialFibrillation, Bigeminy | Trigeminy) => Some("there is no regular rhythm to be premature in"),
            (
                SecondDegreeAvBlock | ThirdDegreeAvBlock,
                Bigeminy | Trigeminy | AtrialPrematureBeats | PrematureVentricularBeats,
            ) => Some("the block leaves no regular rhythm to be premature in"),
            (SecondDegreeAvBlock | ThirdDegreeAvBlock, SinusTachycardia | SinusArrhythmia) => {
                Some("the block is stated with the rate of the ventricles")
            }
            (LeftBundleBranchBlock, RightBundleBranchBlock) => {
                Some("with both bundles blocked no beat reaches the ventricles")
            }
            (LeftBundleBranchBlock | IncompleteLeftBundleBranchBlock, b) if b.is_hidden_by_left_block() => {
                Some("it cannot be read beneath left bundle branch block")
            }
            (WolffParkinsonWhite | ThirdDegreeAvBlock, b) if b.is_hidden_by_left_block() => {
                Some("it cannot be read in beats that begin in the ventricles")
            }
            (
                RightBundleBranchBlock
                | PosteriorInfarction
                | InferoposteriorInfarction
                | InferoposterolateralInfarction,
                RightVentricularHypertrophy,
            )
            | (
                RightBundleBranchBlock | IncompleteRightBundleBranchBlock,
                PosteriorInfarction | InferoposteriorInfarction | InferoposterolateralInfarction,
            )
            | (
                AnteroseptalInfarction | AnteriorInfarction,
                PosteriorInfarction
                | InferoposteriorInfarction
                | InferoposterolateralInfarction
                | RightVentricularHypertrophy,
            )
            | (PosteriorInfarction, InferoposteriorInfarction | InferoposterolateralInfarction)
            | (
                IncompleteRightBundleBranchBlock | RightBundleBranchBlock | RightVentricularHypertrophy,
                AnteroseptalIschaemia | AnteriorIschaemia,
            )
            | (SeptalHypertrophy, InferiorInfarction | InferoposteriorInfarction) => {
                Some("they are seen in the same leads")
            }
            (LeftVentricularVoltage, RightVentricularHypertrophy | LowVoltage) => Some("the voltage has one cause"),
            (LeftPosteriorFascicularBlock, HighVoltage) => Some("the leads that are high have no R waves"),
            (LowVoltage, a) if a.is_infarct() || a == SeptalHypertrophy || a == QWaves => {
                Some("such small complexes do not show it")
            }
            (a, b) if ST_T.contains(&a) && ST_T.contains(&b) => Some("ST and T have one cause"),
            (a, b) if FORMS.contains(&a) && FORMS.contains(&b) => Some("one description of ST and T is enough"),
            (NonDiagnosticTWave, InvertedTWaves | NonSpecificStDepression)
            | (NonSpecificStElevation, NonSpecificStDepression)
            | (Aneurysm | Electrolytes, LowTWaves | InvertedTWaves | NonSpecificStDepression) => {
                Some("ST and T cannot be both")
            }
            (a, LowTWaves) if a > Electrolytes && ST_T.contains(&a) && a != NonSpecificStElevation => {
                Some("inverted T waves are not low ones")
            }
            (Aneurysm | NonSpecificStElevation, AnteroseptalInjury | AnterolateralInjury) => Some("ST cannot be both"),
            _ => family.map(|(_, reason)| *reason),
        }
    }
}

/// Why these two exclude each other in whichever order they are given.
pub(super) fn exclude(a: Condition, b: Condition) -> Option<&'static str> {
    a.conflict(b).or_else(|| b.conflict(a))
}

/// The whole of what a reader would state when these conditions are present: in order, with a rhythm
/// (sinus rhythm unless another is given), and as a normal ECG when there is nothing else.
///
/// # Errors
/// [`Error::Conditions`] for conditions that exclude each other.
pub(super) fn complete(conditions: &[Condition]) -> Result<Vec<Condition>> {
    let mut all = conditions.to_vec();
    if !all.iter().any(Condition::is_rhythm) {
        all.push(SinusRhythm);
    }
    all.sort();
    all.dedup();
    if all == [SinusRhythm] {
        all.push(NormalEcg);
    }
    for &a in &all {
        for &b in all.iter().filter(|&&b| b != a) {
            if let Some(reason) = a.conflict(b) {
                return Err(Error::Conditions { first: a, second: b, reason });
            }
        }
    }
    Ok(all)
}

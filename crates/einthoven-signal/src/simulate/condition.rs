//! What a reader would state about a simulated ECG.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A finding that the simulator knows how to draw. As text (and in files) it is its SCP-ECG code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Condition {
    /// Sinus rhythm of 60 to 100 beats per minute.
    SinusRhythm,
    /// Sinus rhythm below 60 beats per minute.
    SinusBradycardia,
    /// Sinus rhythm above 100 beats per minute.
    SinusTachycardia,
    /// Irregular ventricular rhythm, fibrillatory waves (4 to 9 Hz) instead of P waves.
    AtrialFibrillation,
    /// Wide premature beats of one ventricular focus, discordant T, pause afterwards.
    PrematureVentricularBeats,
    /// QRS of 120 ms or more, broad notched R in I, aVL, V5, V6, deep S in V1, discordant ST and T.
    LeftBundleBranchBlock,
    /// QRS of 120 ms or more, rsR' in V1, broad S in I and V6.
    RightBundleBranchBlock,
    /// Q waves and ST elevation in II, III and aVF with reciprocal ST depression.
    InferiorInfarction,
    /// Q waves (lost R waves) and ST elevation in V1 to V4.
    AnteriorInfarction,
    /// Sokolow-Lyon voltage (S in V1 + R in V5 or V6) above 3.5 mV with strain.
    LeftVentricularHypertrophy,
    /// PR interval longer than 200 ms.
    FirstDegreeAvBlock,
    /// Sinus rhythm and nothing else to state.
    NormalEcg,
}

impl Condition {
    /// Every condition, rhythms first: the order in which statements are given.
    pub const ALL: [Self; 12] = [
        Self::SinusRhythm,
        Self::SinusBradycardia,
        Self::SinusTachycardia,
        Self::AtrialFibrillation,
        Self::PrematureVentricularBeats,
        Self::LeftBundleBranchBlock,
        Self::RightBundleBranchBlock,
        Self::InferiorInfarction,
        Self::AnteriorInfarction,
        Self::LeftVentricularHypertrophy,
        Self::FirstDegreeAvBlock,
        Self::NormalEcg,
    ];

    /// The SCP-ECG code, as PTB-XL uses it.
    pub fn code(&self) -> &'static str {
        self.names().0
    }

    /// The statement in English.
    pub fn statement(&self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::SinusRhythm => ("SR", "sinus rhythm"),
            Self::SinusBradycardia => ("SBRAD", "sinus bradycardia"),
            Self::SinusTachycardia => ("STACH", "sinus tachycardia"),
            Self::AtrialFibrillation => ("AFIB", "atrial fibrillation"),
            Self::PrematureVentricularBeats => ("PVC", "ventricular premature complex"),
            Self::LeftBundleBranchBlock => ("CLBBB", "complete left bundle branch block"),
            Self::RightBundleBranchBlock => ("CRBBB", "complete right bundle branch block"),
            Self::InferiorInfarction => ("IMI", "inferior myocardial infarction"),
            Self::AnteriorInfarction => ("AMI", "anterior myocardial infarction"),
            Self::LeftVentricularHypertrophy => ("LVH", "left ventricular hypertrophy"),
            Self::FirstDegreeAvBlock => ("1AVB", "first degree AV block"),
            Self::NormalEcg => ("NORM", "normal ECG"),
        }
    }

    /// Whether it is a rhythm; of these a recording has exactly one.
    pub fn is_rhythm(&self) -> bool {
        matches!(self, Self::SinusRhythm | Self::SinusBradycardia | Self::SinusTachycardia | Self::AtrialFibrillation)
    }

    /// Why two conditions cannot be stated of one recording, if they cannot.
    fn conflict(self, other: Self) -> Option<&'static str> {
        use Condition::{
            AnteriorInfarction, AtrialFibrillation, FirstDegreeAvBlock, InferiorInfarction, LeftBundleBranchBlock,
            LeftVentricularHypertrophy, NormalEcg, RightBundleBranchBlock, SinusRhythm,
        };
        match (self, other) {
            (NormalEcg, SinusRhythm) => None,
            (NormalEcg, _) => Some("a normal ECG has sinus rhythm and nothing else"),
            (a, b) if a.is_rhythm() && b.is_rhythm() => Some("there is one rhythm at a time"),
            (AtrialFibrillation, FirstDegreeAvBlock) => Some("without P waves there is no PR interval"),
            (LeftBundleBranchBlock, RightBundleBranchBlock) => {
                Some("with both bundles blocked no beat reaches the ventricles")
            }
            (LeftBundleBranchBlock, InferiorInfarction | AnteriorInfarction | LeftVentricularHypertrophy) => {
                Some("it cannot be read beneath left bundle branch block")
            }
            _ => None,
        }
    }
}

impl fmt::Display for Condition {
    /// The SCP-ECG code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl FromStr for Condition {
    type Err = Error;

    /// Reads an SCP-ECG code.
    fn from_str(code: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|c| c.code().eq_ignore_ascii_case(code));
        found.ok_or_else(|| Error::UnknownCondition { code: code.to_owned() })
    }
}

impl TryFrom<String> for Condition {
    type Error = Error;

    fn try_from(code: String) -> Result<Self> {
        code.parse()
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        condition.code().to_owned()
    }
}

/// The whole of what a reader would state when these conditions are present: in order, with a rhythm
/// (sinus rhythm unless another is given), and as a normal ECG when there is nothing else.
///
/// # Errors
/// [`Error::Conditions`] for conditions that exclude each other.
pub(super) fn complete(conditions: &[Condition]) -> Result<Vec<Condition>> {
    let mut all = conditions.to_vec();
    if !all.iter().any(Condition::is_rhythm) {
        all.push(Condition::SinusRhythm);
    }
    all.sort();
    all.dedup();
    if all == [Condition::SinusRhythm] {
        all.push(Condition::NormalEcg);
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

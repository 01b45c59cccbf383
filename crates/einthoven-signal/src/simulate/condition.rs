//! What a reader would state about a simulated ECG.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Declares the conditions with their SCP-ECG codes and statements, in order.
macro_rules! conditions {
    ($($(#[$doc:meta])+ $name:ident => $code:literal, $statement:literal;)+) => {
        /// A finding that the simulator knows how to draw. As text (and in files) it is its SCP-ECG code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Condition {
            $($(#[$doc])+ $name,)+
        }

        impl Condition {
            /// Every condition, rhythms first: the order in which statements are given.
            pub const ALL: [Self; [$($code),+].len()] = [$(Self::$name),+];

            fn names(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$name => ($code, $statement),)+
                }
            }
        }
    };
}

conditions! {
    /// Sinus rhythm of 60 to 100 beats per minute.
    SinusRhythm => "SR", "sinus rhythm";
    /// Sinus rhythm below 60 beats per minute.
    SinusBradycardia => "SBRAD", "sinus bradycardia";
    /// Sinus rhythm above 100 beats per minute.
    SinusTachycardia => "STACH", "sinus tachycardia";
    /// Sinus rhythm that breathing quickens and slows by more than 120 ms between beats.
    SinusArrhythmia => "SARRH", "sinus arrhythmia";
    /// Irregular ventricular rhythm, fibrillatory waves (4 to 9 Hz) instead of P waves.
    AtrialFibrillation => "AFIB", "atrial fibrillation";
    /// Sawtooth waves of 240 to 330 per minute instead of P waves, every second to fourth conducted.
    AtrialFlutter => "AFLT", "atrial flutter";
    /// Regular narrow rhythm of 140 to 200 beats per minute without visible P waves.
    SupraventricularTachycardia => "SVTAC", "supraventricular tachycardia";
    /// Supraventricular tachycardia that begins or ends within the recording.
    ParoxysmalSupraventricularTachycardia => "PSVT", "paroxysmal supraventricular tachycardia";
    /// A stimulus before every wide QRS complex.
    Pacemaker => "PACE", "normally functioning artificial pacemaker";
    /// Every second beat premature.
    Bigeminy => "BIGU", "bigeminal pattern of unknown origin";
    /// Every third beat premature.
    Trigeminy => "TRIGU", "trigeminal pattern of unknown origin";
    /// Premature beats with a narrow QRS complex and a P wave of another shape.
    AtrialPrematureBeats => "PAC", "atrial premature complex";
    /// Wide premature beats of one ventricular focus, discordant T, pause afterwards.
    PrematureVentricularBeats => "PVC", "ventricular premature complex";
    /// QRS of 120 ms or more, broad notched R in I, aVL, V5, V6, deep S in V1, discordant ST and T.
    LeftBundleBranchBlock => "CLBBB", "complete left bundle branch block";
    /// QRS of 120 ms or more, rsR' in V1, broad S in I and V6.
    RightBundleBranchBlock => "CRBBB", "complete right bundle branch block";
    /// QRS of 100 to 120 ms with the shape of left bundle branch block.
    IncompleteLeftBundleBranchBlock => "ILBBB", "incomplete left bundle branch block";
    /// QRS of 100 to 120 ms, rsr' in V1.
    IncompleteRightBundleBranchBlock => "IRBBB", "incomplete right bundle branch block";
    /// Frontal axis of -45 degrees or further left, rS in II, III and aVF.
    LeftAnteriorFascicularBlock => "LAFB", "left anterior fascicular block";
    /// Frontal axis of 95 degrees or further right, rS in I and aVL.
    LeftPosteriorFascicularBlock => "LPFB", "left posterior fascicular block";
    /// QRS of 110 ms or more without the shape of a bundle branch block.
    IntraventricularConductionDisturbance => "IVCD", "non-specific intraventricular conduction disturbance";
    /// PR below 120 ms, slurred onset (delta wave) of a QRS of 110 ms or more.
    WolffParkinsonWhite => "WPW", "Wolff-Parkinson-White syndrome";
    /// Q waves in two of II, III and aVF. In the core population always with ST elevation and reciprocal ST depression.
    InferiorInfarction => "IMI", "inferior myocardial infarction";
    /// Q waves or lost R waves in V1 to V3.
    AnteroseptalInfarction => "ASMI", "anteroseptal myocardial infarction";
    /// Q waves or lost R waves in V2 to V4. In the core population always with ST elevation.
    AnteriorInfarction => "AMI", "anterior myocardial infarction";
    /// Q waves or lost R waves in V3 to V5 and in I.
    AnterolateralInfarction => "ALMI", "anterolateral myocardial infarction";
    /// Q waves in I and V6 with small R waves there.
    LateralInfarction => "LMI", "lateral myocardial infarction";
    /// Q waves in two of II, III and aVF, and in V6.
    InferolateralInfarction => "ILMI", "inferolateral myocardial infarction";
    /// Q waves in two of II, III and aVF; R larger than S in V2.
    InferoposteriorInfarction => "IPMI", "inferoposterior myocardial infarction";
    /// Q waves in two of II, III and aVF, and in V6; R larger than S in V2.
    InferoposterolateralInfarction => "IPLMI", "inferoposterolateral myocardial infarction";
    /// R larger than S in V2, ST depression and upright T there.
    PosteriorInfarction => "PMI", "posterior myocardial infarction";
    /// ST depression in V1 to V4.
    AnteroseptalInjury => "INJAS", "subendocardial injury in anteroseptal leads";
    /// ST depression in I and V3 to V6.
    AnterolateralInjury => "INJAL", "subendocardial injury in anterolateral leads";
    /// ST depression in II, III and aVF.
    InferiorInjury => "INJIN", "subendocardial injury in inferior leads";
    /// ST depression in II, III, aVF, V5 and V6.
    InferolateralInjury => "INJIL", "subendocardial injury in inferolateral leads";
    /// ST depression in I, V5 and V6.
    LateralInjury => "INJLA", "subendocardial injury in lateral leads";
    /// Flat T waves without another change.
    NonDiagnosticTWave => "NDT", "non-diagnostic T wave abnormalities";
    /// ST depression below 0.1 mV with flat T waves.
    NonSpecificStChange => "NST_", "non-specific ST changes";
    /// Sagging ST segment, flat T waves and a short QT interval.
    Digitalis => "DIG", "digitalis effect";
    /// QT, corrected by Fridericia, longer than 475 ms.
    LongQt => "LNGQT", "prolonged QT interval";
    /// ST elevation in V2 to V4 that stays after an infarction.
    Aneurysm => "ANEUR", "ST-T changes compatible with ventricular aneurysm";
    /// Flat T waves with U waves, or tall narrow T waves.
    Electrolytes => "EL", "ST-T changes compatible with electrolyte disturbance or drug effect";
    /// ST depression and flat or inverted T waves in I, II and V4 to V6.
    Ischaemia => "ISC_", "non-specific ischemic ST-T changes";
    /// T waves inverted in I and V4 to V6.
    AnterolateralIschaemia => "ISCAL", "ischemic ST-T changes in anterolateral leads";
    /// T waves inverted in II, III and aVF.
    InferiorIschaemia => "ISCIN", "ischemic ST-T changes in inferior leads";
    /// T waves inverted in II, aVF, V5 and V6.
    InferolateralIschaemia => "ISCIL", "ischemic ST-T changes in inferolateral leads";
    /// T waves inverted in V1 to V3.
    AnteroseptalIschaemia => "ISCAS", "ischemic ST-T changes in anteroseptal leads";
    /// T waves inverted in I, aVL and V6.
    LateralIschaemia => "ISCLA", "ischemic ST-T changes in lateral leads";
    /// T waves inverted in V2 to V4.
    AnteriorIschaemia => "ISCAN", "ischemic ST-T changes in anterior leads";
    /// Sokolow-Lyon voltage (S in V1 + R in V5 or V6) above 3.5 mV; in the core population always with strain.
    LeftVentricularHypertrophy => "LVH", "left ventricular hypertrophy";
    /// Sokolow-Lyon voltage above 3.5 mV.
    LeftVentricularVoltage => "VCLVH", "voltage criteria for left ventricular hypertrophy";
    /// R larger than S in V1, frontal axis of 90 degrees or more, deep S in V6.
    RightVentricularHypertrophy => "RVH", "right ventricular hypertrophy";
    /// Deep narrow Q waves in I, V5 and V6, tall R waves in V1 and V2.
    SeptalHypertrophy => "SEHYP", "septal hypertrophy";
    /// P waves of 120 ms or more, two humps in II, the second downwards in V1.
    LeftAtrialEnlargement => "LAO/LAE", "left atrial overload or enlargement";
    /// P waves higher than 0.25 mV in II.
    RightAtrialEnlargement => "RAO/RAE", "right atrial overload or enlargement";
    /// PR interval longer than 200 ms.
    FirstDegreeAvBlock => "1AVB", "first degree AV block";
    /// Single P waves without a QRS complex, the PR interval before them growing (Mobitz I) or constant (Mobitz II).
    SecondDegreeAvBlock => "2AVB", "second degree AV block";
    /// P waves and slow QRS complexes that have nothing to do with each other.
    ThirdDegreeAvBlock => "3AVB", "third degree AV block";
    /// Notched or slurred QRS complexes.
    AbnormalQrs => "ABQRS", "abnormal QRS complex";
    /// High QRS voltage: R in I + S in III above 2.5 mV.
    HighVoltage => "HVOLT", "high QRS voltage";
    /// QRS complexes below 0.5 mV in the limb leads and 1.0 mV in the precordial leads.
    LowVoltage => "LVOLT", "low QRS voltage in frontal and horizontal leads";
    /// Q waves of 30 ms or longer in two leads of one wall.
    QWaves => "QWAVE", "Q waves present";
    /// PR interval longer than 200 ms.
    LongPr => "LPR", "prolonged PR interval";
    /// T waves inverted in the leads of one wall.
    InvertedTWaves => "INVT", "inverted T waves";
    /// T waves below 0.1 mV in I, II, V5 and V6.
    LowTWaves => "LOWT", "low-amplitude T waves";
    /// T waves that are too low or too flat for the QRS complex.
    NonSpecificTWaveChange => "NT_", "non-specific T wave changes";
    /// T waves that are flat in some leads and inverted in others.
    TWaveAbnormality => "TAB_", "T wave abnormality";
    /// ST depression in two leads of one wall.
    NonSpecificStDepression => "STD_", "non-specific ST depression";
    /// ST elevation in V2 to V4 that is not that of an infarct.
    NonSpecificStElevation => "STE_", "non-specific ST elevation";
    /// Sinus rhythm and nothing else to state.
    NormalEcg => "NORM", "normal ECG";
}

impl Condition {
    /// The conditions of [`Population::Core`](super::Population::Core), in order.
    pub const CORE: [Self; 12] = [
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

    /// Whether it is a rhythm; of these a recording has exactly one.
    pub fn is_rhythm(&self) -> bool {
        *self <= Self::Pacemaker
    }

    /// Whether the sinus node sets the rhythm.
    pub(super) fn is_sinus(self) -> bool {
        self <= Self::SinusArrhythmia
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

//! Leads and their names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

macro_rules! leads {
    ($($lead:ident $name:literal $meaning:literal,)*) => {
        /// A lead: one direction from which the heart's electrical activity is seen.
        ///
        /// Names are normalised when they are read: `avr`, `AVR` and `Lead aVR` are all [`Lead::AVR`].
        /// As text (and in files) a lead is its standard name, `aVR`.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Lead {
            $(#[doc = $meaning] $lead,)*
            /// Any other lead (such as the ambulatory `MLII`), by the name the recording gives it.
            Other(String),
        }

        impl Lead {
            /// The standard name.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$lead => $name,)*
                    Self::Other(name) => name,
                }
            }

            const STANDARD: &[Self] = &[$(Self::$lead,)*];
        }
    };
}

leads! {
    I "I" "Limb lead I: left arm against right arm.",
    II "II" "Limb lead II: left leg against right arm.",
    III "III" "Limb lead III: left leg against left arm.",
    AVR "aVR" "Augmented limb lead aVR: right arm.",
    AVL "aVL" "Augmented limb lead aVL: left arm.",
    AVF "aVF" "Augmented limb lead aVF: left leg.",
    V1 "V1" "Chest lead V1: fourth intercostal space, right of the sternum.",
    V2 "V2" "Chest lead V2: fourth intercostal space, left of the sternum.",
    V3 "V3" "Chest lead V3: between V2 and V4.",
    V4 "V4" "Chest lead V4: fifth intercostal space, midclavicular line.",
    V5 "V5" "Chest lead V5: level of V4, anterior axillary line.",
    V6 "V6" "Chest lead V6: level of V4, midaxillary line.",
    V3R "V3R" "Right-sided chest lead V3R: mirror of V3.",
    V4R "V4R" "Right-sided chest lead V4R: mirror of V4.",
    V7 "V7" "Posterior chest lead V7: level of V4, posterior axillary line.",
    V8 "V8" "Posterior chest lead V8: level of V4, tip of the scapula.",
    V9 "V9" "Posterior chest lead V9: level of V4, left of the spine.",
    VX "VX" "Frank's orthogonal lead X: towards the left.",
    VY "VY" "Frank's orthogonal lead Y: towards the feet.",
    VZ "VZ" "Frank's orthogonal lead Z: towards the back.",
}

impl Lead {
    /// The standard twelve leads: I, II, III, aVR, aVL, aVF, V1 to V6.
    pub const TWELVE: [Self; 12] = [
        Self::I,
        Self::II,
        Self::III,
        Self::AVR,
        Self::AVL,
        Self::AVF,
        Self::V1,
        Self::V2,
        Self::V3,
        Self::V4,
        Self::V5,
        Self::V6,
    ];
}

impl FromStr for Lead {
    type Err = Error;

    /// Reads a lead's name; fails for an empty one only.
    fn from_str(text: &str) -> Result<Self> {
        let name = text.trim();
        if name.is_empty() {
            return Err(Error::EmptyLeadName);
        }
        let bare = without_prefix(name);
        let standard = Self::STANDARD.iter().find(|lead| lead.name().eq_ignore_ascii_case(bare)).or(
            match bare.to_ascii_lowercase().as_str() {
                // Frank leads in the PTB Diagnostic ECG Database's header spelling.
                "x" => Some(&Self::VX),
                "y" => Some(&Self::VY),
                "z" => Some(&Self::VZ),
                _ => None,
            },
        );
        Ok(standard.cloned().unwrap_or_else(|| Self::Other(name.to_owned())))
    }
}

/// `Lead II`, `lead_II`, `ECG II` and `EKG II` without the first word.
fn without_prefix(name: &str) -> &str {
    ["lead", "ecg", "ekg"]
        .iter()
        .find_map(|word| {
            let rest = name.get(word.len()..).filter(|_| name[..word.len()].eq_ignore_ascii_case(word))?;
            rest.strip_prefix([' ', '_'])
        })
        .map_or(name, str::trim)
}

impl TryFrom<String> for Lead {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl From<Lead> for String {
    fn from(lead: Lead) -> Self {
        lead.name().to_owned()
    }
}

impl fmt::Display for Lead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Leads as text: `I, II, aVR`.
pub(crate) struct LeadNames<'a>(pub &'a [Lead]);

impl fmt::Display for LeadNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, lead) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{lead}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised() {
        for name in ["aVR", "AVR", "avr", " aVr ", "Lead aVR", "lead_avr", "ECG aVR", "ekg avr"] {
            assert_eq!(name.parse::<Lead>().unwrap(), Lead::AVR, "{name}");
        }
        assert_eq!("iii".parse::<Lead>().unwrap(), Lead::III);
        assert_eq!("vz".parse::<Lead>().unwrap(), Lead::VZ);
        assert_eq!("MLII".parse::<Lead>().unwrap(), Lead::Other("MLII".into()));
        assert_eq!("-aVR".parse::<Lead>().unwrap(), Lead::Other("-aVR".into()));
        assert_eq!("écg".parse::<Lead>().unwrap(), Lead::Other("écg".into()));
        assert!(matches!(" ".parse::<Lead>(), Err(Error::EmptyLeadName)));
    }

    #[test]
    fn every_standard_name_reads_back() {
        for lead in Lead::STANDARD {
            assert_eq!(lead.to_string().parse::<Lead>().unwrap(), *lead);
        }
        let json = serde_json::to_string(&Lead::TWELVE[..4]).unwrap();
        assert_eq!(json, r#"["I","II","III","aVR"]"#);
        let back: Vec<Lead> = serde_json::from_str(r#"["i","II","iii","AVR"]"#).unwrap();
        assert_eq!(back, Lead::TWELVE[..4]);
    }
}

//! What a table is of.

use serde::{Deserialize, Serialize};

use crate::bootstrap::BootstrapConfig;
use crate::protocol::{Outcome, SubjectResult};

/// What a table is of, which says how its numbers are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Classes told apart.
    Classification,
    /// Recordings and texts that find each other.
    Retrieval,
    /// Captions beside statements.
    Captioning,
    /// Patients recognised.
    Identification,
    /// No numbers: maps and cases.
    Pictures,
}

impl Kind {
    /// Of a task, by the first subject that could be asked it; `None` if none could.
    pub(super) fn of(results: &[SubjectResult], place: usize) -> Option<Self> {
        results.iter().find_map(|result| match result.tasks.get(place)?.outcome {
            Outcome::NotApplicable { .. } => None,
            Outcome::Classification(_) => Some(Self::Classification),
            Outcome::Retrieval(_) => Some(Self::Retrieval),
            Outcome::Captioning(_) => Some(Self::Captioning),
            Outcome::Identification(_) => Some(Self::Identification),
            Outcome::Map(_) | Outcome::Cases(_) => Some(Self::Pictures),
        })
    }

    /// What the numbers of all records are of.
    pub(super) fn counted(self) -> &'static str {
        match self {
            Self::Retrieval => "Pairs",
            Self::Identification => "Later recordings",
            _ => "Records",
        }
    }

    /// How its intervals were made.
    pub(super) fn intervals(self, config: &BootstrapConfig) -> String {
        let resamples = config.resamples;
        match self {
            Self::Pictures => String::new(),
            Self::Retrieval => "Recall: Wilson's score interval".to_owned(),
            _ if resamples == 0 => "no resamples, no intervals".to_owned(),
            Self::Classification => {
                format!(
                    "Classes: {resamples} bootstrap resamples of the records, stratified by the rarest class of each"
                )
            }
            Self::Captioning => format!("Captions: {resamples} bootstrap resamples of the records"),
            Self::Identification => format!("Identification: {resamples} bootstrap resamples of the patients"),
        }
    }

    /// What its columns say.
    pub(super) fn explained(self) -> &'static str {
        match self {
            Self::Classification => {
                "Means over the classes. Of Brier score and ECE (expected calibration error) less is better."
            }
            Self::Retrieval => {
                "R@K: share of the recordings (texts) with a right text (recording) among the nearest K. Records whose statements read alike \
                 are right for each other; a wrong one at the same distance comes first."
            }
            Self::Captioning => {
                "Concept F1: findings that captions affirm, beside those of the statements. The others compare words. CIDEr-D reaches from 0 to \
                 10, all others from 0 to 1."
            }
            Self::Identification => {
                "A patient's later recordings are looked up among the first recordings of all. Of the equal error rate less is better; 0.5 is \
                 chance."
            }
            Self::Pictures => "",
        }
    }

    /// What tells the best subject from another.
    pub(super) fn told_apart(self) -> &'static str {
        match self {
            Self::Classification => {
                "* AUROC differs from the best one's, p < 0.05 (DeLong's test of the mean over classes on the same recordings, Holm's correction \
                 over all pairs of the row)."
            }
            _ => "Differences in retrieval, captions and identification are not tested.",
        }
    }
}

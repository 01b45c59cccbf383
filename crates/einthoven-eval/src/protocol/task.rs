//! What a protocol asks.

use serde::{Deserialize, Serialize};

use super::training::Training;
use super::variation::Variation;

/// One thing that subjects are asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Task {
    /// Classes by their words alone.
    ZeroShot(ZeroShot),
    /// The subject's own class scores.
    Classifier(Classifier),
    /// Linear classifiers on embeddings that stay as they are.
    Probe(Probe),
    /// Classifiers that the subject's encoder is trained into.
    FineTuning(Box<FineTuning>),
    /// The labels of the nearest embeddings.
    Neighbours(Neighbours),
    /// A recording finds its statements among those of all, and they find it.
    Retrieval,
    /// Captions that the subject writes, against the statements.
    Captioning,
    /// A recording finds an earlier one of the same patient.
    Identification,
    /// The records on a plane, as they lie in the embedding.
    Map(MapTask),
    /// What the subject looks at in the records that a class's words fit best and worst among those that have it.
    Cases(Cases),
    /// The probe, and the words, again on recordings that were changed.
    Varied(Varied),
}

/// Zero-shot classification: the cosine between a recording and the mean of a class's texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZeroShot {
    /// The label set.
    pub labels: String,
    /// The prompt set: every phrasing in every template, averaged.
    pub prompts: String,
    /// What records are divided by for tables of their own.
    #[serde(default)]
    pub subgroups: Vec<Subgroup>,
}

/// What a subject that is a classifier itself says of the label set's classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classifier {
    /// The label set.
    pub labels: String,
    /// Bins of the reliability plot.
    #[serde(default = "bins")]
    pub bins: usize,
    /// What records are divided by for tables of their own.
    #[serde(default)]
    pub subgroups: Vec<Subgroup>,
}

/// Linear probing at several shares of the labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// The label set.
    pub labels: String,
    /// The shares of the fitted records, each above 0 and at most 1.
    pub shares: Vec<f64>,
    /// How many subsets are drawn for a share below 1; metrics are means over them.
    pub seeds: u64,
    /// The L2 penalty of the classifiers, above 0.
    pub decay: f64,
    /// Bins of the reliability plot.
    #[serde(default = "bins")]
    pub bins: usize,
    /// What records are divided by for tables of their own, at the greatest share.
    #[serde(default)]
    pub subgroups: Vec<Subgroup>,
}

/// Full fine-tuning at several shares of the labels: encoder and head are trained together.
///
/// The weights judged are those after the epoch whose macro AUROC on the records of `data.chosen` is the highest, or the last ones if the
/// protocol names no such folds. All labels of the chosen records are used, whatever the share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FineTuning {
    /// The label sets, each learnt by itself.
    pub labels: Vec<String>,
    /// The shares of the fitted records, each above 0 and at most 1; subsets are those of a [`Probe`].
    pub shares: Vec<f64>,
    /// How many subsets are drawn for a share below 1, each with weights of the head and an order of the records of its own; metrics
    /// are means over them.
    pub seeds: u64,
    /// How every subject is trained.
    pub training: Training,
    /// Bins of the reliability plot.
    #[serde(default = "bins")]
    pub bins: usize,
    /// What records are divided by for tables of their own, at the greatest share.
    #[serde(default)]
    pub subgroups: Vec<Subgroup>,
}

/// The share of positives among the nearest fitted records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbours {
    /// The label set.
    pub labels: String,
    /// How many of them.
    pub k: usize,
}

/// Recordings changed before they are embedded, under classifiers fitted on recordings as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Varied {
    /// The label set.
    pub labels: String,
    /// The L2 penalty of the probe.
    pub decay: f64,
    /// The prompt set, where zero-shot classification is to be repeated, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts: Option<String>,
    /// How they are changed, each a row of the table.
    pub variations: Vec<Variation>,
}

/// A map of embeddings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapTask {
    /// The label set that colours come from.
    pub labels: String,
}

/// Explained cases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    /// The label set.
    pub labels: String,
    /// The prompt set, of whose phrasings of a class the first is asked.
    pub prompts: String,
    /// How many of the best, and how many of the worst.
    pub each: usize,
}

/// What records are divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subgroup {
    /// The patient's sex.
    Sex,
    /// The patient's age: below 40, 40 to 59, 60 to 74, 75 and above.
    Age,
    /// The device that the recording was made with, as the dataset names it.
    Device,
}

fn bins() -> usize {
    10
}

impl Task {
    /// The prompt set that the task names.
    pub fn prompts(&self) -> Option<&str> {
        match self {
            Self::ZeroShot(task) => Some(&task.prompts),
            Self::Varied(task) => task.prompts.as_deref(),
            Self::Cases(task) => Some(&task.prompts),
            _ => None,
        }
    }

    /// What cannot be carried out, in words.
    pub(super) fn check(&self) -> Result<(), String> {
        let shares = |shares: &[f64]| match shares.iter().find(|share| !(**share > 0.0 && **share <= 1.0)) {
            Some(share) => Err(format!("a share of the labels is {share}; it must be above 0 and at most 1")),
            None if shares.is_empty() => Err("a task has no share of the labels".into()),
            None => Ok(()),
        };
        let seeds = |seeds: u64| match seeds {
            0 => Err("a task has no seed; `seeds` must be at least 1".into()),
            _ => Ok(()),
        };
        match self {
            Self::Probe(task) => seeds(task.seeds).and_then(|()| shares(&task.shares)),
            Self::FineTuning(task) if task.labels.is_empty() => Err("fine-tuning has no label set".into()),
            Self::FineTuning(task) => {
                seeds(task.seeds).and_then(|()| shares(&task.shares)).and_then(|()| task.training.check())
            }
            Self::Neighbours(task) if task.k == 0 => Err("`k` must be at least 1".into()),
            Self::Cases(task) if task.each == 0 => Err("`each` must be at least 1".into()),
            Self::Varied(task) => task.variations.iter().try_for_each(Variation::check),
            _ => Ok(()),
        }
    }
}

impl Subgroup {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sex => "sex",
            Self::Age => "age",
            Self::Device => "device",
        }
    }
}

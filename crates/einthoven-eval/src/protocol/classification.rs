//! How well scores tell the classes of a label set apart.

use einthoven_corpus::Entry;
use einthoven_random::Streams;
use serde::{Deserialize, Serialize};

use super::subgroups::{self, SubgroupMetrics};
use super::task::Subgroup;
use crate::bootstrap::{BootstrapConfig, Estimates, Scored};
use crate::classes::{self, Judged, JudgedClass, LeftOut};
use crate::error::{Result, same_length};
use crate::metrics::{Calibration, Ranking};

/// How a subject's scores tell the classes of a label set apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classification {
    /// The classes that occur and do not always occur, in the label set's order.
    pub classes: Vec<ClassMetrics>,
    /// Means over these classes.
    pub r#macro: Estimates,
    /// The classes that cannot be judged on these records.
    pub left_out: Vec<LeftOut>,
    /// Judged records without a class of the label set: they are not scored.
    pub unlabelled: usize,
    /// Probabilities against outcomes, of all classes and runs together; `None` where scores are no probabilities.
    pub calibration: Option<Calibration>,
    /// The same metrics for parts of the records.
    pub subgroups: Vec<SubgroupMetrics>,
    /// What all this was computed from.
    pub scores: Scores,
}

/// One class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassMetrics {
    /// The class's code.
    pub code: String,
    /// Records that have it.
    pub positives: usize,
    /// Records that do not.
    pub negatives: usize,
    /// Its metrics.
    pub metrics: Estimates,
}

/// The scores of every record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// The classes scored, in the label set's order.
    pub classes: Vec<String>,
    /// How often the task was run, such as with other subsets of the labels; metrics are means over the runs.
    pub runs: usize,
    /// What the scores are.
    pub scale: Scale,
    /// The records.
    pub records: Vec<RecordScores>,
}

/// What scores are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// Cosines, which only rank.
    Cosine,
    /// Probabilities.
    Probability,
    /// Their logits: the scores of linear classifiers, kept as they are because great ones are all the same probability in single
    /// precision.
    Logit,
}

/// The scores of one record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordScores {
    /// The record's id.
    pub id: String,
    /// The classes that it has.
    pub labels: Vec<String>,
    /// Its scores in single precision, `[run][class]`.
    pub scores: Vec<Vec<f32>>,
}

/// What is asked of scores.
#[derive(Clone, Debug)]
pub(super) struct Question<'a> {
    pub unlabelled: usize,
    /// Bins of the reliability plot, where scores are probabilities.
    pub bins: usize,
    pub subgroups: &'a [Subgroup],
    /// The records' entries, in the order of the scores.
    pub entries: &'a [&'a Entry],
    pub bootstrap: &'a BootstrapConfig,
    pub streams: &'a Streams,
}

impl Classification {
    /// Judges scores.
    pub(super) fn new(scores: Scores, question: &Question) -> Result<Self> {
        same_length("entries for the scores", scores.records.len(), question.entries.len())?;
        let all: Vec<usize> = (0..scores.records.len()).collect();
        let judged = scores.judge(&all, question)?;
        Ok(Self {
            classes: judged.classes.into_iter().map(ClassMetrics::from).collect(),
            r#macro: judged.r#macro,
            left_out: judged.left_out,
            unlabelled: question.unlabelled,
            calibration: scores.calibration(question.bins)?,
            subgroups: subgroups::judge(&scores, question)?,
            scores,
        })
    }
}

impl From<JudgedClass> for ClassMetrics {
    fn from(JudgedClass { code, positives, negatives, metrics }: JudgedClass) -> Self {
        Self { code, positives, negatives, metrics }
    }
}

impl Scores {
    /// Whether each of `records` has a class.
    pub(crate) fn targets(&self, class: usize, records: &[usize]) -> Vec<bool> {
        let code = &self.classes[class];
        records.iter().map(|&record| self.records[record].labels.contains(code)).collect()
    }

    /// The scores of `records` for a class in one run.
    pub(crate) fn column(&self, run: usize, class: usize, records: &[usize]) -> Vec<f64> {
        records.iter().map(|&record| f64::from(self.records[record].scores[run][class])).collect()
    }

    /// Judges some of the records by themselves.
    pub(super) fn judge(&self, records: &[usize], question: &Question) -> Result<Judged> {
        let of_class = |class: usize| {
            let target = self.targets(class, records);
            (0..self.runs).map(|run| self.scored(run, class, records, &target)).collect()
        };
        let scored = (0..self.classes.len()).map(of_class).collect::<Result<_>>()?;
        classes::judge(&self.classes, scored, question.bootstrap, question.streams)
    }

    fn scored(&self, run: usize, class: usize, records: &[usize], target: &[bool]) -> Result<Scored> {
        let column = self.column(run, class, records);
        let square = |(score, &target): (&f64, &bool)| {
            Some((self.scale.probability(*score)? - f64::from(u8::from(target))).powi(2))
        };
        let squares = column.iter().zip(target).filter_map(square).collect();
        Ok(Scored { ranking: Ranking::new(target, &column)?, squares })
    }

    fn calibration(&self, bins: usize) -> Result<Option<Calibration>> {
        let all: Vec<usize> = (0..self.records.len()).collect();
        let (mut targets, mut probabilities) = (Vec::new(), Vec::new());
        for run in 0..self.runs {
            for class in 0..self.classes.len() {
                targets.extend(self.targets(class, &all));
                let column = self.column(run, class, &all);
                probabilities.extend(column.into_iter().filter_map(|score| self.scale.probability(score)));
            }
        }
        if self.scale == Scale::Cosine {
            return Ok(None);
        }
        Calibration::new(&targets, &probabilities, bins)
    }
}

impl Scale {
    /// The probability that a score stands for; `None` for a cosine.
    pub fn probability(self, score: f64) -> Option<f64> {
        match self {
            Self::Cosine => None,
            Self::Probability => Some(score),
            Self::Logit => Some(1.0 / (1.0 + (-score).exp())),
        }
    }
}

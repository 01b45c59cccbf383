//! How well scores tell the classes of a label set apart.

use einthoven_corpus::Entry;
use einthoven_random::Streams;
use einthoven_signal::Sex;
use serde::{Deserialize, Serialize};

use super::estimate::{Metrics, Scored, estimate, strata};
use super::task::Subgroup;
use crate::bootstrap::BootstrapConfig;
use crate::error::{Result, same_length};
use crate::metrics::{Calibration, Ranking};
use crate::zero_shot::LeftOut;

/// How a subject's scores tell the classes of a label set apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classification {
    /// The classes that occur and do not always occur, in the label set's order.
    pub classes: Vec<ClassMetrics>,
    /// Means over these classes.
    pub r#macro: Metrics,
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
    pub metrics: Metrics,
}

/// A part of the records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubgroupMetrics {
    /// What records are divided by.
    pub by: Subgroup,
    /// The part, such as `female`.
    pub part: String,
    /// Its records.
    pub records: usize,
    /// The classes that can be judged in it.
    pub classes: usize,
    /// Means over these classes.
    pub metrics: Metrics,
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
        let calibration = scores.calibration(question.bins)?;
        let mut subgroups = Vec::new();
        for &by in question.subgroups {
            for part in by.parts() {
                let members: Vec<usize> =
                    all.iter().copied().filter(|&record| by.part(question.entries[record]) == Some(part)).collect();
                if members.is_empty() {
                    continue;
                }
                let judged = scores.judge(&members, question)?;
                subgroups.push(SubgroupMetrics {
                    by,
                    part: (*part).to_owned(),
                    records: members.len(),
                    classes: judged.classes.len(),
                    metrics: judged.mean,
                });
            }
        }
        Ok(Self {
            classes: judged.classes,
            r#macro: judged.mean,
            left_out: judged.left_out,
            unlabelled: question.unlabelled,
            calibration,
            subgroups,
            scores,
        })
    }
}

struct Judged {
    classes: Vec<ClassMetrics>,
    mean: Metrics,
    left_out: Vec<LeftOut>,
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

    fn judge(&self, records: &[usize], question: &Question) -> Result<Judged> {
        let targets: Vec<Vec<bool>> = (0..self.classes.len()).map(|class| self.targets(class, records)).collect();
        let (mut kept, mut scored, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
        for (class, target) in targets.iter().enumerate() {
            let positives = target.iter().filter(|positive| **positive).count();
            let (code, negatives) = (self.classes[class].clone(), target.len() - positives);
            if positives == 0 || negatives == 0 {
                left_out.push(LeftOut { code, positives, negatives });
                continue;
            }
            kept.push((code, positives, negatives, class));
            scored.push((0..self.runs).map(|run| self.scored(run, class, records, target)).collect::<Result<_>>()?);
        }
        let rows: Vec<Vec<bool>> =
            (0..records.len()).map(|record| kept.iter().map(|(.., class)| targets[*class][record]).collect()).collect();
        let (metrics, mean) = estimate(&scored, &strata(&rows), question.bootstrap, question.streams)?;
        let classes = kept
            .into_iter()
            .zip(metrics)
            .map(|((code, positives, negatives, _), metrics)| ClassMetrics { code, positives, negatives, metrics })
            .collect();
        Ok(Judged { classes, mean, left_out })
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

impl Subgroup {
    /// The parts, in the order of the tables.
    fn parts(self) -> &'static [&'static str] {
        match self {
            Self::Sex => &["female", "male"],
            Self::Age => &["below 40", "40 to 59", "60 to 74", "75 and above"],
        }
    }

    /// The part that a record belongs to; `None` where that is not known.
    fn part(self, entry: &Entry) -> Option<&'static str> {
        let place = match self {
            Self::Sex => match entry.sex? {
                Sex::Female => 0,
                Sex::Male => 1,
            },
            Self::Age => match entry.age? {
                0..40 => 0,
                40..60 => 1,
                60..75 => 2,
                _ => 3,
            },
        };
        self.parts().get(place).copied()
    }
}

//! The metrics of several classes, with intervals from one stratified bootstrap.

use einthoven_random::Streams;
use serde::{Deserialize, Serialize};

use super::{BootstrapConfig, Estimate, resampled};
use crate::error::Result;
use crate::metrics::{Ranking, macro_average};

/// The stream of the draws. Another name would change the intervals of every protocol.
const STREAM: &str = "protocol/bootstrap";

/// The metrics of a class, or their means over classes, with intervals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimates {
    /// Area under the ROC curve.
    pub auroc: Estimate,
    /// Average precision (area under the precision-recall curve).
    pub auprc: Estimate,
    /// Greatest F1 over all thresholds, the threshold chosen anew in each resample.
    pub f1_max: Estimate,
    /// Brier score; `None` where scores are not known to be probabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brier: Option<Estimate>,
}

/// What [`estimate`] finds.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimated {
    /// One per class, in the order given.
    pub classes: Vec<Estimates>,
    /// Of the mean over the classes where the metric is defined, in each resample anew.
    pub r#macro: Estimates,
}

/// The scores of one class in one run.
#[derive(Clone, Debug)]
pub struct Scored {
    /// The records, ranked.
    pub ranking: Ranking,
    /// Squared differences between probabilities and outcomes, by record; empty where scores are no probabilities.
    pub squares: Vec<f64>,
}

impl From<Ranking> for Scored {
    /// Scores that only rank.
    fn from(ranking: Ranking) -> Self {
        Self { ranking, squares: Vec::new() }
    }
}

/// AUROC, AUPRC, F1-max, Brier.
type Values = [Option<f64>; 4];

/// The metrics of every class, `classes[class][run]`, and their means over classes; each is the mean over the runs.
///
/// All are over the same records in the same order. Each resample draws records with replacement within strata, as many as a stratum
/// has, and serves all classes and their mean. A record's stratum is the rarest of its classes, so that rare classes keep their
/// positives (as in Carpenter & Bithell, Statistics in Medicine 2000, for one class) and what classes share is in the interval of their
/// mean. Draws come from the stream `("protocol/bootstrap", [resample])`: on the same records they are the same for every model.
///
/// # Errors
/// [`Error::Level`](crate::Error::Level) for an interval that covers no probability; [`Error::Length`](crate::Error::Length) where
/// classes or runs differ in their number of records.
pub fn estimate(classes: &[Vec<Scored>], config: &BootstrapConfig, streams: &Streams) -> Result<Estimated> {
    let strata = strata(classes);
    let (point, drawn) = resampled(&strata, config, streams, STREAM, |times| values(classes, times))?;
    let has_brier = classes.iter().flatten().any(|scored| !scored.squares.is_empty());
    let estimates = |of_classes: &dyn Fn(&[Values]) -> Values| {
        let value = of_classes(&point);
        let drawn: Vec<Values> = drawn.iter().map(|values| of_classes(values)).collect();
        let of = |metric: usize| Estimate::new(value[metric], drawn.iter().map(|values| values[metric]), config.level);
        Estimates { auroc: of(0), auprc: of(1), f1_max: of(2), brier: has_brier.then(|| of(3)) }
    };
    Ok(Estimated {
        classes: (0..classes.len()).map(|class| estimates(&|values| values[class])).collect(),
        r#macro: estimates(&averaged),
    })
}

/// The records of which each class is the rarest that they have, and last those that have none.
fn strata(classes: &[Vec<Scored>]) -> Vec<Vec<usize>> {
    let rankings = || classes.iter().filter_map(|runs| runs.first()).map(|scored| &scored.ranking);
    let positives: Vec<Vec<usize>> = rankings().map(|ranking| ranking.records_of(true)).collect();
    let mut falling: Vec<usize> = (0..positives.len()).collect();
    falling.sort_by_key(|&class| std::cmp::Reverse((positives[class].len(), class)));
    let mut of_record = vec![positives.len(); rankings().next().map_or(0, Ranking::len)];
    for class in falling {
        for &record in &positives[class] {
            // Rarer classes come later and take their records from commoner ones.
            if let Some(rarest) = of_record.get_mut(record) {
                *rarest = class;
            }
        }
    }
    let mut strata = vec![Vec::new(); positives.len() + 1];
    of_record.into_iter().enumerate().for_each(|(record, class)| strata[class].push(record));
    strata
}

fn values(classes: &[Vec<Scored>], times: &[u32]) -> Result<Vec<Values>> {
    let of_run = |run: &Scored| -> Result<Values> {
        let metrics = run.ranking.metrics_resampled(times)?;
        let weighted = run.squares.iter().zip(times).map(|(square, &times)| square * f64::from(times));
        let brier = (!run.squares.is_empty()).then(|| weighted.sum::<f64>() / times.len() as f64);
        Ok([metrics.auroc, metrics.average_precision, metrics.f1_max, brier])
    };
    classes.iter().map(|runs| Ok(averaged(&runs.iter().map(of_run).collect::<Result<Vec<_>>>()?))).collect()
}

/// The means of each metric where it is defined.
fn averaged(values: &[Values]) -> Values {
    [0, 1, 2, 3].map(|metric| macro_average(values.iter().map(|values| values[metric])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_belongs_to_its_rarest_class() {
        let of_class = |targets: [bool; 6]| vec![Ranking::new(&targets, &[0.0; 6]).unwrap().into()];
        let classes = [
            of_class([true, true, false, true, true, false]),
            of_class([true, false, false, true, false, false]),
            // As rare as the one before, which comes first.
            of_class([true, false, true, false, false, false]),
        ];
        assert_eq!(strata(&classes), [vec![1, 4], vec![0, 3], vec![2], vec![5]]);
        assert_eq!(strata(&[]), [Vec::<usize>::new()]);
    }
}

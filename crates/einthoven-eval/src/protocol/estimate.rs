//! Metrics of several classes with intervals from one stratified bootstrap.
//!
//! Each resample draws records with replacement within strata, as many as a stratum has, and serves all classes and their mean.
//! A record's stratum is the rarest of its classes, so that rare classes keep their positives (as in Carpenter & Bithell, Statistics in
//! Medicine 2000, for one class) and what classes share is in the interval of their mean. Draws come from the stream
//! `("protocol/bootstrap", [resample])`: on the same records they are the same for every subject.

use einthoven_random::Streams;
use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::bootstrap::{BootstrapConfig, Estimate, percentile_interval};
use crate::error::{Error, Result};
use crate::metrics::{Ranking, macro_average};

/// The metrics of a class, or their means over classes, with intervals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Area under the ROC curve.
    pub auroc: Estimate,
    /// Average precision (area under the precision-recall curve).
    pub auprc: Estimate,
    /// Greatest F1 over all thresholds, the threshold chosen anew in each resample.
    pub f1_max: Estimate,
    /// Brier score; `None` where scores are no probabilities.
    pub brier: Option<Estimate>,
}

/// The scores of one class in one run.
pub(super) struct Scored {
    pub ranking: Ranking,
    /// Squared differences between probabilities and outcomes, by record; empty where scores are no probabilities.
    pub squares: Vec<f64>,
}

/// AUROC, AUPRC, F1-max, Brier.
type Values = [Option<f64>; 4];

/// The metrics of every class and their means over classes, `scored[class][run]`; each is the mean over the runs.
pub(super) fn estimate(
    scored: &[Vec<Scored>],
    strata: &[usize],
    config: &BootstrapConfig,
    streams: &Streams,
) -> Result<(Vec<Metrics>, Metrics)> {
    if !(config.level > 0.0 && config.level < 1.0) {
        return Err(Error::Level { level: config.level });
    }
    let members = members(strata);
    let resamples = (0..config.resamples as u64)
        .into_par_iter()
        .map_init(
            || vec![0; strata.len()],
            |times, resample| {
                draw(times, &members, streams, resample);
                values(scored, times)
            },
        )
        .collect::<Result<Vec<Vec<Values>>>>()?;
    let point = values(scored, &vec![1; strata.len()])?;
    let of = |value: &Values, drawn: &dyn Fn(&[Values]) -> Values| {
        let drawn: Vec<Values> = resamples.iter().map(|values| drawn(values)).collect();
        let estimate = |metric: usize| Estimate {
            value: value[metric],
            interval: percentile_interval(drawn.iter().map(|values| values[metric]), config.level),
        };
        let has_brier = scored.iter().flatten().any(|scored| !scored.squares.is_empty());
        Metrics { auroc: estimate(0), auprc: estimate(1), f1_max: estimate(2), brier: has_brier.then(|| estimate(3)) }
    };
    let classes = point.iter().enumerate().map(|(class, value)| of(value, &|values| values[class])).collect();
    Ok((classes, of(&averaged(&point), &averaged)))
}

/// The stratum of each record of `targets`, `[record][class]`: the rarest of its classes, or the number of classes if it has none.
pub(super) fn strata(targets: &[Vec<bool>]) -> Vec<usize> {
    let classes = targets.first().map_or(0, Vec::len);
    let counts: Vec<usize> = (0..classes).map(|class| targets.iter().filter(|row| row[class]).count()).collect();
    let rarest = |row: &Vec<bool>| (0..classes).filter(|&class| row[class]).min_by_key(|&class| counts[class]);
    targets.iter().map(|row| rarest(row).unwrap_or(classes)).collect()
}

fn members(strata: &[usize]) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); strata.iter().max().map_or(0, |max| max + 1)];
    strata.iter().enumerate().for_each(|(record, &stratum)| members[stratum].push(record));
    members
}

fn draw(times: &mut [u32], members: &[Vec<usize>], streams: &Streams, resample: u64) {
    let mut stream = streams.stream("protocol/bootstrap", &[resample]);
    times.fill(0);
    for stratum in members {
        for _ in 0..stratum.len() {
            times[stratum[stream.random_range(0..stratum.len())]] += 1;
        }
    }
}

fn values(scored: &[Vec<Scored>], times: &[u32]) -> Result<Vec<Values>> {
    let of_run = |run: &Scored| -> Result<Values> {
        let metrics = run.ranking.metrics_resampled(times)?;
        let weighted = run.squares.iter().zip(times).map(|(square, &times)| square * f64::from(times));
        let brier = (!run.squares.is_empty()).then(|| weighted.sum::<f64>() / times.len() as f64);
        Ok([metrics.auroc, metrics.average_precision, metrics.f1_max, brier])
    };
    scored.iter().map(|runs| Ok(averaged(&runs.iter().map(of_run).collect::<Result<Vec<_>>>()?))).collect()
}

/// The means of each metric where it is defined.
fn averaged(values: &[Values]) -> Values {
    [0, 1, 2, 3].map(|metric| macro_average(values.iter().map(|values| values[metric])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootstrap::estimate_stratified;
    use crate::metrics::brier;

    #[test]
    fn a_record_belongs_to_its_rarest_class() {
        let targets = [[true, true], [true, false], [false, false], [true, true], [true, false]].map(Vec::from);
        assert_eq!(strata(&targets), [1, 0, 2, 1, 0]);
    }

    #[test]
    fn one_class_is_estimated_as_by_the_stratified_bootstrap() {
        let targets: Vec<bool> = (0..80).map(|i| i % 4 == 0).collect();
        let scores: Vec<f64> =
            (0..80).map(|i| ((f64::from(i) * 0.37).sin() + f64::from(u8::from(i % 4 == 0)) + 1.0) / 3.0).collect();
        let ranking = Ranking::new(&targets, &scores).unwrap();
        let squares: Vec<f64> =
            targets.iter().zip(&scores).map(|(&t, s)| (s - f64::from(u8::from(t))).powi(2)).collect();
        let config = BootstrapConfig { resamples: 20_000, level: 0.95 };
        let rows: Vec<Vec<bool>> = targets.iter().map(|&target| vec![target]).collect();
        let scored = [vec![Scored { ranking: ranking.clone(), squares }]];
        let (classes, mean) = estimate(&scored, &strata(&rows), &config, &Streams::new(3)).unwrap();
        assert_eq!(classes[0], mean);
        let other = estimate_stratified(&ranking, &config, &Streams::new(3)).unwrap();
        assert_eq!(mean.auroc.value, other.auroc.value);
        let (a, b) = (mean.auroc.interval.unwrap(), other.auroc.interval.unwrap());
        // Of 20,000 draws with a standard deviation near 0.055 the outer 2.5 % begin where they are known to about 0.001.
        assert!((a.low - b.low).abs() < 0.006 && (a.high - b.high).abs() < 0.006, "{a:?} {b:?}");
        assert_eq!(a.skipped, 0);
        let expected = brier(&targets, &scores).unwrap().unwrap();
        assert!((mean.brier.unwrap().value.unwrap() - expected).abs() < 1e-15);
    }
}

//! Bootstrap intervals of ranking metrics.
//!
//! Records are drawn with replacement; the metrics are computed anew from each resample, and the interval lies between
//! the percentiles of what came out (Efron & Tibshirani 1993, ch. 13). A class without a positive or a negative in a
//! resample has no metric there: that resample is skipped for it, and counted. Each resample draws from its own random
//! stream, so intervals are the same at any thread count.
//!
//! Percentile intervals are not corrected for bias. A resample repeats records, and repeated positives stand together in
//! the ranking, so average precision and F1-max lean upwards where positives are few.

use einthoven_random::Streams;
use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, same_length};
use crate::metrics::{RankMetrics, Ranking, macro_average};

/// How intervals are made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BootstrapConfig {
    /// How many resamples are drawn; 0 means no intervals.
    pub resamples: usize,
    /// The probability that the interval covers, in (0, 1).
    pub level: f64,
}

impl Default for BootstrapConfig {
    fn default() -> Self {
        Self { resamples: 1000, level: 0.95 }
    }
}

/// Percentile interval of one metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Resamples in which the metric was undefined, and which the interval leaves out.
    pub skipped: usize,
}

/// A metric's value over all records, and its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The metric over all records; `None` where it is undefined.
    pub value: Option<f64>,
    /// Its interval; `None` where no resample defined it.
    pub interval: Option<Interval>,
}

/// The ranking metrics with their intervals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimates {
    /// Area under the ROC curve.
    pub auroc: Estimate,
    /// Average precision (area under the precision-recall curve).
    pub auprc: Estimate,
    /// Greatest F1 over all thresholds, the threshold chosen anew in each resample.
    pub f1_max: Estimate,
}

/// What [`estimate`] finds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimated {
    /// One per class, in the order given.
    pub classes: Vec<Estimates>,
    /// Of the mean over the classes where the metric is defined, in each resample anew.
    pub r#macro: Estimates,
}

/// The metrics of every class and their macro averages, with intervals.
///
/// All rankings are over the same records in the same order; draws come from the stream
/// `("bootstrap", [resample])`.
pub fn estimate(classes: &[Ranking], config: &BootstrapConfig, streams: &Streams) -> Result<Estimated> {
    check_level(config)?;
    let records = classes.first().map_or(0, Ranking::len);
    for class in classes {
        same_length("records ranked for a class", records, class.len())?;
    }
    let resamples = (0..config.resamples as u64)
        .into_par_iter()
        .map_init(
            || vec![0; records],
            |times, resample| {
                draw(times, streams, resample);
                classes.iter().map(|class| class.metrics_resampled(times)).collect()
            },
        )
        .collect::<Result<Vec<Vec<RankMetrics>>>>()?;
    let values: Vec<RankMetrics> = classes.iter().map(Ranking::metrics).collect();

    let of = |value: &RankMetrics, resampled: &dyn Fn(&[RankMetrics]) -> RankMetrics| {
        let drawn: Vec<RankMetrics> = resamples.iter().map(|metrics| resampled(metrics)).collect();
        estimates(value, &drawn, config.level)
    };
    Ok(Estimated {
        classes: values.iter().enumerate().map(|(class, value)| of(value, &|metrics| metrics[class])).collect(),
        r#macro: of(&averaged(&values), &averaged),
    })
}

/// The metrics of one class with intervals from a stratified bootstrap: positives and negatives are drawn apart, as
/// many of each as there are (Carpenter & Bithell, Statistics in Medicine 2000), so that no resample lacks either.
///
/// Draws come from the stream `("bootstrap/stratified", [resample])`.
pub fn estimate_stratified(class: &Ranking, config: &BootstrapConfig, streams: &Streams) -> Result<Estimates> {
    check_level(config)?;
    let strata: [Vec<usize>; 2] = [true, false].map(|kind| class.records_of(kind));
    let resamples = (0..config.resamples as u64)
        .into_par_iter()
        .map_init(
            || vec![0; class.len()],
            |times, resample| {
                let mut stream = streams.stream("bootstrap/stratified", &[resample]);
                times.fill(0);
                for stratum in &strata {
                    for _ in 0..stratum.len() {
                        times[stratum[stream.random_range(0..stratum.len())]] += 1;
                    }
                }
                class.metrics_resampled(times)
            },
        )
        .collect::<Result<Vec<RankMetrics>>>()?;
    Ok(estimates(&class.metrics(), &resamples, config.level))
}

/// A metric over all records with the interval of its resampled values.
fn estimates(value: &RankMetrics, resampled: &[RankMetrics], level: f64) -> Estimates {
    let of = |metric: fn(&RankMetrics) -> Option<f64>| Estimate {
        value: metric(value),
        interval: percentile_interval(resampled.iter().map(metric), level),
    };
    Estimates {
        auroc: of(|metrics| metrics.auroc),
        auprc: of(|metrics| metrics.average_precision),
        f1_max: of(|metrics| metrics.f1_max),
    }
}

pub(crate) fn check_level(config: &BootstrapConfig) -> Result<()> {
    if config.level > 0.0 && config.level < 1.0 { Ok(()) } else { Err(Error::Level { level: config.level }) }
}

/// The interval that leaves `(1 − level) / 2` of the values on either side, interpolated linearly
/// between order statistics; `None` when no value is defined.
pub fn percentile_interval(values: impl IntoIterator<Item = Option<f64>>, level: f64) -> Option<Interval> {
    let mut skipped = 0;
    let mut sorted: Vec<f64> = Vec::new();
    for value in values {
        match value {
            Some(value) => sorted.push(value),
            None => skipped += 1,
        }
    }
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let quantile = |fraction: f64| {
        let place = fraction * last as f64;
        let below = place.floor() as usize;
        let above = (below + 1).min(last);
        sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
    };
    let tail = (1.0 - level) / 2.0;
    Some(Interval { low: quantile(tail), high: quantile(1.0 - tail), skipped })
}

/// How often each record occurs in the resample.
fn draw(times: &mut [u32], streams: &Streams, resample: u64) {
    let mut stream = streams.stream("bootstrap", &[resample]);
    times.fill(0);
    for _ in 0..times.len() {
        times[stream.random_range(0..times.len())] += 1;
    }
}

fn averaged(classes: &[RankMetrics]) -> RankMetrics {
    RankMetrics {
        auroc: macro_average(classes.iter().map(|metrics| metrics.auroc)),
        average_precision: macro_average(classes.iter().map(|metrics| metrics.average_precision)),
        f1_max: macro_average(classes.iter().map(|metrics| metrics.f1_max)),
    }
}

//! Bootstrap intervals.
//!
//! Units (records, patients) are drawn with replacement, as many as there are; the metrics are computed anew from each
//! resample, and the interval lies between the percentiles of what came out (Efron & Tibshirani 1993, ch. 13). A resample
//! in which a metric is undefined is skipped for it, and counted. Each resample draws from its own random stream, so intervals
//! are the same at any thread count.
//!
//! [Classes](estimate) are judged in one way everywhere: records are drawn within strata, so that rare classes keep their positives.
//!
//! Percentile intervals are not corrected for bias. A resample repeats records, and repeated positives stand together in
//! the ranking, so average precision and F1-max lean upwards where positives are few.

mod classes;
mod units;

use einthoven_random::Streams;
use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use classes::{Estimated, Estimates, Scored, estimate};
pub(crate) use units::{estimates, weighted_mean};

use crate::error::{Error, Result};

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

/// A metric's value over all units, and its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The metric over all units; `None` where it is undefined.
    pub value: Option<f64>,
    /// Its interval; `None` where no resample defined it.
    pub interval: Option<Interval>,
}

impl Estimate {
    /// A value with the interval of its resampled ones.
    fn new(value: Option<f64>, resampled: impl IntoIterator<Item = Option<f64>>, level: f64) -> Self {
        Self { value, interval: percentile_interval(resampled, level) }
    }
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

/// What `metrics` says of all units, and of each resample of them.
///
/// `strata` hold the units, each once; of each stratum as many are drawn as it has. `metrics` hears how often each unit counts. Draws
/// come from the stream `(name, [resample])`.
fn resampled<T: Send>(
    strata: &[Vec<usize>],
    config: &BootstrapConfig,
    streams: &Streams,
    name: &str,
    metrics: impl Fn(&[u32]) -> Result<T> + Sync,
) -> Result<(T, Vec<T>)> {
    if !(config.level > 0.0 && config.level < 1.0) {
        return Err(Error::Level { level: config.level });
    }
    let units = strata.iter().map(Vec::len).sum();
    let resample = |times: &mut Vec<u32>, resample: u64| {
        let mut stream = streams.stream(name, &[resample]);
        times.fill(0);
        for stratum in strata {
            for _ in 0..stratum.len() {
                times[stratum[stream.random_range(0..stratum.len())]] += 1;
            }
        }
        metrics(times)
    };
    let drawn = (0..config.resamples as u64).into_par_iter().map_init(|| vec![0; units], resample);
    let drawn = drawn.collect::<Result<_>>()?;
    Ok((metrics(&vec![1; units])?, drawn))
}

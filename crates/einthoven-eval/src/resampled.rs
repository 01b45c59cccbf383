//! Bootstrap intervals of metrics that are computed from how often each unit was drawn.

use einthoven_random::Streams;
use rand::RngExt;
use rayon::prelude::*;

use crate::bootstrap::{BootstrapConfig, Estimate, check_level, percentile_interval};
use crate::error::Result;

/// The metrics over `units` units (records, patients) and over as many drawn with replacement, with percentile intervals.
///
/// `metrics` hears how often each unit counts. Draws come from the stream `(name, [resample])`.
pub(crate) fn estimates<const N: usize>(
    units: usize,
    config: &BootstrapConfig,
    streams: &Streams,
    name: &str,
    metrics: impl Fn(&[u32]) -> [Option<f64>; N] + Sync,
) -> Result<[Estimate; N]> {
    check_level(config)?;
    let resample = |times: &mut Vec<u32>, resample: u64| {
        let mut stream = streams.stream(name, &[resample]);
        times.fill(0);
        for _ in 0..units {
            times[stream.random_range(0..units)] += 1;
        }
        metrics(times)
    };
    let resamples: Vec<[Option<f64>; N]> =
        (0..config.resamples as u64).into_par_iter().map_init(|| vec![0; units], resample).collect();
    let values = metrics(&vec![1; units]);
    Ok(std::array::from_fn(|metric| Estimate {
        value: values[metric],
        interval: percentile_interval(resamples.iter().map(|values| values[metric]), config.level),
    }))
}

/// The mean of `values`, each counted `times`; `None` where nothing counts.
pub(crate) fn weighted_mean(values: &[f64], times: &[u32]) -> Option<f64> {
    let count: u64 = times.iter().copied().map(u64::from).sum();
    let sum: f64 = values.iter().zip(times).map(|(value, &times)| value * f64::from(times)).sum();
    (count > 0).then(|| sum / count as f64)
}

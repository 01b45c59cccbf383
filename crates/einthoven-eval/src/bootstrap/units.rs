//! Metrics that are computed from how often each unit was drawn.

use einthoven_random::Streams;

use super::{BootstrapConfig, Estimate, resampled};
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
    let all = [(0..units).collect()];
    let (values, drawn) = resampled(&all, config, streams, name, |times| Ok(metrics(times)))?;
    let of = |metric: usize| Estimate::new(values[metric], drawn.iter().map(|values| values[metric]), config.level);
    Ok(std::array::from_fn(of))
}

/// The mean of `values`, each counted `times`; `None` where nothing counts.
pub(crate) fn weighted_mean(values: &[f64], times: &[u32]) -> Option<f64> {
    let count: u64 = times.iter().copied().map(u64::from).sum();
    let sum: f64 = values.iter().zip(times).map(|(value, &times)| value * f64::from(times)).sum();
    (count > 0).then(|| sum / count as f64)
}

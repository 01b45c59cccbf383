//! What the samples of one lead say about how it was recorded.

use super::numeric::quantile;
use crate::Record;

/// A lead that stays this close to one value for [`STILL_SECONDS`] is flat, mV: below the 5 µV step of usual recorders.
const STILL: f32 = 0.004;
/// Even between two beats an ECG does not stand still for so long, s.
const STILL_SECONDS: f64 = 0.4;
/// As many samples in a row at the lead's own highest or lowest value are cut off.
const CUT: usize = 4;
/// A recorder's limit is at least this far from where the lead is half of the time, mV: recorders reach 5 mV and more.
const LIMIT: f64 = 1.5;
/// A lead is no longer measured when this part of it is missing or flat, a choice.
const UNUSABLE: f64 = 0.4;

/// How a lead was recorded.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeadCondition {
    /// Part of the samples that are missing.
    pub missing: f64,
    /// Part of the time in which the lead stands still.
    pub flat: f64,
    /// Part of the samples that are cut off at the recorder's limit.
    pub saturated: f64,
}

impl LeadCondition {
    /// Whether the lead may be measured.
    pub fn is_usable(self) -> bool {
        self.missing + self.flat <= UNUSABLE && self.saturated <= UNUSABLE
    }
}

/// The condition of each lead.
pub(super) fn of(record: &Record) -> Vec<LeadCondition> {
    (0..record.leads().len()).map(|i| of_lead(record.row(i), record.sampling_rate())).collect()
}

fn of_lead(row: &[f32], rate: f64) -> LeadCondition {
    let length = row.len() as f64;
    let missing = row.iter().filter(|x| x.is_nan()).count();
    LeadCondition {
        missing: missing as f64 / length,
        flat: still(row, rate) as f64 / length,
        saturated: cut_off(row) as f64 / length,
    }
}

/// Samples in runs of [`STILL_SECONDS`] or longer that stay within [`STILL`].
fn still(row: &[f32], rate: f64) -> usize {
    let least = (STILL_SECONDS * rate).ceil() as usize;
    let mut count = 0;
    let mut start = 0;
    let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
    for (i, &x) in row.iter().chain([&f32::NAN]).enumerate() {
        let (lower, higher) = (low.min(x), high.max(x));
        if x.is_nan() || higher - lower > STILL {
            if i - start >= least {
                count += i - start;
            }
            start = if x.is_nan() { i + 1 } else { i };
            (low, high) = if x.is_nan() { (f32::INFINITY, f32::NEG_INFINITY) } else { (x, x) };
        } else {
            (low, high) = (lower, higher);
        }
    }
    count
}

/// Samples in runs of [`CUT`] or more at the lead's extremes, where these are far out.
fn cut_off(row: &[f32]) -> usize {
    let present: Vec<f64> = row.iter().filter(|x| !x.is_nan()).map(|&x| f64::from(x)).collect();
    let (Some(low), Some(high)) = (quantile(&present, 0.25), quantile(&present, 0.75)) else {
        return 0;
    };
    let (Some(least), Some(most)) = (quantile(&present, 0.0), quantile(&present, 1.0)) else {
        return 0;
    };
    let limits = [(most, most - high), (least, low - least)];
    limits
        .into_iter()
        .filter(|&(_, distance)| distance > LIMIT)
        .map(|(limit, _)| {
            let runs = row.chunk_by(|a, b| (f64::from(*a) == limit) == (f64::from(*b) == limit));
            runs.filter(|run| f64::from(run[0]) == limit && run.len() >= CUT).map(<[f32]>::len).sum::<usize>()
        })
        .sum()
}

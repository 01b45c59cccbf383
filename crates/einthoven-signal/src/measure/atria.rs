//! P waves: whether there are any, and where they begin and end.

use std::ops::Range;

use super::numeric::{correlation, largest, mean, quantile, samples, smooth};
use super::ventricles::Span;
use super::view::View;

/// P begins at most this long before QRS, ms.
const EARLIEST_MS: f64 = 360.0;
/// As much before QRS is looked at even where the T wave before leaves less, ms.
const LEAST_MS: f64 = 190.0;
/// After its end by the tangent T has decayed, ms.
const DECAY_MS: f64 = 30.0;
/// Speeds of P are seen over this many samples on each side.
const HALF: usize = 6;
/// P begins and ends where it changes with this part of its fastest change. Fitted on the simulator, where P waves begin
/// and end 2.5 standard deviations from their peaks; PTB-XL's normal recordings then have a median PR of 160 ms.
const EDGE: f64 = 0.3;
/// A further hump counts when it changes with this part of the fastest change …
const HUMP: f64 = 0.4;
/// … and lies this close to the peak, ms.
const HUMPS_MS: f64 = 90.0;
/// Nothing this close to the peak is higher, ms.
const SUMMIT_MS: f64 = 12.0;
/// Lower P waves are not seen, mV, root mean square over the leads: fitted on the simulator's fibrillation.
const LOWEST: f64 = 0.012;
/// P waves are there when those of single beats are this similar to the others' mean, in the mean.
/// Fitted on the simulator's rhythms and on PTB-XL's sample.
const ALIKE: f64 = 0.4;

/// Where P is looked for, in samples.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// What is looked at; it ends where QRS begins.
    pub whole: Range<usize>,
    /// The peak is no earlier: before it is the T wave of the beat before.
    pub earliest_peak: usize,
}

/// Where P is looked for, before QRS begins at `onset`; the T wave before ends `rest` samples before it, if known.
pub(super) fn window(onset: usize, rest: Option<f64>) -> Window {
    let (earliest, decay) = (samples(EARLIEST_MS) as f64, samples(DECAY_MS) as f64);
    let rest = rest.unwrap_or(earliest + decay).max(0.0);
    let length = (rest - decay).clamp(samples(LEAST_MS) as f64, earliest) as usize;
    let start = onset.saturating_sub(length);
    Window { whole: start..onset, earliest_peak: onset.saturating_sub((rest + decay) as usize).max(start) }
}

/// The leads without the end of the T wave before, which peaks at `peak` and ends `fall` samples later by its tangent.
///
/// At high rates P begins on it. T is taken to fall as a Gaussian, whose steepest tangent meets zero two standard
/// deviations after the peak.
pub(super) fn without_t(view: &View, peak: usize, fall: usize, level: &[f64]) -> Vec<Vec<f64>> {
    let deviation = (fall as f64 / 2.0).max(1.0);
    let rows = view.rows.iter().zip(level);
    rows.map(|(row, level)| {
        let height = row[peak] - level;
        let fallen = |i: usize| ((i - peak) as f64 / deviation).powi(2) / -2.0;
        row.iter().enumerate().map(|(i, x)| if i < peak { *x } else { x - height * fallen(i).exp() }).collect()
    })
    .collect()
}

/// The P wave in `window`.
pub(super) fn p_wave(view: &View, window: &Window) -> Option<Span> {
    let range = window.whole.clone();
    if range.len() < samples(100.0) || range.end > view.len() {
        return None;
    }
    let rows = levelled(view, range.clone());
    let ones = vec![1.0; rows.len()];
    let part = View { rows: rows.iter().map(Vec::as_slice).collect(), weights: &ones };
    let zero = vec![0.0; rows.len()];
    let wave = part.principal(0..part.len(), &zero);
    let inner = (window.earliest_peak - range.start).max(samples(16.0))..part.len() - samples(16.0);
    // What only falls, the end of a T wave, has no summit of its own.
    let near = samples(SUMMIT_MS);
    let is_summit = |i: usize| largest(i - near..i + near + 1, |k| wave[k].abs()) == Some(i);
    let peak = inner.filter(|&i| is_summit(i)).max_by(|&a, &b| wave[a].abs().total_cmp(&wave[b].abs()))?;
    if wave[peak].abs() / view.weights.iter().sum::<f64>().sqrt() < LOWEST {
        return None;
    }
    let mut speed = part.speed(HALF);
    let floor = quantile(&speed, 0.1)?;
    speed.iter_mut().for_each(|v| *v -= floor);
    let reach = samples(HUMPS_MS);
    let (before, after) = (peak.saturating_sub(reach)..peak, peak..(peak + reach).min(part.len()));
    let rise = speed[largest(before.clone(), |i| speed[i])?];
    let fall = speed[largest(after.clone(), |i| speed[i])?];
    // The first and the last fast place: a P wave may have two humps.
    let first = before.clone().find(|&i| speed[i] > HUMP * rise)?;
    let last = after.rev().find(|&i| speed[i] > HUMP * fall)?;
    let onset = (0..first).rev().find(|&i| speed[i] < EDGE * rise).unwrap_or(0);
    let offset = (last..part.len()).find(|&i| speed[i] < EDGE * fall).unwrap_or(part.len() - 1);
    Some(Span { onset: range.start + onset, peak: range.start + peak, offset: range.start + offset })
}

/// How much alike the P waves of single beats are: the mean correlation of each with the mean of the others.
///
/// What does not belong to the beat, as fibrillation, is not alike.
pub(super) fn likeness(beats: &[View]) -> Option<f64> {
    let stretches: Vec<Vec<f64>> = beats.iter().map(|view| levelled(view, 0..view.len()).concat()).collect();
    let length = stretches.first().map(Vec::len).filter(|_| stretches.len() > 1)?;
    let sum: Vec<f64> = (0..length).map(|i| stretches.iter().map(|stretch| stretch[i]).sum()).collect();
    let each: Vec<f64> = stretches
        .iter()
        .map(|stretch| {
            let others: Vec<f64> = sum.iter().zip(stretch).map(|(all, one)| all - one).collect();
            correlation(stretch, &others)
        })
        .collect();
    mean(&each)
}

/// Whether P waves of this likeness are P waves.
pub(super) fn are_alike(likeness: f64) -> bool {
    likeness >= ALIKE
}

/// How much two stretches before QRS are alike.
pub(super) fn resemblance(a: &View, b: &View) -> f64 {
    correlation(&levelled(a, 0..a.len()).concat(), &levelled(b, 0..b.len()).concat())
}

/// The leads in `range`, less the straight line from its beginning to its end, smoothed and weighted.
fn levelled(view: &View, range: Range<usize>) -> Vec<Vec<f64>> {
    let end = samples(8.0).min(range.len());
    let rows = view.rows.iter().zip(view.weights);
    rows.map(|(row, weight)| {
        let part = smooth(&row[range.clone()], 3);
        let level = |range: Range<usize>| mean(&part[range]).unwrap_or_default();
        let (first, last) = (level(0..end), level(part.len() - end..part.len()));
        let (step, scale) = ((last - first) / part.len().max(1) as f64, weight.sqrt());
        part.iter().enumerate().map(|(i, x)| scale * (x - first - step * i as f64)).collect()
    })
    .collect()
}

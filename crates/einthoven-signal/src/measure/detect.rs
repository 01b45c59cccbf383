//! Beats: where the QRS complexes are.
//!
//! After Pan and Tompkins (IEEE Trans. Biomed. Eng. 32:230, 1985), with all leads at once and with the whole recording
//! at hand: the band in which QRS complexes stand out, its energy in a moving window, a threshold that follows the
//! complexes around, and a second look where a beat is missing.

use super::numeric::{largest, median, quantile, samples, slope, smooth};
use super::signal::{RATE, Signal};
use crate::dsp::sosfiltfilt;
use crate::{BandPass, Result};

/// Where QRS complexes stand out from P and T waves and from noise, Hz (5 to 15 Hz in Pan and Tompkins; the upper edge
/// is higher because there are several leads to average noise out).
const BAND: BandPass = BandPass { low_hz: 6.0, high_hz: 25.0, order: 2 };
/// Two beats are at least this far apart, ms (Pan and Tompkins).
const REFRACTORY_MS: f64 = 200.0;
/// What comes this soon after a beat may be its T wave, ms (Pan and Tompkins).
const T_WAVE_MS: f64 = 360.0;
/// The level of the complexes is the middle one of those of two-second windows, so many before and after.
const WINDOW_MS: f64 = 2000.0;
const AROUND: usize = 4;

/// Thresholds in parts of the level around. Fitted on the simulator and on PTB-XL's sample.
const CERTAIN: f64 = 0.33;
/// In the second look.
const POSSIBLE: f64 = 0.15;
/// A beat stands out this much from what is between the beats, and in the second look.
const ABOVE_REST: f64 = 3.0;
const JUST_ABOVE_REST: f64 = 2.2;
/// A T wave is less than this as steep as the complex before it (0.5 in Pan and Tompkins).
const AS_STEEP: f64 = 0.5;
/// An interval this much longer than a rather short one is looked through again (1.66 times the mean in Pan and
/// Tompkins; the mean itself is long where many beats are missing).
const LONG: f64 = 1.5;
const RATHER_SHORT: f64 = 0.3;
/// A beat is seen in this part of the leads at least, with this part of its level there: an artefact is not.
const SEEN_IN: f64 = 0.375;
const SEEN: f64 = 0.25;
/// What is this much larger than what follows the other beats at the same distance is no T wave.
const UNLIKE_OTHERS: f64 = 2.0;
/// The other beats are so many before and after.
const NEIGHBOURS: usize = 20;
/// Peaks this close to each other are of one complex, ms.
const ONE_COMPLEX_MS: f64 = 130.0;
/// A complex that is largest so close to the recording's ends has its R peak outside, ms.
const EDGE_MS: f64 = 10.0;

/// R peaks, in samples: where the leads together are furthest from rest in each QRS complex.
pub(super) fn beats(signal: &Signal) -> Result<Vec<usize>> {
    let Some(energy) = energy(signal)? else {
        return Ok(Vec::new());
    };
    let size = size(signal);
    let candidates = candidates(&energy);
    let levels = levels(&energy.level);
    let rest = quantile(&energy.level, 0.3).unwrap_or_default();
    let threshold = |i: usize, part: f64, above: f64| (part * levels[i / samples(WINDOW_MS)]).max(above * rest);

    let mut chosen: Vec<usize> = Vec::new();
    for &i in &candidates {
        if energy.level[i] >= threshold(i, CERTAIN, ABOVE_REST) && !is_t_wave(&energy, chosen.last().copied(), i) {
            chosen.push(i);
        }
    }
    look_again(&energy, &candidates, &mut chosen, |i| threshold(i, POSSIBLE, JUST_ABOVE_REST));
    let ends = samples(EDGE_MS)..size.len().saturating_sub(samples(EDGE_MS));
    let mut peaks: Vec<usize> = chosen.into_iter().map(|i| peak(&size, i)).filter(|r| ends.contains(r)).collect();
    // Two parts of one complex.
    peaks.dedup_by(|next, r| *next < *r + samples(ONE_COMPLEX_MS));
    Ok(peaks)
}

/// The leads' energy in the band of QRS complexes.
struct Energy {
    /// Root of the mean over 80 ms, mV.
    level: Vec<f64>,
    /// The fastest change around, mV per sample.
    steepness: Vec<f64>,
    /// In how many leads a complex is seen.
    leads: Vec<u16>,
    /// In how many it has to be.
    least: u16,
}

impl Energy {
    /// Whether what is at `i` is seen in enough leads.
    fn is_seen(&self, i: usize) -> bool {
        self.leads[i] >= self.least
    }
}

fn energy(signal: &Signal) -> Result<Option<Energy>> {
    if signal.views.is_empty() {
        return Ok(None);
    }
    let sections = BAND.sections(RATE)?;
    let mut square = vec![0.0; signal.len()];
    let mut speed = vec![0.0; signal.len()];
    let mut leads = vec![0; signal.len()];
    for (&i, weight) in signal.views.iter().zip(&signal.weights) {
        let band = sosfiltfilt(&sections, &signal.rows[i])?;
        for (sum, x) in square.iter_mut().zip(&band) {
            *sum += weight * x * x;
        }
        let own: Vec<f64> = band.iter().map(|x| x * x).collect();
        let own = smooth(&own, samples(40.0));
        let complexes = levels(&own);
        for (i, count) in leads.iter_mut().enumerate() {
            *count += u16::from(own[i] >= SEEN * SEEN * complexes[i / samples(WINDOW_MS)]);
        }
        for (sum, v) in speed.iter_mut().zip(slope(&band, 2)) {
            *sum += weight * v * v;
        }
    }
    let level = smooth(&square, samples(40.0)).into_iter().map(f64::sqrt).collect();
    let steepness = smooth(&speed, samples(40.0)).into_iter().map(f64::sqrt).collect();
    let least = (SEEN_IN * signal.views.len() as f64).round() as u16;
    Ok(Some(Energy { level, steepness, leads, least }))
}

/// The square of how far the leads together are from rest, mV².
fn size(signal: &Signal) -> Vec<f64> {
    let mut square = vec![0.0; signal.len()];
    for (&i, weight) in signal.views.iter().zip(&signal.weights) {
        for (sum, x) in square.iter_mut().zip(smooth(&signal.rows[i], 2)) {
            *sum += weight * x * x;
        }
    }
    square
}

/// Peaks of the energy, the highest within the refractory time of those that are no artefacts.
fn candidates(energy: &Energy) -> Vec<usize> {
    let reach = samples(REFRACTORY_MS);
    let level = |i: usize| if energy.is_seen(i) { energy.level[i] } else { 0.0 };
    (0..energy.level.len())
        .filter(|&i| {
            let around = i.saturating_sub(reach)..(i + reach + 1).min(energy.level.len());
            level(i) > 0.0 && largest(around, level) == Some(i)
        })
        .collect()
}

/// The complexes' level in each window: the middle one of the highest energies of the windows around.
fn levels(level: &[f64]) -> Vec<f64> {
    let highest: Vec<f64> =
        level.chunks(samples(WINDOW_MS)).map(|chunk| chunk.iter().copied().fold(0.0, f64::max)).collect();
    (0..highest.len())
        .map(|i| {
            let around = &highest[i.saturating_sub(AROUND)..(i + AROUND + 1).min(highest.len())];
            median(around).unwrap_or_default()
        })
        .collect()
}

/// Whether what is at `i` belongs to the beat before: it comes soon, is smaller and rises slowly.
fn is_t_wave(energy: &Energy, before: Option<usize>, i: usize) -> bool {
    before.is_some_and(|beat| i - beat < samples(T_WAVE_MS) && energy.steepness[i] < AS_STEEP * energy.steepness[beat])
}

/// Whether what is at `i` is larger than what follows the other beats after the same time.
fn is_unlike_others(energy: &Energy, beats: &[usize], before: usize, i: usize) -> bool {
    let lag = i - before;
    let place = beats.partition_point(|&beat| beat < before);
    let around = &beats[place.saturating_sub(NEIGHBOURS)..(place + NEIGHBOURS).min(beats.len())];
    let clear = around.windows(2).filter(|pair| pair[0] != before && pair[1] - pair[0] > lag + samples(REFRACTORY_MS));
    let others: Vec<f64> = clear.map(|pair| energy.level[pair[0] + lag]).collect();
    median(&others).is_some_and(|usual| energy.level[i] > UNLIKE_OTHERS * usual)
}

/// Adds what is smaller than a usual beat where one is missing.
fn look_again(energy: &Energy, candidates: &[usize], beats: &mut Vec<usize>, threshold: impl Fn(usize) -> f64) {
    let intervals: Vec<f64> = beats.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
    let Some(usual) = quantile(&intervals, RATHER_SHORT) else {
        return;
    };
    // Gaps between two beats; the ends are looked through as if a beat had been just outside.
    let starts = std::iter::once(None).chain(beats.iter().copied().map(Some));
    let ends = beats.iter().copied().map(Some).chain([None]);
    let mut gaps: Vec<(Option<usize>, Option<usize>)> = starts.zip(ends).collect();
    let mut found = Vec::new();
    while let Some((start, end)) = gaps.pop() {
        let (from, to) = (start.map_or(0, |i| i + 1), end.unwrap_or(energy.level.len()));
        let long = if start.is_some() && end.is_some() { LONG } else { 1.0 };
        if ((to - from) as f64) < long * usual {
            continue;
        }
        let inside = candidates.partition_point(|&i| i < from)..candidates.partition_point(|&i| i < to);
        let missed = candidates[inside].iter().copied().filter(|&i| {
            let is_t =
                is_t_wave(energy, start, i) && !start.is_some_and(|start| is_unlike_others(energy, beats, start, i));
            energy.level[i] >= threshold(i) && !is_t && end.is_none_or(|end| end - i >= samples(T_WAVE_MS))
        });
        if let Some(missed) = missed.max_by(|&a, &b| energy.level[a].total_cmp(&energy.level[b])) {
            found.push(missed);
            gaps.extend([(start, Some(missed)), (Some(missed), end)]);
        }
    }
    beats.extend(found);
    beats.sort_unstable();
}

/// The R peak of the complex whose energy is highest at `i`.
fn peak(size: &[f64], i: usize) -> usize {
    let reach = samples(70.0);
    largest(i.saturating_sub(reach)..(i + reach + 1).min(size.len()), |k| size[k]).unwrap_or(i)
}

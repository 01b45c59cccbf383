//! Where QRS begins and ends, and where T does.

use std::ops::Range;

use super::numeric::{largest, quantile, samples, slope, smooth};
use super::signal::RATE;
use super::view::View;

/// A wave in samples of the view that it was found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub onset: usize,
    pub peak: usize,
    pub offset: usize,
}

/// Slopes of QRS are seen over this many samples on each side, of T waves over these.
const QRS_HALF: usize = 3;
const T_HALF: usize = 10;
/// QRS reaches at most this far from the R peak, ms.
const QRS_MS: (f64, f64) = (130.0, 170.0);
/// QRS begins and ends where all leads together change this slowly for [`CALM_MS`], in parts of the fastest change.
/// Fitted between the simulator, whose waves begin and end 3 standard deviations from their peaks (2 ms too long with
/// these), and PTB-XL's normal recordings (a median of 88 ms).
const ONSET: f64 = 0.03;
const OFFSET: f64 = 0.05;
const CALM_MS: f64 = 14.0;
/// … or no faster than this against the calmest part around.
const ABOVE_CALM: f64 = 2.5;
/// … or, after QRS, no faster than this against the ST segment, which may slope.
const ABOVE_ST: f64 = 1.3;
/// What is calm is at most this part as fast as the fastest change, however noisy the recording.
const CALM_AT_MOST: f64 = 0.25;
/// Where QRS has no calm before it (a delta wave on a P wave) or after it, what is this much faster must do.
const EASE: [f64; 4] = [1.0, 1.5, 2.3, 3.5];
/// The isoelectric line is taken just before QRS, ms before its onset.
const LINE_MS: (f64, f64) = (20.0, 4.0);
/// T peaks no earlier than this after QRS, ms.
const T_AFTER_QRS_MS: f64 = 40.0;
/// T peaks within half of the cube root of the RR interval (s) after the onset of QRS, which is a QTc of about 590 ms
/// (Fridericia), and before the next P wave.
const T_PEAK: f64 = 0.5;
const BEFORE_NEXT: f64 = 0.7;
/// A second phase of T counts when it has this part of the larger one's height.
const SECOND_PHASE: f64 = 0.35;
/// The steepest descent is looked for this long after the peak, ms.
const DESCENT_MS: f64 = 160.0;
/// … and before the next QRS complex, ms.
const BEFORE_QRS_MS: f64 = 40.0;
/// T waves lower than this are not measured, mV, root mean square over the leads: a choice, in the order of the noise
/// left in a typical beat.
const LOWEST_T: f64 = 0.02;

/// The QRS complex around the R peak at `r`.
pub(super) fn qrs(view: &View, r: usize) -> Option<Span> {
    let speed = smooth(&view.speed(QRS_HALF), 1);
    let (before, after) = (samples(QRS_MS.0), samples(QRS_MS.1));
    let (start, end) = (r.saturating_sub(before), (r + after).min(speed.len()));
    let around = speed.get(start..end)?;
    let near = r.saturating_sub(samples(60.0))..(r + samples(60.0)).min(speed.len());
    let fastest = largest(near, |i| speed[i])?;
    let calm = (ABOVE_CALM * quantile(around, 0.1)?).min(CALM_AT_MOST * speed[fastest]);
    let st = ABOVE_ST * quantile(speed.get(r..end)?, 0.2)?;
    let hold = samples(CALM_MS);
    let last = end.checked_sub(hold)?;
    let is_calm = |range: Range<usize>, limit: f64| speed[range].iter().all(|v| *v < limit);
    let onset = EASE.into_iter().find_map(|ease| {
        let limit = ease * calm.max(ONSET * speed[fastest]);
        (start + hold..=fastest.min(r)).rev().find(|&i| is_calm(i - hold..i, limit))
    })?;
    let offset = EASE.into_iter().find_map(|ease| {
        let limit = (ease * calm.max(OFFSET * speed[fastest])).max(st);
        (fastest.max(r)..last).find(|&i| is_calm(i..i + hold, limit))
    })?;
    Some(Span { onset, peak: r, offset })
}

/// The isoelectric line before QRS.
pub(super) fn line(onset: usize) -> Range<usize> {
    onset.saturating_sub(samples(LINE_MS.0))..onset.saturating_sub(samples(LINE_MS.1)).max(1)
}

/// The T wave after `qrs`, `rr` being the RR interval in seconds.
///
/// It ends where the tangent at its steepest descent meets the isoelectric line (Lepeschkin and Surawicz, Circulation
/// 6:378, 1952), seen in the direction in which the leads vary most.
pub(super) fn t_wave(view: &View, qrs: Span, rr: f64) -> Option<Span> {
    let latest = 1e3 * (T_PEAK * rr.cbrt()).min(BEFORE_NEXT * rr);
    let window = qrs.offset + samples(T_AFTER_QRS_MS)..(qrs.onset + samples(latest)).min(view.len());
    if window.len() < samples(40.0) {
        return None;
    }
    let level = view.level(line(qrs.onset));
    let wave = smooth(&view.principal(window.clone(), &level), 4);
    let steep = slope(&wave, T_HALF);
    let mut peak = largest(window.clone(), |i| wave[i].abs())?;
    if view.distance(peak, &level) < LOWEST_T {
        return None;
    }
    // Of a T wave with two phases the second one ends it.
    let second = largest(peak..window.end, |i| -wave[i] * wave[peak].signum())?;
    if -wave[second] * wave[peak].signum() > SECOND_PHASE * wave[peak].abs() && second + 1 < window.end {
        peak = second;
    }
    let sign = wave[peak].signum();
    let next = qrs.onset + (rr * RATE) as usize;
    let descent = peak..(peak + samples(DESCENT_MS)).min(view.len()).min(next.saturating_sub(samples(BEFORE_QRS_MS)));
    let steepest = largest(descent, |i| -sign * steep[i])?;
    let offset = tangent(&wave, &steep, steepest, sign)?;
    let ascent = largest(qrs.offset..peak, |i| sign * steep[i])?;
    let onset = tangent(&wave, &steep, ascent, sign).unwrap_or(qrs.offset).max(qrs.offset).min(peak);
    (offset > peak && offset < view.len()).then_some(Span { onset, peak, offset })
}

/// Where the tangent at `i` meets zero, if the wave moves to or from there.
fn tangent(wave: &[f64], steep: &[f64], i: usize, sign: f64) -> Option<usize> {
    let (height, slope) = (sign * wave[i], sign * steep[i]);
    if slope == 0.0 {
        return None;
    }
    let place = i as f64 - height / slope;
    (place.is_finite() && place >= 0.0).then(|| place.round() as usize)
}

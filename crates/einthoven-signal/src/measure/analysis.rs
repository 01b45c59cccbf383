//! From a recording to its beats and the typical one.

use std::ops::Range;

use super::condition::{self, LeadCondition};
use super::numeric::{median, samples};
use super::result::{Beat, Intervals, Wave, Waves};
use super::shape::{Shapes, average};
use super::signal::{RATE, Signal};
use super::ventricles::{Span, line, qrs, t_wave};
use super::view::View;
use super::{atria, detect};
use crate::{Record, Result};

/// A beat is looked at from so many samples before its R peak (500 ms) to so many after it (800 ms).
const BEFORE: usize = 250;
const AFTER: usize = 400;
/// A stimulus this long before the R peak belongs to the beat, ms: a paced complex may take that long to its peak.
const STIMULUS_MS: f64 = 140.0;
/// The T wave before is taken away when it ends this shortly before QRS, ms.
const T_NEAR_MS: f64 = 220.0;

/// P waves of so many beats at most are compared, evenly chosen.
const COMPARED: usize = 256;

/// A recording with its beats.
pub(super) struct Analysis {
    pub conditions: Vec<LeadCondition>,
    pub signal: Signal,
    pub shapes: Shapes,
    /// The usual interval between beats, s.
    pub rr: Option<f64>,
    /// None without beats.
    pub typical: Option<Typical>,
}

/// The average beat of the rhythm; its R peak is sample [`BEFORE`].
pub(super) struct Typical {
    /// `[leads][samples]`, mV.
    pub rows: Vec<Vec<f64>>,
    pub qrs: Option<Span>,
    pub t: Option<Span>,
    pub p: Option<Span>,
    /// How much alike the waves before QRS are.
    pub likeness: Option<f64>,
    /// Where P was looked for.
    window: Option<atria::Window>,
}

impl Analysis {
    pub fn of(record: &Record) -> Result<Self> {
        let conditions = condition::of(record);
        let signal = Signal::new(record, &conditions)?;
        let peaks = detect::beats(&signal)?;
        let shapes = Shapes::of(&signal, &peaks);
        let intervals: Vec<f64> =
            shapes.beats.windows(2).map(|pair| (pair[1].r.saturating_sub(pair[0].r)) as f64 / RATE).collect();
        let rr = median(&intervals);
        let typical = (!peaks.is_empty()).then(|| Typical::of(&signal, &shapes.typical(), rr));
        Ok(Self { conditions, signal, shapes, rr, typical })
    }

    /// Durations of the typical beat.
    pub fn intervals(&self) -> Intervals {
        let Some(typical) = &self.typical else {
            return Intervals::default();
        };
        let ms = |from: usize, to: usize| (to - from) as f64 * 1e3 / RATE;
        let qt_ms = typical.qrs.zip(typical.t).map(|(qrs, t)| ms(qrs.onset, t.offset));
        Intervals {
            p_ms: typical.p.map(|p| ms(p.onset, p.offset)),
            pr_ms: typical.qrs.zip(typical.p).map(|(qrs, p)| ms(p.onset, qrs.onset)),
            qrs_ms: typical.qrs.map(|qrs| ms(qrs.onset, qrs.offset)),
            qt_ms,
            qtc_bazett_ms: qt_ms.zip(self.rr).map(|(qt, rr)| qt / rr.sqrt()),
            qtc_fridericia_ms: qt_ms.zip(self.rr).map(|(qt, rr)| qt / rr.cbrt()),
        }
    }

    /// The typical beat's waves, in seconds from its R peak.
    pub fn typical_waves(&self) -> Option<Waves> {
        let typical = self.typical.as_ref()?;
        let wave = |span: Option<Span>| span.map(|span| seconds(span, -(BEFORE as f64)));
        Some(Waves { p: wave(typical.p), qrs: wave(typical.qrs), t: wave(typical.t) })
    }

    /// All beats with their own waves.
    pub fn beats(&self) -> Vec<Beat> {
        let beats = &self.shapes.beats;
        (0..beats.len())
            .map(|i| Beat {
                r: beats[i].r as f64 / RATE,
                usual_shape: beats[i].shape == self.shapes.main,
                premature: beats[i].premature,
                paced: self.is_paced(beats[i].r),
                waves: self.waves(i),
            })
            .collect()
    }

    pub fn is_paced(&self, r: usize) -> bool {
        let from = r.saturating_sub(samples(STIMULUS_MS));
        let stimuli = &self.signal.stimuli;
        stimuli.get(stimuli.partition_point(|&stimulus| stimulus < from)).is_some_and(|&stimulus| stimulus <= r)
    }

    /// The waves of beat `i`.
    fn waves(&self, i: usize) -> Waves {
        let beats = &self.shapes.beats;
        let r = beats[i].r;
        let rr = beats.get(i + 1).map(|next| (next.r - r) as f64 / RATE).or(self.rr).unwrap_or(DEFAULT_RR);
        let start = r.saturating_sub(BEFORE);
        let view = view(&self.signal, start..(r + AFTER).min(self.signal.len()));
        let Some(qrs) = qrs(&view, r - start) else {
            return Waves::default();
        };
        let wave = |span: Span| seconds(span, start as f64);
        let p = if beats[i].shape == self.shapes.main { self.own_p(i, &view, start, qrs) } else { None };
        Waves { p: p.map(wave), qrs: Some(wave(qrs)), t: t_wave(&view, qrs, rr).map(wave) }
    }

    /// The P wave of beat `i`, if it is like that of the typical one; `beat` is its stretch from `start` on.
    fn own_p(&self, i: usize, beat: &View, start: usize, qrs: Span) -> Option<Span> {
        let typical = self.typical.as_ref()?;
        typical.p?;
        let window = typical.window.clone()?;
        let begin = (self.shapes.beats[i].r + window.whole.start).checked_sub(BEFORE)?;
        let own = view_of(&self.signal, begin..begin + window.whole.len())?;
        let usual = part(&self.signal, &typical.rows, window.whole.clone());
        if !atria::are_alike(atria::resemblance(&own, &usual)) {
            return None;
        }
        // The same stretch, up to where this beat's QRS begins.
        let whole = begin.checked_sub(start)?..qrs.onset;
        let earliest_peak = whole.start + (window.earliest_peak - window.whole.start);
        if earliest_peak >= whole.end {
            return None;
        }
        let near = typical.t.filter(|t| {
            let end = (t.offset - BEFORE + self.shapes.beats[i.saturating_sub(1)].r) as f64;
            i > 0 && (qrs.onset + start) as f64 - end < samples(T_NEAR_MS) as f64
        });
        let before = near.and_then(|t| {
            let peak = (self.shapes.beats[i - 1].r + t.peak - BEFORE).checked_sub(start)?;
            (peak < qrs.onset).then_some((peak, t.offset - t.peak))
        });
        p_wave(beat, &atria::Window { whole, earliest_peak }, qrs, before)
    }
}

/// The RR interval of a single beat, s.
const DEFAULT_RR: f64 = 0.8;

impl Typical {
    /// The average of the beats at `centers`, `rr` being the usual interval in seconds.
    fn of(signal: &Signal, centers: &[usize], rr: Option<f64>) -> Self {
        let range = -(BEFORE as isize)..AFTER as isize;
        let rows: Vec<Vec<f64>> = signal.rows.iter().map(|row| average(row, centers, range.clone())).collect();
        let mut typical = Self { rows, qrs: None, t: None, p: None, likeness: None, window: None };
        let interval = rr.unwrap_or(DEFAULT_RR);
        let view = part(signal, &typical.rows, 0..BEFORE + AFTER);
        let Some(qrs) = qrs(&view, BEFORE) else {
            return typical;
        };
        let t = t_wave(&view, qrs, interval);
        let beat = (interval * RATE).round() as usize;
        // Samples from the end of T to the next QRS complex; none if there is only one beat.
        let rest = rr.and(t).map(|t| beat as f64 - (t.offset - qrs.onset) as f64);
        let window = atria::window(qrs.onset, rest);
        let single: Vec<View> = centers
            .iter()
            .step_by(centers.len().div_ceil(COMPARED).max(1))
            .filter_map(|center| (center + window.whole.start).checked_sub(BEFORE))
            .map(|begin| view_of(signal, begin..begin + window.whole.len()))
            .collect::<Option<_>>()
            .unwrap_or_default();
        let likeness = atria::likeness(&single);
        let near = rest.is_some_and(|rest| rest < samples(T_NEAR_MS) as f64);
        let before = t.filter(|t| near && t.peak >= beat);
        let p = p_wave(&view, &window, qrs, before.map(|t| (t.peak - beat, t.offset - t.peak)));
        typical.p = p.filter(|_| likeness.is_none_or(atria::are_alike));
        (typical.qrs, typical.t, typical.likeness, typical.window) = (Some(qrs), t, likeness, Some(window));
        typical
    }
}

/// The P wave before `qrs`, the T wave before it taken away if its peak and its fall are given.
fn p_wave(view: &View, window: &atria::Window, qrs: Span, before: Option<(usize, usize)>) -> Option<Span> {
    let Some((peak, fall)) = before else {
        return atria::p_wave(view, window);
    };
    let rows = atria::without_t(view, peak, fall, &view.level(line(qrs.onset)));
    atria::p_wave(&View { rows: rows.iter().map(Vec::as_slice).collect(), weights: view.weights }, window)
}

/// The views of a signal in `range`; none if it is not within it.
fn view_of(signal: &Signal, range: Range<usize>) -> Option<View<'_>> {
    (range.end <= signal.len()).then(|| view(signal, range))
}

/// The views of a signal in `range`.
fn view(signal: &Signal, range: Range<usize>) -> View<'_> {
    part(signal, &signal.rows, range)
}

/// Those of `rows` that are views, in `range`.
fn part<'a>(signal: &'a Signal, rows: &'a [Vec<f64>], range: Range<usize>) -> View<'a> {
    View { rows: signal.views.iter().map(|&i| &rows[i][range.clone()]).collect(), weights: &signal.weights }
}

/// A span of samples in seconds, its samples counted from `start`.
fn seconds(span: Span, start: f64) -> Wave {
    let time = |i: usize| (i as f64 + start) / RATE;
    Wave { onset: time(span.onset), peak: time(span.peak), offset: time(span.offset) }
}

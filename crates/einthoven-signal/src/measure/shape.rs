//! Beats of one shape, and the typical beat made of them.

use std::ops::Range;

use super::numeric::{correlation, mean, median, samples};
use super::signal::Signal;

/// Part of a beat that shows where it comes from, ms around the R peak.
const COMPLEX_MS: (f64, f64) = (70.0, 100.0);
/// Beats are moved by at most this much to fit each other, ms: where QRS has two peaks, now one is the higher and now
/// the other.
const SHIFT_MS: f64 = 40.0;
/// Beats that are at least this similar have one shape. Fitted on the simulator's ventricular premature beats and on noise.
const SIMILAR: f64 = 0.85;
/// Beats of one shape differ by at most this factor in size.
const FACTOR: f64 = 2.0;
/// So many shapes are told apart; a recording with more is mostly noise, and what fits none of them is one odd shape more.
const MOST_SHAPES: usize = 24;
/// Two shapes are about as frequent when one has this part of the other's beats; a bigeminus has.
const AS_FREQUENT: f64 = 0.6;
/// A beat is premature after less than this part of the usual interval, a choice near the 20 % of most readers.
const PREMATURE: f64 = 0.85;

/// A beat of the recording.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// The R peak, in samples: in all beats of a shape the same moment of the complex.
    pub r: usize,
    /// Number of its shape.
    pub shape: usize,
    /// It comes early.
    pub premature: bool,
}

/// Beats with their shapes, and which of the shapes is the rhythm's.
pub(super) struct Shapes {
    pub beats: Vec<Found>,
    /// The shape of the rhythm.
    pub main: usize,
}

/// One shape while beats are gathered.
struct Shape {
    sum: Vec<f64>,
    count: usize,
}

impl Shapes {
    /// Sorts the beats with R peaks at `peaks` by shape.
    pub fn of(signal: &Signal, peaks: &[usize]) -> Self {
        let mut shapes: Vec<Shape> = Vec::new();
        let mut beats = Vec::with_capacity(peaks.len());
        for &r in peaks {
            let best = shapes
                .iter()
                .enumerate()
                .filter_map(|(i, shape)| Some((i, shape.fit(signal, r)?)))
                .max_by(|a, b| a.1.likeness.total_cmp(&b.1.likeness));
            let (shape, center) = match best {
                Some((i, fit)) if fit.likeness >= SIMILAR => (i, fit.center),
                _ if shapes.len() == MOST_SHAPES => (MOST_SHAPES, r),
                _ => {
                    shapes.push(Shape { sum: vec![0.0; complex(signal, r).len()], count: 0 });
                    (shapes.len() - 1, r)
                }
            };
            if let Some(shape) = shapes.get_mut(shape) {
                shape.add(&complex(signal, center));
            }
            beats.push(Found { r: center, shape, premature: false });
        }
        // Early beats were fitted to what was known of the shape then.
        for beat in &mut beats {
            if let Some(fit) = shapes.get(beat.shape).and_then(|shape| shape.fit(signal, beat.r)) {
                beat.r = fit.center;
            }
        }
        mark_premature(&mut beats);
        let main = main(&beats, shapes.len());
        Self { beats, main }
    }

    /// Beats of the rhythm's shape, if possible those that are not premature.
    pub fn typical(&self) -> Vec<usize> {
        let of = |calm: bool| -> Vec<usize> {
            let beats = self.beats.iter().filter(|beat| beat.shape == self.main && !(calm && beat.premature));
            beats.map(|beat| beat.r).collect()
        };
        let calm = of(true);
        if calm.len() >= 2 { calm } else { of(false) }
    }
}

/// How well a beat fits a shape.
struct Fit {
    center: usize,
    likeness: f64,
}

impl Shape {
    fn add(&mut self, complex: &[f64]) {
        self.count += 1;
        for (sum, x) in self.sum.iter_mut().zip(complex) {
            *sum += x;
        }
    }

    /// The best fit of the beat at `r`; none where its size is another.
    fn fit(&self, signal: &Signal, r: usize) -> Option<Fit> {
        let reach = samples(SHIFT_MS);
        let usual: Vec<f64> = self.sum.iter().map(|x| x / self.count.max(1) as f64).collect();
        let centers = r.saturating_sub(reach)..=(r + reach).min(signal.len() - 1);
        let fits = centers.map(|center| Fit { center, likeness: correlation(&usual, &complex(signal, center)) });
        let best = fits.max_by(|a, b| a.likeness.total_cmp(&b.likeness))?;
        let ratio = (energy(&complex(signal, best.center)) / energy(&usual)).sqrt();
        (1.0 / FACTOR..FACTOR).contains(&ratio).then_some(best)
    }
}

fn energy(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum()
}

/// The complex around `center` in all views, one after the other; beyond the recording its first and last samples.
fn complex(signal: &Signal, center: usize) -> Vec<f64> {
    let (before, after) = (samples(COMPLEX_MS.0), samples(COMPLEX_MS.1));
    let last = signal.len() - 1;
    let mut all = Vec::with_capacity((before + after) / 2 * signal.views.len());
    for (&i, weight) in signal.views.iter().zip(&signal.weights) {
        let row = &signal.rows[i];
        // Every second sample: 250 Hz show a QRS complex. Less the mean, as the baseline tells nothing.
        let start = all.len();
        all.extend((0..before + after).step_by(2).map(|k| weight * row[(center + k).saturating_sub(before).min(last)]));
        let mean = mean(&all[start..]).unwrap_or_default();
        all[start..].iter_mut().for_each(|x| *x -= mean);
    }
    all
}

/// Marks beats that come early, against the intervals around.
fn mark_premature(beats: &mut [Found]) {
    const AROUND: usize = 8;
    let intervals: Vec<f64> = beats.windows(2).map(|pair| (pair[1].r - pair[0].r) as f64).collect();
    for (i, &interval) in intervals.iter().enumerate() {
        let around = &intervals[i.saturating_sub(AROUND)..(i + AROUND + 1).min(intervals.len())];
        let usual = median(around).unwrap_or_default();
        beats[i + 1].premature = interval < PREMATURE * usual;
    }
}

/// The shape with most beats; of two about as frequent the one whose beats come late, as premature ones do not.
fn main(beats: &[Found], shapes: usize) -> usize {
    let count = |shape: usize| beats.iter().filter(|beat| beat.shape == shape).count();
    let most = (0..shapes).map(count).max().unwrap_or(0);
    let wait = |shape: usize| {
        let before = beats.windows(2).filter(|pair| pair[1].shape == shape);
        let waits: Vec<f64> = before.map(|pair| (pair[1].r - pair[0].r) as f64).collect();
        median(&waits).unwrap_or_default()
    };
    (0..shapes)
        .filter(|&shape| count(shape) as f64 >= AS_FREQUENT * most as f64)
        .max_by(|&a, &b| wait(a).total_cmp(&wait(b)))
        .unwrap_or(0)
}

/// The average of a lead around `centers`, `range` in samples from the R peak: the mean of the middle half of the beats.
///
/// Beats that are not whole within the recording count where they are. The level of each beat is not changed.
pub(super) fn average(row: &[f64], centers: &[usize], range: Range<isize>) -> Vec<f64> {
    let mut values = Vec::with_capacity(centers.len());
    range
        .map(|offset| {
            values.clear();
            values.extend(centers.iter().filter_map(|&center| row.get(center.checked_add_signed(offset)?).copied()));
            middle(&mut values)
        })
        .collect()
}

/// The mean of the middle half.
fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let quarter = values.len() / 4;
    let inner = &values[quarter..values.len() - quarter];
    if inner.is_empty() { 0.0 } else { inner.iter().sum::<f64>() / inner.len() as f64 }
}

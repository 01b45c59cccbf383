//! Heights, levels, directions and voltage criteria of the typical beat.

use std::ops::Range;

use super::analysis::{Analysis, Typical};
use super::numeric::{largest, mean, samples};
use super::result::{Axes, LeadMeasurements, Voltage};
use super::ventricles::{Span, line};
use crate::Lead;

/// ST is measured this long after QRS, ms, over [`ST_WIDTH_MS`].
const ST_MS: f64 = 60.0;
const ST_WIDTH_MS: f64 = 8.0;
/// Without a QRS area above this, in mV ms, there is no direction.
const LEAST_AREA: f64 = 0.1;

/// A lead of the typical beat, from the level just before QRS.
struct Row {
    samples: Vec<f64>,
}

impl Row {
    fn of(typical: &Typical, index: usize, qrs: Span) -> Self {
        let row = &typical.rows[index];
        let level = mean(&row[line(qrs.onset)]).unwrap_or_default();
        Self { samples: row.iter().map(|x| x - level).collect() }
    }

    /// R, S and Q of the complex, mV.
    fn deflections(&self, qrs: Span) -> (f64, f64, f64) {
        let complex = qrs.onset..qrs.offset + 1;
        let Some(top) = largest(complex.clone(), |i| self.samples[i]) else {
            return (0.0, 0.0, 0.0);
        };
        let r = self.samples[top].max(0.0);
        let depth = |range: Range<usize>| self.samples[range].iter().fold(0.0, |deep: f64, x| deep.max(-x));
        // Without an R wave there is no Q wave either but a QS complex.
        let q = if r < LEAST_R { 0.0 } else { depth(complex.start..top) };
        (r, depth(complex), q)
    }

    /// The sample in a wave that is furthest from the line between its ends, from there, mV.
    fn height(&self, wave: Span) -> Option<f64> {
        let (start, end) = (*self.samples.get(wave.onset)?, *self.samples.get(wave.offset)?);
        let step = (end - start) / (wave.offset - wave.onset).max(1) as f64;
        let at = |i: usize| self.samples[i] - start - step * (i - wave.onset) as f64;
        largest(wave.onset..wave.offset + 1, |i| at(i).abs()).map(at)
    }

    /// The area of a span, mV samples.
    fn area(&self, wave: Span) -> f64 {
        self.samples.get(wave.onset..=wave.offset).map_or(0.0, |part| part.iter().sum())
    }

    /// The height of T above the level before QRS, mV.
    fn t_height(&self, t: Span) -> Option<f64> {
        largest(t.onset..t.offset.min(self.samples.len() - 1), |i| self.samples[i].abs()).map(|i| self.samples[i])
    }
}

/// Smaller upward deflections are no R wave, mV: the smallest that the CSE study counts is 20 µV.
const LEAST_R: f64 = 0.02;

/// Every lead of the recording; nothing is measured in those that are not usable.
pub(super) fn leads(analysis: &Analysis) -> Vec<LeadMeasurements> {
    let measured = |index: usize| -> Option<LeadMeasurements> {
        let typical = analysis.typical.as_ref()?;
        let qrs = typical.qrs?;
        if !analysis.conditions[index].is_usable() {
            return None;
        }
        let row = Row::of(typical, index, qrs);
        let (r, s, q) = row.deflections(qrs);
        let st = qrs.offset + samples(ST_MS);
        let half = samples(ST_WIDTH_MS / 2.0);
        Some(LeadMeasurements {
            lead: analysis.signal.leads[index].clone(),
            r_mv: Some(r),
            s_mv: Some(s),
            q_mv: Some(q),
            st_mv: row.samples.get(st - half..=st + half).and_then(mean),
            p_mv: typical.p.and_then(|p| row.height(p)),
            t_mv: typical.t.and_then(|t| row.t_height(t)),
        })
    };
    let missing = |lead: &Lead| LeadMeasurements {
        lead: lead.clone(),
        r_mv: None,
        s_mv: None,
        q_mv: None,
        st_mv: None,
        p_mv: None,
        t_mv: None,
    };
    let all = analysis.signal.leads.iter().enumerate();
    all.map(|(index, lead)| measured(index).unwrap_or_else(|| missing(lead))).collect()
}

/// Frontal axes, from I and aVF or what gives aVF.
pub(super) fn axes(analysis: &Analysis) -> Axes {
    let axis = |span: fn(&Typical) -> Option<Span>| {
        let typical = analysis.typical.as_ref()?;
        let (qrs, span) = (typical.qrs?, span(typical)?);
        let area = |lead: Lead| {
            let index = analysis.signal.index(&lead).filter(|&i| analysis.conditions[i].is_usable())?;
            Some(Row::of(typical, index, qrs).area(span))
        };
        let one = area(Lead::I)?;
        let foot = area(Lead::AVF).or_else(|| Some(area(Lead::II)? - one / 2.0))?;
        let (x, y) = (one, 2.0 / 3f64.sqrt() * foot);
        (x.hypot(y) * 1e3 / super::signal::RATE > LEAST_AREA).then(|| y.atan2(x).to_degrees())
    };
    Axes { p: axis(|typical| typical.p), qrs: axis(|typical| typical.qrs), t: axis(|typical| typical.t) }
}

/// Voltage criteria.
pub(super) fn voltage(analysis: &Analysis) -> Voltage {
    let leads = leads(analysis);
    let find = |lead: Lead| leads.iter().find(|measured| measured.lead == lead);
    let r = |lead: Lead| find(lead).and_then(|measured| measured.r_mv);
    let s = |lead: Lead| find(lead).and_then(|measured| measured.s_mv);
    let lateral = r(Lead::V5).into_iter().chain(r(Lead::V6)).reduce(f64::max);
    let cornell_mv = r(Lead::AVL).zip(s(Lead::V3)).map(|(r, s)| r + s);
    let qrs_ms = analysis.intervals().qrs_ms;
    Voltage {
        sokolow_lyon_mv: s(Lead::V1).zip(lateral).map(|(s, r)| s + r),
        cornell_mv,
        cornell_product_mv_ms: cornell_mv.zip(qrs_ms).map(|(voltage, qrs)| voltage * qrs),
    }
}

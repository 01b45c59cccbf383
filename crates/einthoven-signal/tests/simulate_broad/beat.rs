//! The average beat of a recording.

use einthoven_signal::simulate::SimulatedEcg;

pub const I: usize = 0;
pub const II: usize = 1;
pub const III: usize = 2;
pub const AVL: usize = 4;
pub const AVF: usize = 5;
pub const V1: usize = 6;
pub const V2: usize = 7;
pub const V3: usize = 8;
pub const V4: usize = 9;
pub const V5: usize = 10;
pub const V6: usize = 11;

/// Samples before the R peak, at 500 Hz.
const BEFORE: usize = 125;
/// Samples after the R peak.
const AFTER: usize = 300;

/// The average of the beats, 500 Hz, from 250 ms before R to 600 ms after it, and what is true of them.
pub struct Beat {
    leads: Vec<Vec<f64>>,
    qrs: f64,
    qt: f64,
}

impl Beat {
    pub fn of(ecg: &SimulatedEcg) -> Self {
        let rate = ecg.record.sampling_rate();
        let places: Vec<usize> = ecg.truth.r_peaks.iter().map(|r| (r * rate).round() as usize).collect();
        let places: Vec<usize> = places.into_iter().filter(|&r| r >= BEFORE && r + AFTER <= ecg.record.len()).collect();
        let lead = |lead: usize| {
            let row = ecg.record.row(lead);
            let at =
                |i: usize| places.iter().map(|r| f64::from(row[r + i - BEFORE])).sum::<f64>() / places.len() as f64;
            (0..BEFORE + AFTER).map(at).collect()
        };
        Self { leads: (0..12).map(lead).collect(), qrs: ecg.truth.qrs_ms, qt: ecg.truth.qt_ms }
    }

    /// A lead from one time to another, in milliseconds from R.
    pub fn part(&self, lead: usize, from: f64, to: f64) -> &[f64] {
        let at = |ms: f64| (BEFORE as f64 + ms / 2.0).round().max(0.0) as usize;
        &self.leads[lead][at(from)..at(to).min(BEFORE + AFTER)]
    }

    fn qrs(&self, lead: usize) -> &[f64] {
        self.part(lead, -0.6 * self.qrs - 4.0, 0.55 * self.qrs)
    }

    pub fn r(&self, lead: usize) -> f64 {
        largest(self.qrs(lead)).max(0.0)
    }

    pub fn s(&self, lead: usize) -> f64 {
        (-smallest(self.qrs(lead))).max(0.0)
    }

    /// Depth (mV) and duration (ms) of the Q wave.
    pub fn q(&self, lead: usize) -> (f64, f64) {
        let negative: Vec<f64> =
            self.qrs(lead).iter().copied().skip_while(|x| x.abs() < 0.03).take_while(|x| *x < 0.0).collect();
        (-smallest(&negative).min(0.0), 2.0 * negative.len() as f64)
    }

    /// The last upward deflection after the deepest moment.
    pub fn late_r(&self, lead: usize) -> f64 {
        let qrs = self.qrs(lead);
        let deepest = (0..qrs.len()).min_by(|&a, &b| qrs[a].total_cmp(&qrs[b])).unwrap();
        largest(&qrs[deepest..])
    }

    /// Frontal axis, degrees.
    pub fn axis(&self) -> f64 {
        let net = |lead| self.r(lead) - self.s(lead);
        (2.0 / 3f64.sqrt() * net(AVF)).atan2(net(I)).to_degrees()
    }

    pub fn sokolow_lyon(&self) -> f64 {
        self.s(V1) + self.r(V5).max(self.r(V6))
    }

    /// Level about 60 ms after the end of QRS.
    pub fn st(&self, lead: usize) -> f64 {
        let after = 0.6 * self.qrs + 60.0;
        self.part(lead, after, after + 4.0)[0]
    }

    /// Level at the peak of T.
    pub fn t(&self, lead: usize) -> f64 {
        let peak = self.qt - 0.29 * (self.qt - self.qrs) - 0.45 * self.qrs;
        self.part(lead, peak, peak + 4.0)[0]
    }

    /// The largest and the smallest level of the P wave, which begins `pr` milliseconds before QRS.
    pub fn p(&self, lead: usize, pr: f64) -> (f64, f64) {
        let onset = -pr - 0.45 * self.qrs;
        let part = self.part(lead, onset, (onset + 160.0).min(-0.5 * self.qrs - 10.0));
        (largest(part), smallest(part))
    }
}

pub fn largest(samples: &[f64]) -> f64 {
    samples.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

pub fn smallest(samples: &[f64]) -> f64 {
    samples.iter().copied().fold(f64::INFINITY, f64::min)
}

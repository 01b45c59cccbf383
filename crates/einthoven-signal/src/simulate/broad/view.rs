//! What a QRS complex looks like in twelve leads.

use super::super::torso::{INDEPENDENT, twelve};
use super::super::wave::{Wave, dipole_at};

/// Samples per second of the complex that is looked at.
const RATE: f64 = 500.0;

/// Deflections smaller than this, in mV, are not seen.
const SEEN: f64 = 0.03;

/// Leads in the standard order of twelve.
pub(super) const LEAD_I: usize = 0;
pub(super) const LEAD_II: usize = 1;
pub(super) const LEAD_III: usize = 2;
pub(super) const AVF: usize = 5;
/// The first of the six precordial leads.
pub(super) const PRECORDIAL: usize = 6;

/// A QRS complex in twelve leads.
pub(super) struct View(Vec<[f64; 12]>);

impl View {
    /// The complex of these waves, `width` seconds long.
    pub fn of(waves: &[Wave<INDEPENDENT>], width: f64) -> Self {
        Self((0..=(width * RATE) as usize).map(|i| twelve(&dipole_at(waves, i as f64 / RATE))).collect())
    }

    /// Height of the largest upward deflection, mV.
    pub fn r(&self, lead: usize) -> f64 {
        self.0.iter().map(|sample| sample[lead]).fold(0.0, f64::max)
    }

    /// Depth of the largest downward deflection, mV.
    pub fn s(&self, lead: usize) -> f64 {
        self.0.iter().map(|sample| -sample[lead]).fold(0.0, f64::max)
    }

    /// R less S, mV.
    pub fn net(&self, lead: usize) -> f64 {
        self.r(lead) - self.s(lead)
    }

    /// Depth (mV) and duration (s) of the downward deflection that the complex begins with.
    pub fn q(&self, lead: usize) -> (f64, f64) {
        let mut depth = 0.0_f64;
        let mut samples = 0;
        for sample in self.0.iter().map(|sample| sample[lead]).skip_while(|value| value.abs() < SEEN) {
            if sample >= 0.0 {
                break;
            }
            depth = depth.max(-sample);
            samples += 1;
        }
        (depth, f64::from(samples) / RATE)
    }

    /// Height of the last upward deflection that follows the deepest moment, mV.
    pub fn late_r(&self, lead: usize) -> f64 {
        let deepest = (0..self.0.len()).min_by(|&a, &b| self.0[a][lead].total_cmp(&self.0[b][lead])).unwrap_or(0);
        self.0[deepest..].iter().map(|sample| sample[lead]).fold(0.0, f64::max)
    }

    /// Frontal axis, degrees: 0 to the left, 90 to the feet.
    pub fn axis(&self) -> f64 {
        (2.0 / 3f64.sqrt() * self.net(AVF)).atan2(self.net(LEAD_I)).to_degrees()
    }

    /// Sokolow and Lyon's index: S in V1 plus the larger R of V5 and V6, mV.
    pub fn sokolow_lyon(&self) -> f64 {
        self.s(PRECORDIAL) + self.r(PRECORDIAL + 4).max(self.r(PRECORDIAL + 5))
    }

    /// Lewis's index of the limb leads: R in I plus S in III, mV.
    pub fn lewis(&self) -> f64 {
        self.r(LEAD_I) + self.s(LEAD_III)
    }

    /// The largest R plus S of these leads, mV.
    pub fn range(&self, leads: std::ops::Range<usize>) -> f64 {
        leads.map(|lead| self.r(lead) + self.s(lead)).fold(0.0, f64::max)
    }
}

/// Time at which the eight leads together are largest, s.
pub(super) fn largest(waves: &[Wave<INDEPENDENT>], width: f64) -> f64 {
    const STEP: f64 = 5e-4;
    let size = |i: usize| dipole_at(waves, i as f64 * STEP).iter().map(|x| x * x).sum::<f64>();
    let best = (0..=(width / STEP) as usize).map(|i| (i, size(i))).max_by(|a, b| a.1.total_cmp(&b.1));
    best.map_or(0.0, |(i, _)| i as f64 * STEP)
}

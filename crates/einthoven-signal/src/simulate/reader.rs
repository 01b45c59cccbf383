//! A reader of noise-free beats: which findings a beat's shape shows.
//!
//! The simulator draws a patient's beat until the reader sees in it the conditions that the patient has and no others.

use super::condition::Condition::{
    self, AnteriorInfarction, InferiorInfarction, LeftBundleBranchBlock, LeftVentricularHypertrophy,
    RightBundleBranchBlock,
};
use super::torso::{Torso, twelve};
use super::wave::{Wave, dipole_at};

/// Samples per second of the beat that is read.
const RATE: f64 = 500.0;

/// Deflections smaller than this, in mV, are not named.
const SEEN: f64 = 0.05;

const I: usize = 0;
const AVL: usize = 4;
const V1: usize = 6;
const V2: usize = 7;
const V3: usize = 8;
const V5: usize = 10;
const V6: usize = 11;
const INFERIOR: [usize; 3] = [1, 2, 5];

/// One beat in twelve leads.
pub(super) struct Beat {
    leads: Vec<Lead>,
}

/// A lead's QRS complex, ST segment and T wave.
struct Lead {
    /// Peaks (mV) and widths (s) of the deflections of the QRS complex, in order, their signs alternating.
    deflections: Vec<(f64, f64)>,
    /// Level 60 ms after the end of QRS, mV.
    st: f64,
    /// Level at the peak of the T wave, mV.
    t: f64,
}

impl Lead {
    fn r(&self) -> f64 {
        self.deflections.iter().map(|d| d.0).fold(0.0, f64::max)
    }

    fn s(&self) -> f64 {
        self.deflections.iter().map(|d| -d.0).fold(0.0, f64::max)
    }

    fn first(&self) -> (f64, f64) {
        self.deflections.first().copied().unwrap_or_default()
    }

    fn last(&self) -> f64 {
        self.deflections.last().map_or(0.0, |d| d.0)
    }

    /// A Q wave of the universal definition of infarction: 30 ms or longer, 0.1 mV or deeper, a quarter of R.
    fn has_q(&self) -> bool {
        let (depth, width) = self.first();
        depth <= -0.1 && width >= 0.03 && -depth >= 0.25 * self.r()
    }
}

impl Beat {
    /// Reads the beat whose waves begin at the onset of a QRS complex of `width` seconds; its T wave is the last wave.
    pub fn read(waves: &[Wave], width: f64, torso: &Torso) -> Self {
        let at = |time: f64| twelve(&torso.project(&dipole_at(waves, time)));
        let qrs: Vec<[f64; 12]> = (0..=(width * RATE) as usize).map(|i| at(i as f64 / RATE)).collect();
        let st = at(width + 0.06);
        let t = at(waves.last().map_or(width, |wave| wave.peak));
        let leads = (0..12).map(|lead| Lead {
            deflections: deflections(qrs.iter().map(|sample| sample[lead])),
            st: st[lead],
            t: t[lead],
        });
        Self { leads: leads.collect() }
    }

    /// Sokolow and Lyon's index: S in V1 plus the larger R of V5 and V6, mV.
    pub fn sokolow_lyon(&self) -> f64 {
        self.leads[V1].s() + self.leads[V5].r().max(self.leads[V6].r())
    }

    /// Whether the beat shows exactly these conditions, of those that shape a conducted beat.
    pub fn shows(&self, conditions: &[Condition]) -> bool {
        let has = |condition| conditions.contains(&condition);
        if has(LeftBundleBranchBlock) {
            return self.left_bundle_branch_block();
        }
        self.right_bundle_branch_block() == has(RightBundleBranchBlock)
            && self.hypertrophy(has(LeftVentricularHypertrophy))
            && self.inferior_infarction(has(InferiorInfarction))
            && self.anterior_infarction(has(AnteriorInfarction))
            && (has(InferiorInfarction) || has(AnteriorInfarction) || self.upright())
    }

    fn left_bundle_branch_block(&self) -> bool {
        let broad = |lead: usize| {
            let lead = &self.leads[lead];
            lead.r() > 0.3 && lead.first().0 > 0.0 && lead.s() < 0.1 && lead.t < -0.03
        };
        let v1 = &self.leads[V1];
        [I, V6].into_iter().all(broad)
            && self.leads[AVL].r() > 0.2
            && v1.s() > 0.7
            && v1.r() < 0.25 * v1.s()
            && v1.t > 0.1
            && v1.st > 0.05
    }

    fn right_bundle_branch_block(&self) -> bool {
        self.leads[V1].last() > 0.25 && [I, V6].into_iter().all(|lead| self.leads[lead].last() < -0.1)
    }

    /// Voltage on the stated side of 3.5 mV, with room for a measurement; with the voltage, strain.
    fn hypertrophy(&self, present: bool) -> bool {
        let voltage = self.sokolow_lyon();
        let strain = |lead: usize| self.leads[lead].t < -0.05;
        if present { voltage > 3.7 && strain(V5) && strain(V6) } else { voltage < 3.3 }
    }

    fn inferior_infarction(&self, present: bool) -> bool {
        let count = |seen: fn(&Lead) -> bool| INFERIOR.iter().filter(|&&lead| seen(&self.leads[lead])).count();
        if present {
            count(|lead| lead.has_q() && lead.st >= 0.1) == 3 && self.leads[AVL].st <= -0.05
        } else {
            count(Lead::has_q) < 2 && count(|lead| lead.st >= 0.1) < 2
        }
    }

    fn anterior_infarction(&self, present: bool) -> bool {
        let (v2, v3) = (&self.leads[V2], &self.leads[V3]);
        if present {
            v2.has_q() && v3.has_q() && v2.st >= 0.2 && v3.st >= 0.2
        } else {
            v2.first().0 > 0.1 && v3.first().0 > 0.15 && v2.st < 0.2 && v3.st < 0.15
        }
    }

    /// T waves that no reader would remark on: upright in II, V3 and, without strain, V5.
    fn upright(&self) -> bool {
        let t = |lead: usize| self.leads[lead].t;
        t(V5) < -0.05 || (t(1) > 0.08 && t(V3) > -0.1 && t(V5) > 0.1)
    }
}

/// Peaks and widths of the runs of one sign, those that are seen.
fn deflections(samples: impl Iterator<Item = f64>) -> Vec<(f64, f64)> {
    let mut runs: Vec<(f64, f64)> = Vec::new();
    for sample in samples {
        match runs.last_mut() {
            Some((peak, width)) if *peak * sample > 0.0 => {
                *width += 1.0 / RATE;
                if sample.abs() > peak.abs() {
                    *peak = sample;
                }
            }
            _ => runs.push((sample, 1.0 / RATE)),
        }
    }
    runs.retain(|(peak, _)| peak.abs() >= SEEN);
    // Two runs of one sign with nothing seen between them are one deflection.
    runs.dedup_by(|next, run| {
        let same = next.0 * run.0 > 0.0;
        if same {
            run.1 += next.1;
            if next.0.abs() > run.0.abs() {
                run.0 = next.0;
            }
        }
        same
    });
    runs
}

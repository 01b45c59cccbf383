//! How well each lead was recorded.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::analysis::Analysis;
use super::condition::{self, LeadCondition};
use super::swap::{self, Swap};
use crate::{Lead, Record};

/// Parts of a lead that may be missing, flat or cut off without a word, a choice.
const TOLERATED: f64 = 0.01;
/// A lead is noisy when QRS is less than twenty times the noise's root mean square: then the noise has half of a P wave's
/// height.
const NOISY_DB: f64 = 26.0;
/// With this ratio, which 95 % of PTB-XL's sample reach, a lead is as good as can be; with 0 dB it is of no use.
const CLEAN_DB: f64 = 38.0;
/// A baseline that moves by more than this hides ST changes, mV: five times the 0.1 mV that matter.
const WANDER_MV: f64 = 0.5;
/// With this much wander a lead is of no use, mV.
const LOST_MV: f64 = 4.0;

/// How well one lead was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeadQuality {
    /// The lead.
    pub lead: Lead,
    /// From 0 (of no use) to 1 (nothing to complain of): the part of the lead that was recorded, times how far noise and
    /// wander leave it readable.
    pub score: f64,
    /// Root mean square of what is faster than the heart, mV.
    pub noise_mv: Option<f64>,
    /// Range of the typical beat against [`LeadQuality::noise_mv`], dB; `None` without a beat or without noise.
    pub snr_db: Option<f64>,
    /// Range of the baseline's movement, mV: of the mean over a second, its extremes left out.
    pub wander_mv: Option<f64>,
    /// What is wrong with it.
    pub defects: Vec<Defect>,
}

/// Something that is wrong with a lead; as text, a reason for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Defect {
    /// Samples are missing.
    Missing {
        /// Part of the samples.
        part: f64,
    },
    /// The lead does not move, as with an electrode that is off.
    Flat {
        /// Part of the time.
        part: f64,
    },
    /// The lead is cut off at the recorder's limit.
    Saturated {
        /// Part of the samples.
        part: f64,
    },
    /// QRS is small against the noise.
    Noisy {
        /// The ratio, dB.
        snr_db: f64,
    },
    /// The baseline wanders.
    Wander {
        /// Its range, mV.
        range_mv: f64,
    },
    /// Electrodes may have been exchanged.
    Swapped {
        /// What speaks for it.
        reason: String,
    },
}

impl Defect {
    /// Its kind in a word, as it is serialised.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::Flat { .. } => "flat",
            Self::Saturated { .. } => "saturated",
            Self::Noisy { .. } => "noisy",
            Self::Wander { .. } => "wander",
            Self::Swapped { .. } => "swapped",
        }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { part } => write!(f, "{:.0} % of the samples are missing", 100.0 * part),
            Self::Flat { part } => write!(f, "flat for {:.0} % of the time", 100.0 * part),
            Self::Saturated { part } => write!(f, "cut off at its limit in {:.0} % of the samples", 100.0 * part),
            Self::Noisy { snr_db } => write!(f, "noisy: the beat is {snr_db:.0} dB above the noise"),
            Self::Wander { range_mv } => write!(f, "the baseline wanders by {range_mv:.1} mV"),
            Self::Swapped { reason } => f.write_str(reason),
        }
    }
}

/// The quality of each lead, in the recording's order.
///
/// Of a recording that is too short or too coarse to be [measured](super::measure) only what is missing, flat or cut off
/// is told.
pub fn quality(record: &Record) -> Vec<LeadQuality> {
    let conditions = condition::of(record);
    let analysis = Analysis::of(record).ok();
    let swaps = analysis.as_ref().map(swap::find).unwrap_or_default();
    let leads = record.leads().iter().zip(conditions).enumerate();
    leads
        .map(|(index, (lead, condition))| {
            let noise = analysis.as_ref().map(|analysis| Noise::of(analysis, index));
            of_lead(lead, condition, noise, &swaps)
        })
        .collect()
}

/// What disturbs a lead, and how large its beat is, mV.
struct Noise {
    noise: f64,
    wander: f64,
    snr_db: Option<f64>,
}

impl Noise {
    fn of(analysis: &Analysis, index: usize) -> Self {
        let (noise, wander) = (analysis.signal.noise[index], analysis.signal.wander[index]);
        let beat = analysis.typical.as_ref().and_then(|typical| {
            let qrs = typical.qrs?;
            let part = &typical.rows[index][qrs.onset..=qrs.offset];
            let high = part.iter().copied().reduce(f64::max)?;
            let low = part.iter().copied().reduce(f64::min)?;
            Some(high - low)
        });
        let snr_db = beat.filter(|&range| range > 0.0 && noise > 0.0).map(|range| 20.0 * (range / noise).log10());
        Self { noise, wander, snr_db }
    }
}

fn of_lead(lead: &Lead, condition: LeadCondition, noise: Option<Noise>, swaps: &[Swap]) -> LeadQuality {
    let mut defects = Vec::new();
    let LeadCondition { missing, flat, saturated } = condition;
    if missing > TOLERATED {
        defects.push(Defect::Missing { part: missing });
    }
    if flat > TOLERATED {
        defects.push(Defect::Flat { part: flat });
    }
    if saturated > TOLERATED {
        defects.push(Defect::Saturated { part: saturated });
    }
    let mut score = (1.0 - missing - flat - saturated).clamp(0.0, 1.0);
    let measured = noise.filter(|_| condition.is_usable());
    if let Some(noise) = &measured {
        if let Some(snr_db) = noise.snr_db {
            score *= (snr_db / CLEAN_DB).clamp(0.0, 1.0);
            if snr_db < NOISY_DB {
                defects.push(Defect::Noisy { snr_db });
            }
        }
        score *= 1.0 - ((noise.wander - WANDER_MV) / (LOST_MV - WANDER_MV)).clamp(0.0, 1.0);
        if noise.wander > WANDER_MV {
            defects.push(Defect::Wander { range_mv: noise.wander });
        }
    }
    for swap in swaps.iter().filter(|swap| swap.leads.contains(lead)) {
        defects.push(Defect::Swapped { reason: swap.reason.clone() });
    }
    LeadQuality {
        lead: lead.clone(),
        score,
        noise_mv: measured.as_ref().map(|noise| noise.noise),
        snr_db: measured.as_ref().and_then(|noise| noise.snr_db),
        wander_mv: measured.map(|noise| noise.wander),
        defects,
    }
}

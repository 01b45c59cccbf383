//! The contract between a recording and a model: what the model's input is, to the last detail.

mod prepare;
mod scaling;

use serde::{Deserialize, Serialize};

use crate::{Error, Lead, LeadNames, Result};

pub use prepare::Prepared;

/// What a model's input is, and so how [a recording is prepared](InputContract::prepare) for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputContract {
    /// The leads, in the model's order.
    pub leads: Vec<Lead>,
    /// Samples per second, in Hz; recordings at other rates are resampled.
    pub sampling_rate: f64,
    /// Samples of each lead; longer recordings are cropped, shorter ones padded.
    pub samples: usize,
    /// Which part of a longer recording is kept.
    #[serde(default)]
    pub crop: Crop,
    /// Where zeros go in a shorter recording.
    #[serde(default)]
    pub pad: Pad,
    /// What is done about missing limb leads.
    #[serde(default)]
    pub limb_leads: LimbLeads,
    /// What takes the place of missing samples.
    #[serde(default)]
    pub missing: Missing,
    /// A zero-phase band-pass filter, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<BandPass>,
    /// How millivolts become model input.
    pub scaling: Scaling,
    /// Factor on millivolts when `scaling` is `none`; 1 otherwise, where the scale is lost anyway.
    #[serde(default = "one")]
    pub gain: f32,
}

fn one() -> f32 {
    1.0
}

/// Which part of a recording longer than the contract's length is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crop {
    /// The first samples.
    #[default]
    Start,
    /// The samples in the middle.
    Center,
}

/// Where zeros are put in a recording shorter than the contract's length.
///
/// Padding is the last step, after scaling: statistics come from real samples only, and the padding is zero in the
/// model's units whatever the scaling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pad {
    /// After the recording.
    #[default]
    End,
    /// Half before and half after it (an odd one after).
    Both,
}

/// What is done about limb leads that a recording lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimbLeads {
    /// A lead that was not recorded is an error.
    #[default]
    Recorded,
    /// III, aVR, aVL and aVF are computed from I and II where they are missing, as of
    /// [`Record::with_derived_limb_leads`](crate::Record::with_derived_limb_leads).
    Derived,
}

/// What takes the place of missing samples (NaN), before anything else is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// The mean of the lead's other samples; a lead without any is an error.
    #[default]
    LeadMean,
    /// The mean of the lead's other samples; zero in a lead without any.
    LeadMeanOrZero,
}

/// A Butterworth band-pass filter, run forwards and backwards so that it shifts nothing in time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BandPass {
    /// Lower edge (−6 dB after both passes), in Hz.
    pub low_hz: f64,
    /// Upper edge (−6 dB after both passes), in Hz.
    pub high_hz: f64,
    /// Order of the low-pass prototype, from 1 to 10.
    pub order: usize,
}

/// How millivolts become model input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scaling {
    /// Millivolts × the contract's gain: amplitudes keep their meaning.
    None,
    /// One mean and one unbiased standard deviation of all leads together: (x − mean) / (std + 1e-6). ESI's scaling.
    ZScoreRecord,
    /// Mean and unbiased standard deviation of each lead: (x − mean) / (std + 1e-6).
    ZScoreLead,
    /// The smallest sample of all leads becomes 0, the largest 1; a constant recording becomes 0.
    MinMaxRecord,
}

impl InputContract {
    /// The standard twelve leads at `sampling_rate` Hz, `samples` long; everything else at its default.
    pub fn twelve_leads(sampling_rate: f64, samples: usize, scaling: Scaling) -> Self {
        Self {
            leads: Lead::TWELVE.to_vec(),
            sampling_rate,
            samples,
            crop: Crop::default(),
            pad: Pad::default(),
            limb_leads: LimbLeads::default(),
            missing: Missing::default(),
            filter: None,
            scaling,
            gain: 1.0,
        }
    }

    /// ESI's published input (arXiv 2405.19366): twelve leads, 10 s at 500 Hz, one z-score over the whole recording.
    pub fn esi_paper() -> Self {
        Self::twelve_leads(500.0, 5000, Scaling::ZScoreRecord)
    }

    /// ESI's input with voltages kept: twelve leads, 10 s at 500 Hz, millivolts × 5.
    ///
    /// The published z-score discards absolute amplitude, on which the criteria for hypertrophy and low voltage rest.
    /// A 12-lead ECG's standard deviation is near 0.2 mV, so that a gain of 5 brings the input near unit variance.
    pub fn esi_corrected() -> Self {
        Self { gain: 5.0, ..Self::twelve_leads(500.0, 5000, Scaling::None) }
    }

    /// Checks that the contract can be met.
    ///
    /// # Errors
    /// [`Error::Contract`] or [`Error::Filter`], saying which field is impossible and what it may be.
    pub fn validate(&self) -> Result<()> {
        let fail = |message: String| Err(Error::Contract { message });
        if self.leads.is_empty() {
            return fail("`leads` is empty".into());
        }
        for (i, lead) in self.leads.iter().enumerate() {
            if self.leads[..i].contains(lead) {
                return fail(format!("`leads` ({}) names {lead} twice", LeadNames(&self.leads)));
            }
        }
        if !(self.sampling_rate.is_finite() && self.sampling_rate > 0.0) {
            return fail(format!("`sampling_rate` is {} Hz: expected a positive number", self.sampling_rate));
        }
        let total = self.samples.checked_mul(self.leads.len());
        if self.samples == 0 || total.is_none_or(|n| n > MAX_SAMPLES) {
            return fail(format!("`samples` is {}: expected 1 to {}", self.samples, MAX_SAMPLES / self.leads.len()));
        }
        if !(self.gain.is_finite() && self.gain > 0.0) {
            return fail(format!("`gain` is {}: expected a positive number", self.gain));
        }
        if self.gain != 1.0 && self.scaling != Scaling::None {
            return fail(format!("`gain` is {} but has an effect with `scaling = \"none\"` only", self.gain));
        }
        if let Some(filter) = &self.filter {
            filter.sections(self.sampling_rate)?;
        }
        Ok(())
    }
}

/// The largest input allowed: a day of twelve leads at 1000 Hz.
const MAX_SAMPLES: usize = 12 * 24 * 3600 * 1000;

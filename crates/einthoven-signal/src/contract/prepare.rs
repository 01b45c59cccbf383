//! From a recording to a model's input.

use std::borrow::Cow;

use super::{Crop, InputContract, LimbLeads, Missing, Pad};
use crate::dsp::{Resampler, Section, sosfiltfilt};
use crate::{Error, Lead, Record, Result};

/// A recording as a model sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// The contract's leads, `[leads, samples]`, one after the other.
    pub samples: Vec<f32>,
    /// How many samples of each lead are real; the others are padding.
    pub valid: usize,
}

impl InputContract {
    /// Prepares a recording as the contract says: select leads (and derive those of the limbs, if
    /// `limb_leads` allows it), fill missing samples, resample, filter, crop, scale, pad.
    ///
    /// The filter runs at the contract's rate over the whole recording. Scaling sees what is left after cropping.
    ///
    /// # Errors
    /// [`Error::MissingLeads`] if the recording lacks a lead that is not derived; [`Error::MissingSamples`] if a lead has no sample at all
    /// (unless `missing` allows it); [`Error::Resample`] if the rates are too far apart; those of
    /// [`InputContract::validate`].
    pub fn prepare(&self, record: &Record) -> Result<Prepared> {
        self.validate()?;
        let record = self.completed(record);
        let rows = self.rows(&record)?;
        let resampler = Resampler::between(record.sampling_rate(), self.sampling_rate)?;
        let sections = match &self.filter {
            Some(filter) => filter.sections(self.sampling_rate)?,
            None => Vec::new(),
        };

        let available = resampler.output_len(record.len());
        let valid = available.min(self.samples);
        let start = match self.crop {
            Crop::Start => 0,
            Crop::Center => (available - valid) / 2,
        };
        let mut samples = vec![0.0; self.leads.len() * self.samples];
        let mut work = Work { resampler, sections, input: Vec::new(), start };
        for ((lead, row), output) in self.leads.iter().zip(rows).zip(samples.chunks_exact_mut(valid)) {
            let fill = self.missing.fill(lead, row)?;
            work.run(row, fill, output)?;
        }

        let leads = self.leads.len();
        self.scaling.apply(&mut samples[..leads * valid], valid, self.gain);
        if valid < self.samples {
            self.spread(&mut samples, valid);
        }
        Ok(Prepared { samples, valid })
    }

    /// The recording with the limb leads that the contract lets be derived, if it lacks any.
    fn completed<'a>(&self, record: &'a Record) -> Cow<'a, Record> {
        let complete = self.leads.iter().all(|lead| record.lead(lead).is_some());
        match self.limb_leads {
            LimbLeads::Derived if !complete => Cow::Owned(record.clone().with_derived_limb_leads()),
            _ => Cow::Borrowed(record),
        }
    }

    /// The recording's rows in the contract's order.
    fn rows<'a>(&self, record: &'a Record) -> Result<Vec<&'a [f32]>> {
        let rows: Vec<_> = self.leads.iter().filter_map(|l| record.lead(l)).collect();
        if rows.len() == self.leads.len() {
            return Ok(rows);
        }
        Err(Error::MissingLeads {
            missing: self.leads.iter().filter(|l| record.lead(l).is_none()).cloned().collect(),
            found: record.leads().to_vec(),
        })
    }

    /// Moves leads of `valid` samples, packed at the front, to their places and zeroes the rest.
    fn spread(&self, samples: &mut [f32], valid: usize) {
        let before = match self.pad {
            Pad::End => 0,
            Pad::Both => (self.samples - valid) / 2,
        };
        // From the last lead to the first, so that no lead is overwritten before it is moved.
        for lead in (0..self.leads.len()).rev() {
            let row = lead * self.samples;
            samples.copy_within(lead * valid..(lead + 1) * valid, row + before);
            samples[row..row + before].fill(0.0);
            samples[row + before + valid..row + self.samples].fill(0.0);
        }
    }
}

impl Missing {
    /// What takes the place of missing samples of a lead, if any are missing.
    fn fill(self, lead: &Lead, row: &[f32]) -> Result<Option<f32>> {
        if !row.iter().any(|x| x.is_nan()) {
            return Ok(None);
        }
        let (sum, count) =
            row.iter().filter(|x| !x.is_nan()).fold((0.0, 0_usize), |(sum, n), &x| (sum + f64::from(x), n + 1));
        match (self, count) {
            (Self::LeadMean, 0) => Err(Error::MissingSamples { lead: lead.clone() }),
            (Self::LeadMeanOrZero, 0) => Ok(Some(0.0)),
            _ => Ok(Some((sum / count as f64) as f32)),
        }
    }
}

/// Resampling, filtering and cropping of one lead after the other.
struct Work {
    resampler: Resampler,
    sections: Vec<Section>,
    /// One lead in f64, kept to spare allocations.
    input: Vec<f64>,
    /// The first sample kept, at the contract's rate.
    start: usize,
}

impl Work {
    /// Writes the part of `row` that is kept to `output`.
    fn run(&mut self, row: &[f32], fill: Option<f32>, output: &mut [f32]) -> Result<()> {
        let filled = |x: &f32| match fill {
            Some(fill) if x.is_nan() => fill,
            _ => *x,
        };
        let range = self.start..self.start + output.len();
        if self.resampler.is_identity() && self.sections.is_empty() {
            for (y, x) in output.iter_mut().zip(&row[range]) {
                *y = filled(x);
            }
            return Ok(());
        }
        self.input.clear();
        self.input.extend(row.iter().map(|x| f64::from(filled(x))));
        let whole;
        let kept = if self.sections.is_empty() {
            whole = self.resampler.run_range(&self.input, range);
            &whole[..]
        } else {
            let resampled = self.resampler.run(&self.input);
            whole = sosfiltfilt(&self.sections, &resampled)?;
            &whole[range]
        };
        for (y, &x) in output.iter_mut().zip(kept) {
            *y = x as f32;
        }
        Ok(())
    }
}

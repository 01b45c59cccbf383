//! A recording in memory.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use crate::{Error, Lead, Note, Result};

/// One recording: simultaneous samples of named leads, in millivolts.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    leads: Vec<Lead>,
    sampling_rate: f64,
    samples: Vec<f32>,
    source: Source,
    comments: Vec<String>,
    notes: Vec<Note>,
}

/// Where a recording came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file (of a WFDB record, the header).
    File(PathBuf),
    /// The simulator.
    Simulated {
        /// Seed of the simulated cohort.
        seed: u64,
        /// The recording's number in the cohort.
        index: u64,
    },
    /// Samples handed over by the caller.
    Memory,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Simulated { seed, index } => write!(f, "simulated record {index} of seed {seed}"),
            Self::Memory => f.write_str("memory"),
        }
    }
}

impl Record {
    /// A recording of `samples`, `[leads, samples]` in millivolts, one lead after the other.
    ///
    /// NaN marks a missing sample. `sampling_rate` is in Hz.
    ///
    /// # Errors
    /// [`Error::SamplingRate`] unless the rate is positive and finite; [`Error::Empty`] without leads or samples;
    /// [`Error::Shape`] if the leads cannot share the samples; [`Error::DuplicateLead`]; [`Error::InfiniteSample`].
    pub fn new(leads: Vec<Lead>, sampling_rate: f64, samples: Vec<f32>, source: Source) -> Result<Self> {
        if !(sampling_rate.is_finite() && sampling_rate > 0.0) {
            return Err(Error::SamplingRate { rate: sampling_rate });
        }
        if leads.is_empty() || samples.is_empty() {
            return Err(Error::Empty { leads: leads.len(), samples: samples.len() });
        }
        if !samples.len().is_multiple_of(leads.len()) {
            return Err(Error::Shape { leads: leads.len(), samples: samples.len() });
        }
        let mut seen = BTreeSet::new();
        if let Some(lead) = leads.iter().find(|lead| !seen.insert(*lead)) {
            return Err(Error::DuplicateLead { lead: lead.clone() });
        }
        // Without a way out in the middle, the search takes several samples at once.
        let is_infinite = |x: &f32| x.is_infinite();
        let found = samples.iter().fold(false, |found, x| found | is_infinite(x));
        if let Some(i) = found.then(|| samples.iter().position(is_infinite)).flatten() {
            let length = samples.len() / leads.len();
            return Err(Error::InfiniteSample { lead: leads[i / length].clone(), index: i % length });
        }
        Ok(Self { leads, sampling_rate, samples, source, comments: Vec::new(), notes: Vec::new() })
    }

    /// The same recording with free-text comments.
    pub fn with_comments(self, comments: Vec<String>) -> Self {
        Self { comments, ..self }
    }

    /// The same recording with further notes on how it came about.
    pub fn with_notes(mut self, notes: impl IntoIterator<Item = Note>) -> Self {
        self.notes.extend(notes);
        self
    }

    /// The same recording with `samples` of further leads, which it does not have yet.
    pub(crate) fn with_leads(mut self, leads: Vec<Lead>, samples: &[f32]) -> Self {
        self.leads.extend(leads);
        self.samples.extend_from_slice(samples);
        self
    }

    /// The leads, in the order of the samples.
    pub fn leads(&self) -> &[Lead] {
        &self.leads
    }

    /// Samples per second, in Hz.
    pub fn sampling_rate(&self) -> f64 {
        self.sampling_rate
    }

    /// Samples of each lead; at least one.
    pub fn len(&self) -> usize {
        self.samples.len() / self.leads.len()
    }

    /// Whether there are no samples: never, as [`Record::new`] refuses an empty recording.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Length in seconds.
    pub fn duration(&self) -> f64 {
        self.len() as f64 / self.sampling_rate
    }

    /// All samples, `[leads, samples]` in millivolts; NaN where missing.
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// The samples of a lead, if it was recorded.
    pub fn lead(&self, lead: &Lead) -> Option<&[f32]> {
        let index = self.leads.iter().position(|l| l == lead)?;
        Some(self.row(index))
    }

    /// The samples of the lead at `index`.
    ///
    /// # Panics
    /// If there are not that many leads.
    pub fn row(&self, index: usize) -> &[f32] {
        let length = self.len();
        &self.samples[index * length..(index + 1) * length]
    }

    /// Where the recording came from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Free-text comments of the file (in WFDB: age, sex, diagnoses), without comment marks.
    pub fn comments(&self) -> &[String] {
        &self.comments
    }

    /// What was done to the recording, or is odd about it: signals of the file that were left out, and the like.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(leads: &[Lead], rate: f64, samples: &[f32]) -> Result<Record> {
        Record::new(leads.to_vec(), rate, samples.to_vec(), Source::Memory)
    }

    #[test]
    fn rows_are_leads() {
        let record = record(&[Lead::I, Lead::V5], 2.0, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        assert_eq!(record.len(), 3);
        assert_eq!(record.duration(), 1.5);
        assert_eq!(record.row(1), [4.0, 5.0, 6.0]);
        assert_eq!(record.lead(&Lead::I), Some(&[1.0, 2.0, 3.0][..]));
        assert_eq!(record.lead(&Lead::II), None);
    }

    #[test]
    fn impossible_recordings_are_refused() {
        use Lead::{I, II};
        assert!(matches!(record(&[I], 0.0, &[1.0]), Err(Error::SamplingRate { .. })));
        assert!(matches!(record(&[I], f64::NAN, &[1.0]), Err(Error::SamplingRate { .. })));
        assert!(matches!(record(&[], 1.0, &[1.0]), Err(Error::Empty { .. })));
        assert!(matches!(record(&[I], 1.0, &[]), Err(Error::Empty { .. })));
        assert!(matches!(record(&[I, II], 1.0, &[1.0; 3]), Err(Error::Shape { .. })));
        assert!(matches!(record(&[I, I], 1.0, &[1.0; 2]), Err(Error::DuplicateLead { .. })));
        let infinite = record(&[I, II], 1.0, &[1.0, f32::NAN, 1.0, f32::INFINITY]);
        assert!(matches!(infinite, Err(Error::InfiniteSample { lead: II, index: 1 })));
    }
}

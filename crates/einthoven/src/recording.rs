//! From what was typed to a recording.

use std::path::Path;

use einthoven_random::Streams;
use einthoven_signal::simulate::{SimulatorConfig, simulate};
use einthoven_signal::{ArrayOptions, Lead, Record, open_with};

use crate::{Error, Result};

/// How to read recordings in files that do not say it themselves.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// What array files do not say.
    pub arrays: ArrayOptions,
}

impl Reading {
    /// Leads, rate and unit as they were typed.
    ///
    /// # Errors
    /// [`Error::Setting`] for a lead or unit that is none.
    pub fn new(sampling_rate: Option<f64>, leads: Option<&[String]>, unit: Option<&str>) -> Result<Self> {
        let leads = leads
            .map(|leads| leads.iter().map(|lead| lead.parse::<Lead>()).collect::<std::result::Result<Vec<_>, _>>())
            .transpose()
            .map_err(|error| Error::setting("--leads", error.to_string()))?;
        let unit = unit
            .map(str::parse)
            .transpose()
            .map_err(|error: einthoven_signal::Error| Error::setting("--unit", error.to_string()))?;
        Ok(Self { arrays: ArrayOptions { leads, sampling_rate, unit } })
    }

    /// The recording that `name` stands for: a file, or `simulated:INDEX` for one of the simulator's patients.
    ///
    /// # Errors
    /// Those of reading the file, and [`Error::Setting`] for an index that is no number.
    pub fn open(&self, name: &str) -> Result<Record> {
        Ok(self.open_with_statements(name)?.0)
    }

    /// The recording and what is known about it: a simulated patient's demographics and findings.
    ///
    /// # Errors
    /// As [`Reading::open`].
    pub fn open_with_statements(&self, name: &str) -> Result<(Record, String)> {
        let Some(index) = name.strip_prefix("simulated:") else {
            return Ok((open_with(Path::new(name), &self.arrays)?, String::new()));
        };
        let index = index.parse().map_err(|_| {
            Error::setting(name, "expected simulated: and the number of a patient, such as simulated:5")
        })?;
        // Patients of a seed of their own, so that a cohort of the default seed has not been trained on them.
        let ecg = simulate(&SimulatorConfig::default(), &Streams::new(u64::MAX), index)?;
        let findings: Vec<&str> = ecg.conditions.iter().map(|condition| condition.statement()).collect();
        Ok((ecg.record, format!("{} years, {}: {}", ecg.age, ecg.sex, findings.join(", "))))
    }
}

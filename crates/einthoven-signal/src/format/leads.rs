//! From the leads of an electrocardiograph's file to a recording.

use std::path::Path;

use super::in_file;
use crate::{Error, Lead, Record, Result, Source};

/// The recording of leads, each with its samples in millivolts, that a file of an electrocardiograph holds.
///
/// Such devices store I and II and leave III, aVR, aVL and aVF to the reader: those missing are derived.
pub(super) fn recording(path: &Path, sampling_rate: f64, leads: Vec<(Lead, Vec<f32>)>) -> Result<Record> {
    let length = leads.first().map_or(0, |(_, samples)| samples.len());
    if let Some((lead, samples)) = leads.iter().find(|(_, samples)| samples.len() != length) {
        let message = format!("lead {lead} has {} samples where the first has {length}", samples.len());
        return Err(Error::Damaged { path: path.to_owned(), message });
    }
    let mut all = Vec::with_capacity(leads.len() * length);
    let mut names = Vec::with_capacity(leads.len());
    for (lead, samples) in leads {
        names.push(lead);
        all.extend(samples);
    }
    let record = Record::new(names, sampling_rate, all, Source::File(path.to_owned()));
    Ok(record.map_err(|error| in_file(path, error))?.with_derived_limb_leads())
}

/// The lead of a number in the Standard Communications Protocol for ECG (EN 1064), which MDC codes (ISO 11073-10101)
/// and DICOM use as well.
pub(super) fn numbered(number: u16) -> Lead {
    let name = match number {
        1 => "I",
        2 => "II",
        3..=8 => return Lead::TWELVE[usize::from(number) + 3].clone(),
        9 => "V7",
        10 => "V2R",
        11 => "V3R",
        12 => "V4R",
        13 => "V5R",
        14 => "V6R",
        15 => "V7R",
        16 => "VX",
        17 => "VY",
        18 => "VZ",
        61 => "III",
        62 => "aVR",
        63 => "aVL",
        64 => "aVF",
        65 => "-aVR",
        66 => "V8",
        67 => "V9",
        _ => "",
    };
    name.parse().unwrap_or_else(|_| Lead::Other(format!("lead {number}")))
}

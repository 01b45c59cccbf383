//! GE MUSE's resting ECG.

use std::path::Path;

use super::document::{Element, each, within};
use super::{Parsed, bytes, number, shortened};
use crate::format::leads::recording;
use crate::{Error, Lead, LeftOut, Note, Record, Result};

/// Reads the waveform of type `Rhythm`.
pub fn read(document: &str, path: &Path) -> Result<Record> {
    let damaged = |message| Error::Damaged { path: path.to_owned(), message };
    let mut state = State::default();
    each(document, |open, element| state.take(open, &element)).map_err(damaged)?;
    let rhythm = state.rhythm.ok_or_else(|| damaged("it has no waveform of type Rhythm".into()))?;
    let rate = rhythm.rate.ok_or_else(|| damaged("it does not say its sampling rate".into()))?;
    let rate = rate * 10_f64.powf(rhythm.exponent);
    Ok(recording(path, rate, rhythm.leads)?.with_notes(state.notes))
}

#[derive(Default)]
struct State {
    rhythm: Option<Waveform>,
    notes: Vec<Note>,
    waveform: Waveform,
    lead: LeadData,
}

/// A waveform that is open.
#[derive(Default)]
struct Waveform {
    kind: String,
    /// Samples per second, but for a power of ten.
    rate: Option<f64>,
    exponent: f64,
    leads: Vec<(Lead, Vec<f32>)>,
}

/// A lead that is open.
#[derive(Default)]
struct LeadData {
    name: String,
    /// Units in a step of a stored value.
    step: Option<f64>,
    /// The unit, mV.
    unit: Option<f64>,
    length: Option<f64>,
    stored: Vec<u8>,
}

impl State {
    fn take(&mut self, open: &[Element], element: &Element) -> Parsed<()> {
        let text = element.text.trim();
        let value = || number(&element.name, text);
        match element.name.as_str() {
            "WaveformType" => self.waveform.kind = text.to_owned(),
            "SampleBase" => self.waveform.rate = Some(value()?),
            "SampleExponent" => self.waveform.exponent = value()?,
            "LeadID" => self.lead.name = text.to_owned(),
            "LeadAmplitudeUnitsPerBit" => self.lead.step = Some(value()?),
            "LeadAmplitudeUnits" => self.lead.unit = Some(unit(text)?),
            "LeadSampleCountTotal" => self.lead.length = Some(value()?),
            "WaveFormData" => self.lead.stored = bytes(element)?,
            "LeadData" if within(open, &["Waveform"]) => {
                let lead = std::mem::take(&mut self.lead).samples()?;
                self.waveform.leads.push(lead);
            }
            "Waveform" => {
                let waveform = std::mem::take(&mut self.waveform);
                if waveform.kind.eq_ignore_ascii_case("Rhythm") && self.rhythm.is_none() {
                    self.rhythm = Some(waveform);
                } else if !waveform.leads.is_empty() {
                    self.notes.push(Note::LeftOut { signal: waveform.kind, reason: LeftOut::Another });
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl LeadData {
    fn samples(self) -> Parsed<(Lead, Vec<f32>)> {
        let lead: Lead = self.name.parse().map_err(|_| "a lead has no LeadID".to_owned())?;
        let step = self.step.ok_or_else(|| format!("lead {lead} lacks LeadAmplitudeUnitsPerBit"))?;
        let unit = self.unit.ok_or_else(|| format!("lead {lead} lacks LeadAmplitudeUnits"))?;
        let (values, rest) = self.stored.as_chunks();
        if !rest.is_empty() || self.length.is_some_and(|length| length != values.len() as f64) {
            return Err(format!(
                "lead {lead} has {} bytes for {} samples",
                self.stored.len(),
                self.length.unwrap_or(values.len() as f64)
            ));
        }
        let sample = |&value: &[u8; 2]| (f64::from(i16::from_le_bytes(value)) * step * unit) as f32;
        Ok((lead, values.iter().map(sample).collect()))
    }
}

/// A unit of the format, mV.
fn unit(name: &str) -> Parsed<f64> {
    match name.to_ascii_uppercase().as_str() {
        "MICROVOLTS" => Ok(1e-3),
        "MILLIVOLTS" => Ok(1.0),
        _ => Err(format!("LeadAmplitudeUnits is `{}`: expected MICROVOLTS", shortened(name))),
    }
}

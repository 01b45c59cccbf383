//! HL7's annotated ECG.

use std::path::Path;

use super::document::{Element, each, within};
use super::{Parsed, number, shortened};
use crate::format::Unit;
use crate::format::leads::recording;
use crate::{Error, Lead, LeftOut, Note, Record, Result};

/// What lead codes begin with.
const LEAD: &str = "MDC_ECG_LEAD_";

/// Reads the first series' first set of sequences that has leads.
pub fn read(document: &str, path: &Path) -> Result<Record> {
    let damaged = |message| Error::Damaged { path: path.to_owned(), message };
    let mut state = State::default();
    each(document, |open, element| state.take(open, &element)).map_err(damaged)?;
    if let Some((lead, unit)) = state.refused {
        return Err(Error::Unit { what: format!("{}: lead {lead}", path.display()), unit });
    }
    let step = state.step.filter(|&step| step > 0.0);
    let step = step.ok_or_else(|| damaged("it does not say the time between samples".into()))?;
    // A step in milliseconds gives a rate with digits that are none of the file's.
    let rate = (1e9 / step).round() / 1e9;
    let notes = (state.further > 0).then(|| Note::LeftOut {
        signal: format!("{} further sets of sequences", state.further),
        reason: LeftOut::Another,
    });
    Ok(recording(path, rate, state.leads)?.with_notes(notes))
}

/// What was read so far.
#[derive(Default)]
struct State {
    leads: Vec<(Lead, Vec<f32>)>,
    /// The time between samples, s.
    step: Option<f64>,
    /// Whether the set that is read is complete.
    complete: bool,
    /// How many sets there are behind it.
    further: usize,
    /// A lead in a unit of another kind, and the unit.
    refused: Option<(String, String)>,
    sequence: Sequence,
}

/// The sequence that is open: the times of the samples, or a lead's values.
#[derive(Default)]
struct Sequence {
    code: String,
    /// The time between samples, s.
    step: Option<f64>,
    origin: Option<(f64, String)>,
    scale: Option<(f64, String)>,
    digits: String,
}

impl State {
    fn take(&mut self, open: &[Element], element: &Element) -> Parsed<()> {
        let quantity = || -> Parsed<(f64, String)> {
            let value = number(&element.name, element.attribute("value").unwrap_or_default())?;
            Ok((value, element.attribute("unit").unwrap_or_default().to_owned()))
        };
        match element.name.as_str() {
            "sequenceSet" if self.complete => self.further += 1,
            "sequenceSet" => self.complete = !self.leads.is_empty(),
            _ if self.complete => {}
            "code" if within(open, &["sequence"]) => {
                self.sequence.code = element.attribute("code").unwrap_or_default().to_owned();
            }
            "increment" if within(open, &["sequence", "value"]) => {
                let (step, unit) = quantity()?;
                let seconds = match unit.as_str() {
                    "s" => 1.0,
                    "ms" => 1e-3,
                    "us" => 1e-6,
                    _ => return Err(format!("the time between samples is in `{}`: expected s", shortened(&unit))),
                };
                self.sequence.step = Some(step * seconds);
            }
            "origin" if within(open, &["sequence", "value"]) => self.sequence.origin = Some(quantity()?),
            "scale" if within(open, &["sequence", "value"]) => self.sequence.scale = Some(quantity()?),
            "digits" if within(open, &["sequence", "value"]) => self.sequence.digits.clone_from(&element.text),
            "sequence" => return self.end_sequence(),
            _ => {}
        }
        Ok(())
    }

    fn end_sequence(&mut self) -> Parsed<()> {
        let sequence = std::mem::take(&mut self.sequence);
        if sequence.step.is_some() {
            self.step = sequence.step;
            return Ok(());
        }
        let Some(name) = sequence.code.strip_prefix(LEAD) else {
            return Ok(());
        };
        let lead: Lead = name.parse().map_err(|error: Error| error.to_string())?;
        let (scale, unit) = sequence.scale.ok_or_else(|| format!("lead {lead} has no scale"))?;
        let (origin, origin_unit) = sequence.origin.unwrap_or_else(|| (0.0, unit.clone()));
        let (Ok(unit), Ok(origin_unit)) = (unit.parse::<Unit>(), origin_unit.parse::<Unit>()) else {
            self.refused.get_or_insert((lead.to_string(), unit));
            return Ok(());
        };
        let (origin, scale) = (origin * origin_unit.millivolts(), scale * unit.millivolts());
        let digits = || sequence.digits.split_ascii_whitespace();
        let mut samples = Vec::with_capacity(digits().count());
        for digit in digits() {
            samples.push((origin + number("a sample", digit)? * scale) as f32);
        }
        self.leads.push((lead, samples));
        Ok(())
    }
}

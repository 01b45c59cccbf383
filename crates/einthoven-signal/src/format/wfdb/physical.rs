//! From stored values to millivolts.

use std::path::Path;

use super::digital::{Digital, digital};
use super::header::{Header, Segment};
use super::signal::Signal;
use crate::format::{Unit, in_file};
use crate::{Error, Lead, LeftOut, Note, Record, Result, Source};

/// The most samples of a record of several segments, whose gaps take room without any file to prove it: 1 GiB.
const MAX_SAMPLES: u64 = 1 << 28;

/// Single precision holds every integer up to this.
const EXACT: u64 = 1 << 24;

/// Reads the record of a header file, in millivolts.
///
/// Signals that are not voltages (blood pressure, respiration) are left out, and [noted](Record::notes). Where a signal
/// has several samples in a frame, they are averaged as [`Digital`] says, which is noted too. The segments of a multi-segment record
/// become one recording, in which gaps are missing samples.
///
/// # Errors
/// Those of [`read_digital`](super::read_digital) but for segments; [`Error::Unit`] if no signal is a voltage;
/// [`Error::Damaged`] if segments do not fit their record; those of [`Record::new`].
pub fn read(header: &Path) -> Result<Record> {
    let header = Header::read(header)?;
    match header.segments.clone() {
        None => single(header),
        Some(segments) => several(header, &segments),
    }
}

/// The recording of a record of one segment.
fn single(header: Header) -> Result<Record> {
    let digital = digital(header)?;
    let selection = Selection::of(&digital.header)?;
    let mut samples = vec![0.0; selection.signals.len() * digital.length];
    for (&i, to) in selection.signals.iter().zip(samples.chunks_exact_mut(digital.length.max(1))) {
        fill(&digital, i, to)?;
    }
    let header = digital.header;
    record(selection, header, samples)
}

/// The recording of a record of several segments.
fn several(header: Header, segments: &[Segment]) -> Result<Record> {
    let damaged = |message: String| Error::Damaged { path: header.path.clone(), message };
    let open = |segment: &Segment| -> Result<Header> {
        let part = Header::read(&header.sibling(&format!("{}.hea", segment.record)))?;
        if part.sampling_rate != header.sampling_rate {
            return Err(damaged(format!(
                "segment {} has {} frames per second, its record {}",
                segment.record, part.sampling_rate, header.sampling_rate
            )));
        }
        Ok(part)
    };

    // The signals are those of the layout or, as all segments have the same, of the first segment.
    let first = segments.iter().find(|segment| !segment.is_gap());
    let first = first.ok_or_else(|| damaged("it has no segment with signals".into()))?;
    let variable = first.samples == 0;
    let layout = open(first)?;
    let selection = Selection::of(&layout)?;

    let length = segments.iter().try_fold(0_u64, |sum, segment| sum.checked_add(segment.samples));
    let length = length
        .filter(|&n| header.samples.is_none_or(|announced| n == announced))
        .ok_or_else(|| damaged("the lengths of its segments do not add up to its own".into()))?;
    if length.checked_mul(selection.signals.len() as u64).is_none_or(|n| n > MAX_SAMPLES) {
        return Err(header.unsupported(format!("more than {MAX_SAMPLES} samples in several segments")));
    }
    // The product fits, so that the factor does.
    let length = length as usize;
    let mut samples = vec![f32::NAN; selection.signals.len() * length];
    let mut start = 0;
    for segment in segments.iter().filter(|segment| segment.samples > 0) {
        let end = start + segment.samples as usize;
        if !segment.is_gap() {
            let digital = digital(open(segment)?)?;
            if digital.length != end - start {
                return Err(damaged(format!(
                    "segment {} has {} frames where its record says {}",
                    segment.record, digital.length, segment.samples
                )));
            }
            let places = places(&layout.signals, &digital.header.signals, variable).ok_or_else(|| {
                damaged(format!("segment {} has other signals than {} names", segment.record, first.record))
            })?;
            for (&i, to) in selection.signals.iter().zip(samples.chunks_exact_mut(length)) {
                if let Some(place) = places[i] {
                    fill(&digital, place, &mut to[start..end])?;
                }
            }
        }
        start = end;
    }
    record(selection, header, samples)
}

/// Where each signal of a layout is in a segment; none if the segment has a signal that cannot be there.
fn places(layout: &[Signal], segment: &[Signal], variable: bool) -> Option<Vec<Option<usize>>> {
    let names = |signals: &[Signal]| signals.iter().map(|signal| signal.description.clone()).collect::<Vec<_>>();
    let (layout, segment) = (names(layout), names(segment));
    if !variable {
        return (layout == segment).then(|| (0..segment.len()).map(Some).collect());
    }
    // A segment has those signals that were recorded at its time.
    let known = segment.iter().all(|name| layout.contains(name));
    known.then(|| layout.iter().map(|name| segment.iter().position(|other| other == name)).collect())
}

/// Which signals of a record become leads.
struct Selection {
    signals: Vec<usize>,
    leads: Vec<Lead>,
    notes: Vec<Note>,
}

impl Selection {
    fn of(header: &Header) -> Result<Self> {
        let mut selection = Self { signals: Vec::new(), leads: Vec::new(), notes: Vec::new() };
        let mut refused = None;
        for (i, signal) in header.signals.iter().enumerate() {
            match unit(header, signal, i) {
                Ok(_) => {
                    let lead: Lead = signal.name(i).parse()?;
                    if signal.samples_per_frame > 1 {
                        let samples = signal.samples_per_frame;
                        selection.notes.push(Note::Averaged { lead: lead.clone(), samples });
                    }
                    selection.signals.push(i);
                    selection.leads.push(lead);
                }
                Err(error) => {
                    let reason = LeftOut::Unit(signal.unit.clone());
                    selection.notes.push(Note::LeftOut { signal: signal.name(i), reason });
                    refused = refused.or(Some(error));
                }
            }
        }
        match refused {
            Some(error) if selection.signals.is_empty() => Err(error),
            _ => Ok(selection),
        }
    }
}

fn unit(header: &Header, signal: &Signal, index: usize) -> Result<Unit> {
    signal.unit.parse().map_err(|_| Error::Unit {
        what: format!("{}: signal {}", header.path.display(), signal.name(index)),
        unit: signal.unit.clone(),
    })
}

/// Fills a row with a signal's samples, mV.
fn fill(digital: &Digital, index: usize, row: &mut [f32]) -> Result<()> {
    let signal = &digital.header.signals[index];
    let scale = unit(&digital.header, signal, index)?.millivolts();
    let missing = signal.storage(&digital.header)?.missing();
    let (baseline, gain) = (signal.baseline, signal.gain);
    let values = &digital.values[index * digital.length..(index + 1) * digital.length];
    let single = gain as f32;
    // The common case. A quotient of two numbers that single precision holds exactly is the same, whether it is rounded to single precision at once or
    // to double precision before (Figueroa 1995, "When is double rounding innocuous?"), and takes half the time.
    let largest = u64::from(missing.unsigned_abs()) + u64::from(baseline.unsigned_abs());
    if scale == 1.0 && f64::from(single) == gain && gain.abs() <= EXACT as f64 && largest <= EXACT {
        for (to, &value) in row.iter_mut().zip(values) {
            *to = if value == missing { f32::NAN } else { value.wrapping_sub(baseline) as f32 / single };
        }
    } else {
        for (to, &value) in row.iter_mut().zip(values) {
            let millivolts = (f64::from(value) - f64::from(baseline)) / gain * scale;
            *to = if value == missing { f32::NAN } else { millivolts as f32 };
        }
    }
    Ok(())
}

fn record(selection: Selection, header: Header, samples: Vec<f32>) -> Result<Record> {
    let source = Source::File(header.path.clone());
    let record = Record::new(selection.leads, header.sampling_rate, samples, source)
        .map_err(|source| in_file(&header.path, source))?;
    Ok(record.with_comments(header.comments).with_notes(selection.notes))
}

#[cfg(test)]
mod tests {
    #[test]
    fn quotients_of_exact_numbers_need_no_double_precision() {
        for gain in [1.0_f32, 0.3, -7.0, 200.0, 204.8, 1000.0, 4880.0, 16_777_215.0] {
            for value in (-65_536..=65_536).chain([-16_777_216, 16_777_215, 16_777_216]) {
                let double = (f64::from(value) / f64::from(gain)) as f32;
                assert_eq!((value as f32 / gain).to_bits(), double.to_bits(), "{value} / {gain}");
            }
        }
    }
}

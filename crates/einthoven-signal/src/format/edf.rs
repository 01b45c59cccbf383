//! European Data Format files (`.edf`): EDF (Kemp et al. 1992) and EDF+ (Kemp and Olivan 2003).
//!
//! A file holds signals of any kind, unit and rate. Those in a unit of voltage become leads, if they have the rate of
//! most of the standard leads (or, without any, of most others); what is left out is [noted](Record::notes), also the
//! annotations of EDF+. The patient's and the recording's identification are not handed over.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Unit, in_file, read_file, text};
use crate::{Error, Lead, LeftOut, Note, Record, Result, Source};

/// What a file begins with: its version.
pub(super) const MAGIC: &[u8] = b"0       ";

/// Bytes of the file's header, and of each signal's.
const HEADER: usize = 256;

/// Reads a file of European Data Format.
///
/// # Errors
/// [`Error::Damaged`] naming the field if the header breaks the format's rules or the file is longer than it says;
/// [`Error::Truncated`] if it is shorter; [`Error::Unsupported`] for a recording with interruptions (EDF+D);
/// [`Error::Unit`] if no signal is a voltage; those of [`Record::new`].
pub fn read(path: &Path) -> Result<Record> {
    let bytes = read_file(path)?;
    let damaged = |message: String| Error::Damaged { path: path.to_owned(), message };
    let header = Header::parse(&bytes).map_err(damaged)?;
    if header.interrupted {
        return Err(Error::Unsupported { path: path.to_owned(), feature: "interruptions (EDF+D)".into() });
    }
    let size = header.record_bytes().ok_or_else(|| damaged("a data record is of extreme size".into()))?;
    let data = bytes.get(header.bytes()..).unwrap_or_default();
    let count = header.records.unwrap_or(data.len() as u64 / size as u64);
    let expected = count.saturating_mul(size as u64);
    if expected > data.len() as u64 {
        let expected = expected.saturating_add(header.bytes() as u64);
        return Err(Error::Truncated { path: path.to_owned(), expected, found: bytes.len() as u64 });
    }
    if expected < data.len() as u64 {
        return Err(damaged(format!("{} bytes follow its {count} data records", data.len() as u64 - expected)));
    }

    let Selection { signals, notes } = header.select(path)?;
    let rate = signals.first().map_or(0.0, |(signal, _)| signal.samples as f64 / header.seconds);
    let leads = signals.iter().map(|(signal, _)| signal.name.parse()).collect::<Result<_>>()?;
    let mut samples = Vec::new();
    for (signal, unit) in signals {
        for record in data.chunks_exact(size) {
            let (values, _) = record[signal.start..signal.start + 2 * signal.samples].as_chunks();
            samples.extend(values.iter().map(|&value| (signal.physical(i16::from_le_bytes(value)) * unit) as f32));
        }
    }
    let record = Record::new(leads, rate, samples, Source::File(path.to_owned()));
    Ok(record.map_err(|error| in_file(path, error))?.with_notes(notes))
}

/// What the file says before its data.
struct Header {
    /// Whether time may pass between data records.
    interrupted: bool,
    /// Number of data records, unless left to the file's length.
    records: Option<u64>,
    /// Duration of a data record, s.
    seconds: f64,
    signals: Vec<Signal>,
}

/// What the file says about a signal.
struct Signal {
    name: String,
    unit: String,
    /// Physical values that are stored as the digital ones.
    physical: [f64; 2],
    digital: [f64; 2],
    /// Bytes of a data record before the signal's samples.
    start: usize,
    /// Samples in a data record.
    samples: usize,
}

/// The signals that become leads, with the factor to millivolts, and notes on the others.
struct Selection<'a> {
    signals: Vec<(&'a Signal, f64)>,
    notes: Vec<Note>,
}

type Parsed<T> = std::result::Result<T, String>;

impl Header {
    fn parse(bytes: &[u8]) -> Parsed<Self> {
        let fixed = bytes.get(..HEADER).ok_or("it is shorter than a header")?;
        if !fixed.starts_with(MAGIC) {
            return Err("it does not begin with the format's version, 0".into());
        }
        let count: usize = number("number of signals", &fixed[252..256])?;
        let length: usize = number("length of the header", &fixed[184..192])?;
        if count == 0 || count.checked_add(1).and_then(|n| n.checked_mul(HEADER)) != Some(length) {
            return Err(format!("a header of {length} bytes cannot have {count} signals"));
        }
        let described = bytes.get(HEADER..length).ok_or("it ends within its header")?;
        let records: i64 = number("number of data records", &fixed[236..244])?;
        let seconds = number("duration of a data record", &fixed[244..252])?;
        if !(seconds > 0.0 && f64::is_finite(seconds)) {
            return Err(format!("the duration of a data record is {seconds} s: expected a positive number"));
        }

        let mut start = 0_usize;
        let mut signals = Vec::with_capacity(count);
        for i in 0..count {
            let signal = Signal::parse(described, count, i, start)?;
            start =
                signal.samples.checked_mul(2).and_then(|n| n.checked_add(start)).ok_or("a data record is too long")?;
            signals.push(signal);
        }
        let records = u64::try_from(records).ok();
        Ok(Self { interrupted: fixed[192..].starts_with(b"EDF+D"), records, seconds, signals })
    }

    fn bytes(&self) -> usize {
        HEADER * (self.signals.len() + 1)
    }

    /// Bytes of a data record; none if there are no samples in it.
    fn record_bytes(&self) -> Option<usize> {
        self.signals.last().map(|last| last.start + 2 * last.samples).filter(|&bytes| bytes > 0)
    }

    fn select(&self, path: &Path) -> Result<Selection<'_>> {
        let mut notes = Vec::new();
        let mut signals = Vec::new();
        let mut refused = None;
        let mut leave_out = |signal: &Signal, reason| notes.push(Note::LeftOut { signal: signal.name.clone(), reason });
        for signal in &self.signals {
            if signal.name == "EDF Annotations" {
                leave_out(signal, LeftOut::Annotations);
                continue;
            }
            match signal.unit.parse::<Unit>() {
                Ok(unit) => signals.push((signal, unit.millivolts())),
                Err(_) => {
                    refused.get_or_insert(signal);
                    leave_out(signal, LeftOut::Unit(signal.unit.clone()));
                }
            }
        }
        if let (Some(signal), true) = (refused, signals.is_empty()) {
            let what = format!("{}: signal {}", path.display(), signal.name);
            return Err(Error::Unit { what, unit: signal.unit.clone() });
        }

        let mut rates: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for (signal, _) in &signals {
            let (standard, all) = rates.entry(signal.samples).or_default();
            *standard += usize::from(!matches!(signal.name.parse(), Ok(Lead::Other(_))));
            *all += 1;
        }
        // Of rates with as many signals, the highest.
        let rate = rates.iter().max_by_key(|&(samples, votes)| (votes, samples)).map(|(&samples, _)| samples);
        signals.retain(|(signal, _)| {
            let kept = Some(signal.samples) == rate;
            if !kept {
                leave_out(signal, LeftOut::Rate(signal.samples as f64 / self.seconds));
            }
            kept
        });
        Ok(Selection { signals, notes })
    }
}

impl Signal {
    /// The signal `index` of `count`, whose descriptions are given field by field.
    fn parse(described: &[u8], count: usize, index: usize, start: usize) -> Parsed<Self> {
        // The fields before it take `before` bytes of each signal.
        let field = |before: usize, width: usize| &described[before * count + index * width..][..width];
        let name = text(field(0, 16)).trim().to_owned();
        let name = if name.is_empty() { format!("signal {}", index + 1) } else { name };
        let of = |what: &str| format!("{what} of signal {name}");
        let pair = |what: &str, before: usize| -> Parsed<[f64; 2]> {
            let low = number(&of(&format!("{what} minimum")), field(before, 8))?;
            let high = number(&of(&format!("{what} maximum")), field(before + 8, 8))?;
            if f64::is_finite(low) && f64::is_finite(high) && low != high {
                Ok([low, high])
            } else {
                Err(format!("the {} is {low} to {high}", of(&format!("{what} range"))))
            }
        };
        Ok(Self {
            unit: text(field(96, 8)).trim().to_owned(),
            physical: pair("physical", 104)?,
            digital: pair("digital", 120)?,
            samples: number(&of("number of samples in a data record"), field(216, 8))?,
            start,
            name,
        })
    }

    /// The value in the signal's unit.
    fn physical(&self, value: i16) -> f64 {
        let ([low, high], [from, to]) = (self.physical, self.digital);
        low + (f64::from(value) - from) * ((high - low) / (to - from))
    }
}

/// The number in a field filled up with spaces.
fn number<T: std::str::FromStr>(what: &str, field: &[u8]) -> Parsed<T> {
    let text = text(field);
    let text = text.trim_matches([' ', '\0']);
    text.parse().map_err(|_| format!("the {what} is `{text}`: expected a number"))
}

//! WFDB, the format of PhysioNet: a header (`.hea`) and signal files (`.dat`, `.mat`).
//!
//! Signals in storage formats 16, 24, 32, 80 and 212 are read, also behind a byte offset (as in the PhysioNet
//! challenges' `.mat` files) and with skew. Several samples per frame and several segments are not.

mod header;
mod samples;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use samples::Format;

use crate::format::{Unit, in_file};
use crate::{Error, Lead, Record, Result, Source};

pub use header::{Header, Signal};

/// A record as stored: ADC values, which [`Signal`] says how to understand.
#[derive(Clone, Debug, PartialEq)]
pub struct Digital {
    /// The record's header.
    pub header: Header,
    /// Samples of each signal.
    pub length: usize,
    /// ADC values, `[signals, samples]`; a format's lowest value marks a missing sample.
    pub values: Vec<i32>,
}

/// Reads the record of a header file, in millivolts.
///
/// # Errors
/// Those of [`read_digital`]; [`Error::Unit`] if a signal is not a voltage; those of [`Record::new`].
pub fn read(header: &Path) -> Result<Record> {
    let Digital { header, length, values } = read_digital(header)?;
    let mut leads = Vec::with_capacity(header.signals.len());
    let mut samples = Vec::with_capacity(values.len());
    for (i, signal) in header.signals.iter().enumerate() {
        let name = signal.name(i);
        let unit: Unit = signal.unit.parse().map_err(|_| Error::Unit {
            what: format!("{}: signal {name}", header.path.display()),
            unit: signal.unit.clone(),
        })?;
        leads.push(name.parse::<Lead>()?);
        let missing = signal.storage(&header)?.missing();
        let (baseline, scale) = (f64::from(signal.baseline), unit.millivolts());
        let row = &values[i * length..(i + 1) * length];
        samples.extend(row.iter().map(|&value| {
            if value == missing { f32::NAN } else { ((f64::from(value) - baseline) / signal.gain * scale) as f32 }
        }));
    }
    let source = Source::File(header.path.clone());
    let record =
        Record::new(leads, header.sampling_rate, samples, source).map_err(|source| in_file(&header.path, source))?;
    Ok(record.with_comments(header.comments))
}

/// Reads the record of a header file as stored. Checksums are verified and skew is undone.
///
/// # Errors
/// Those of [`Header::read`]; [`Error::Unsupported`]; [`Error::MissingSignalFile`], [`Error::Truncated`] and
/// [`Error::Checksum`] for damaged records.
pub fn read_digital(header: &Path) -> Result<Digital> {
    let header = Header::read(header)?;
    if header.segments.is_some() {
        return Err(header.unsupported("several segments"));
    }
    let files = files(&header)?;
    let length = match (header.samples, files.first()) {
        (Some(samples), _) => samples,
        (None, Some(file)) => file.frames()?,
        (None, None) => 0,
    };
    // Before anything of that size is allocated, the files prove that they are as long.
    let bytes: Vec<_> = files.iter().map(|file| file.read(length)).collect::<Result<_>>()?;
    let length = usize::try_from(length).map_err(|_| header.unsupported("an extreme length"))?;

    let mut values = vec![0; header.signals.len() * length];
    for (file, bytes) in files.iter().zip(&bytes) {
        file.spread(bytes, length, &mut values);
    }
    for (i, signal) in header.signals.iter().enumerate() {
        let row = &mut values[i * length..(i + 1) * length];
        let found = row.iter().fold(0, |sum: u16, &value| sum.wrapping_add(value as u16));
        if let Some(expected) = signal.checksum.filter(|&sum| sum != found) {
            return Err(Error::Checksum {
                path: header.sibling(&signal.file),
                signal: signal.name(i),
                expected,
                found,
            });
        }
        let skew = usize::try_from(signal.skew).unwrap_or(length).min(length);
        if skew > 0 {
            row.copy_within(skew.., 0);
            row[length - skew..].fill(signal.storage(&header)?.missing());
        }
    }
    Ok(Digital { header, length, values })
}

/// One signal file and the signals in it.
struct SignalFile<'a> {
    header: &'a Header,
    name: &'a str,
    format: Format,
    offset: u64,
    /// The signals, by their numbers.
    signals: Vec<usize>,
}

/// The signal files of a record, in the order in which the header first names them.
fn files(header: &Header) -> Result<Vec<SignalFile<'_>>> {
    let mut files: Vec<SignalFile> = Vec::new();
    let mut places = BTreeMap::new();
    for (i, signal) in header.signals.iter().enumerate() {
        if signal.samples_per_frame != 1 {
            return Err(header.unsupported("several samples per frame"));
        }
        if matches!(signal.file.as_str(), "-" | "~") {
            return Err(header.unsupported("a signal without a file"));
        }
        let format = signal.storage(header)?;
        let place = *places.entry(signal.file.as_str()).or_insert(files.len());
        if place == files.len() {
            files.push(SignalFile { header, name: &signal.file, format, offset: signal.offset, signals: Vec::new() });
        }
        let file = &mut files[place];
        if (file.format, file.offset) != (format, signal.offset) {
            return Err(header.unsupported("several storage formats or byte offsets in one signal file"));
        }
        file.signals.push(i);
    }
    Ok(files)
}

impl SignalFile<'_> {
    /// How many frames are in the file.
    fn frames(&self) -> Result<u64> {
        let bytes = self.open()?.1.saturating_sub(self.offset);
        Ok(self.format.count(bytes) / self.signals.len() as u64)
    }

    /// The bytes of the first `frames` frames.
    fn read(&self, frames: u64) -> Result<Vec<u8>> {
        let (file, found) = self.open()?;
        let values = frames.checked_mul(self.signals.len() as u64);
        let bytes = values.and_then(|n| self.format.bytes(n));
        let expected = bytes.and_then(|n| n.checked_add(self.offset)).unwrap_or(u64::MAX);
        let path = || self.header.sibling(self.name);
        if found < expected {
            return Err(Error::Truncated { path: path(), expected, found });
        }
        let mut bytes = Vec::with_capacity(expected as usize);
        file.take(expected).read_to_end(&mut bytes).map_err(|source| Error::Read { path: path(), source })?;
        bytes.drain(..(self.offset as usize).min(bytes.len()));
        Ok(bytes)
    }

    /// The file and its length.
    fn open(&self) -> Result<(File, u64)> {
        let path = self.header.sibling(self.name);
        let opened = std::fs::metadata(&path).and_then(|metadata| {
            // A device or pipe has no length to check the header against, and may block.
            if metadata.is_file() {
                Ok((File::open(&path)?, metadata.len()))
            } else {
                Err(std::io::Error::other("not a regular file"))
            }
        });
        opened.map_err(|source| match source.kind() {
            ErrorKind::NotFound => Error::MissingSignalFile { header: self.header.path.clone(), path },
            _ => Error::Read { path, source },
        })
    }

    /// Puts the interleaved values of the file in their signals' rows, of `length` samples.
    fn spread(&self, bytes: &[u8], length: usize, values: &mut [i32]) {
        let interleaved = self.format.decode(bytes);
        for (place, &signal) in self.signals.iter().enumerate() {
            let row = &mut values[signal * length..(signal + 1) * length];
            let column = interleaved.iter().skip(place).step_by(self.signals.len());
            for (to, &from) in row.iter_mut().zip(column) {
                *to = from;
            }
        }
    }
}

impl Header {
    /// A file in the header's folder.
    fn sibling(&self, name: &str) -> std::path::PathBuf {
        self.path.with_file_name("").join(name)
    }

    fn unsupported(&self, feature: impl Into<String>) -> Error {
        Error::Unsupported { path: self.path.clone(), feature: feature.into() }
    }
}

impl Signal {
    fn storage(&self, header: &Header) -> Result<Format> {
        Format::from_number(self.format).ok_or_else(|| header.unsupported(format!("storage format {}", self.format)))
    }

    /// The description, or the signal's number (from 1) if there is none.
    fn name(&self, index: usize) -> String {
        if self.description.is_empty() { format!("signal {}", index + 1) } else { self.description.clone() }
    }
}

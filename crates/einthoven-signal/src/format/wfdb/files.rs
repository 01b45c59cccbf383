//! The signal files of a record.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::PathBuf;

use super::flac::Flac;
use super::header::Header;
use super::samples::Format;
use super::signal::Signal;
use crate::{Error, Result};

/// One signal file and the signals in it.
pub(super) struct SignalFile<'a> {
    header: &'a Header,
    name: &'a str,
    pub format: Format,
    /// Bytes (of FLAC, samples) before the first frame.
    offset: u64,
    /// The signals, by their numbers.
    pub signals: Vec<usize>,
}

/// The signal files of a record, in the order in which the header first names them.
pub(super) fn files(header: &Header) -> Result<Vec<SignalFile<'_>>> {
    let mut files: Vec<SignalFile> = Vec::new();
    let mut places = BTreeMap::new();
    for (i, signal) in header.signals.iter().enumerate() {
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

impl<'a> SignalFile<'a> {
    /// The file's signals, each with the place of its first sample in a frame.
    pub fn places(&self) -> impl Iterator<Item = (usize, &'a Signal, u64)> {
        let header = self.header;
        self.signals.iter().scan(0, move |next, &i| {
            let signal = &header.signals[i];
            let place = *next;
            *next += u64::from(signal.samples_per_frame);
            Some((i, signal, place))
        })
    }

    /// Values of all signals in a frame.
    pub fn frame(&self) -> u64 {
        self.signals.iter().map(|&i| u64::from(self.header.signals[i].samples_per_frame)).sum()
    }

    /// How many frames are in the file.
    pub fn frames(&self) -> Result<u64> {
        let (file, bytes) = self.open()?;
        match self.format {
            Format::Flac(bits) => {
                let samples = self.flac(file, bits)?.samples();
                let samples = samples.ok_or_else(|| self.header.unsupported("a FLAC file of unknown length"))?;
                Ok(samples.saturating_sub(self.offset) / self.samples_per_frame()?)
            }
            format => Ok(format.count(bytes.saturating_sub(self.offset)) / self.frame()),
        }
    }

    /// The values of the first `frames` frames: one frame after the other, in each the samples of one signal after the
    /// other. Of format 8, their differences.
    pub fn read(&self, frames: u64) -> Result<Vec<i32>> {
        let (file, found) = self.open()?;
        if let Format::Flac(bits) = self.format {
            return self.read_flac(file, bits, frames);
        }
        let bytes = frames.checked_mul(self.frame()).and_then(|n| self.format.bytes(n));
        let expected = bytes.and_then(|n| n.checked_add(self.offset)).unwrap_or(u64::MAX);
        // Before anything of that size is allocated, the file proves that it is as long.
        if found < expected {
            return Err(Error::Truncated { path: self.path(), expected, found });
        }
        let mut bytes = Vec::with_capacity(expected as usize);
        file.take(expected).read_to_end(&mut bytes).map_err(|source| Error::Read { path: self.path(), source })?;
        Ok(self.format.decode(bytes.get(self.offset as usize..).unwrap_or_default()))
    }

    fn read_flac(&self, file: File, bits: u32, frames: u64) -> Result<Vec<i32>> {
        let per_frame = self.samples_per_frame()?;
        let end = frames.checked_mul(per_frame).and_then(|n| n.checked_add(self.offset)).unwrap_or(u64::MAX);
        let channels = self.flac(file, bits)?.read(self.offset, end).map_err(|source| self.parse(source))?;
        let found = channels[0].len() as u64;
        if found != end - self.offset {
            return Err(Error::Damaged {
                path: self.path(),
                message: format!("it holds {found} samples of each signal, expected {}", end - self.offset),
            });
        }
        // One sample at least was found, or there is nothing to loop over.
        let per_frame = per_frame as usize;
        let frames = (0..channels[0].len()).step_by(per_frame.max(1));
        Ok(frames.flat_map(|i| channels.iter().flat_map(move |c| &c[i..i + per_frame])).copied().collect())
    }

    fn flac(&self, file: File, bits: u32) -> Result<Flac<File>> {
        Flac::open(file, bits, self.signals.len()).map_err(|source| self.parse(source))
    }

    /// Samples per frame of each signal of a FLAC file, whose channels are all of one rate.
    fn samples_per_frame(&self) -> Result<u64> {
        let first = self.header.signals[self.signals[0]].samples_per_frame;
        if self.signals.iter().any(|&i| self.header.signals[i].samples_per_frame != first) {
            return Err(self.header.unsupported("different numbers of samples per frame in one FLAC file"));
        }
        Ok(first.into())
    }

    /// The file and its length.
    fn open(&self) -> Result<(File, u64)> {
        let path = self.path();
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

    fn path(&self) -> PathBuf {
        self.header.sibling(self.name)
    }

    fn parse(&self, source: claxon::Error) -> Error {
        match source {
            claxon::Error::IoError(source) if source.kind() != ErrorKind::UnexpectedEof => {
                Error::Read { path: self.path(), source }
            }
            source => Error::Parse { path: self.path(), source: source.into() },
        }
    }
}

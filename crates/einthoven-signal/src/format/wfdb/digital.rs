//! Records as stored: ADC values.

use std::path::Path;

use super::files::{SignalFile, files};
use super::header::Header;
use super::samples::Format;
use super::signal::Signal;
use crate::{Error, Result};

/// A record as stored: ADC values, which [`Signal`] says how to understand.
///
/// Where a signal has several samples in a frame, there is one value for each frame: the mean of those that are not
/// missing, truncated towards zero, as of the WFDB package's `smooth_frames`.
#[derive(Clone, Debug, PartialEq)]
pub struct Digital {
    /// The record's header.
    pub header: Header,
    /// Frames: values of each signal.
    pub length: usize,
    /// ADC values, `[signals, length]`; a format's lowest value (of format 8, that of 32 bits) marks a missing sample.
    pub values: Vec<i32>,
}

/// Reads the record of a header file as stored. Checksums are verified and skew is undone.
///
/// # Errors
/// Those of [`Header::read`]; [`Error::Unsupported`], also for several segments, which need not share a scale;
/// [`Error::MissingSignalFile`], [`Error::Truncated`], [`Error::Damaged`], [`Error::Parse`] and [`Error::Checksum`] for
/// damaged records.
pub fn read_digital(header: &Path) -> Result<Digital> {
    digital(Header::read(header)?)
}

/// Reads the record of a header as stored.
pub(super) fn digital(header: Header) -> Result<Digital> {
    if header.segments.is_some() {
        return Err(header.unsupported("several segments"));
    }
    let files = files(&header)?;
    let length = match (header.samples, files.first()) {
        (Some(samples), _) => samples,
        (None, Some(file)) => file.frames()?,
        (None, None) => 0,
    };
    // All files are read before memory for the whole is taken, which they so prove to be needed.
    let contents: Vec<_> = files.iter().map(|file| file.read(length)).collect::<Result<_>>()?;
    let length = usize::try_from(length).map_err(|_| header.unsupported("an extreme length"))?;

    let mut values = vec![0; header.signals.len() * length];
    for (file, content) in files.iter().zip(contents) {
        for (i, signal, place) in file.places() {
            let row = &mut values[i * length..(i + 1) * length];
            let found = gather(file, signal, place as usize, &content, row);
            if let Some(expected) = signal.checksum.filter(|&sum| sum != found) {
                let path = header.sibling(&signal.file);
                return Err(Error::Checksum { path, signal: signal.name(i), expected, found });
            }
            let skew = usize::try_from(signal.skew).unwrap_or(length).min(length);
            if skew > 0 {
                row.copy_within(skew.., 0);
                row[length - skew..].fill(file.format.missing());
            }
        }
    }
    Ok(Digital { header, length, values })
}

/// Fills a signal's row from the `content` of its file; hands back the sum of all its samples modulo 65536.
fn gather(file: &SignalFile, signal: &Signal, place: usize, content: &[i32], row: &mut [i32]) -> u16 {
    // Rows are only as long as the content has frames, so that an extreme frame meets an empty row.
    let frames = content.chunks_exact(file.frame().try_into().unwrap_or(usize::MAX));
    let mut sum = 0_u16;
    if signal.samples_per_frame == 1 && file.format != Format::F8 {
        for (to, frame) in row.iter_mut().zip(frames) {
            *to = frame[place];
            sum = sum.wrapping_add(*to as u16);
        }
        return sum;
    }
    let mut level = signal.initial;
    let missing = file.format.missing();
    for (to, frame) in row.iter_mut().zip(frames) {
        let (mut total, mut count) = (0_i64, 0);
        for &stored in &frame[place..place + signal.samples_per_frame as usize] {
            let value = if file.format == Format::F8 {
                level = level.wrapping_add(stored);
                level
            } else {
                stored
            };
            sum = sum.wrapping_add(value as u16);
            if value != missing {
                total += i64::from(value);
                count += 1;
            }
        }
        // A mean of values is within their range.
        *to = if count == 0 { missing } else { (total / count) as i32 };
    }
    sum
}

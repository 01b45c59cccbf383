//! Signal lines of WFDB header files.

use super::header::{Header, Line};
use super::samples::Format;
use crate::Result;

/// Gain of a signal without one (or with 0), in ADC units per physical unit.
const DEFAULT_GAIN: f64 = 200.0;

/// What a header says about one signal.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Name of the file that holds its samples, in the header's folder; `~` if no file does.
    pub file: String,
    /// Number of the storage format.
    pub format: u32,
    /// Samples per frame.
    pub samples_per_frame: u32,
    /// By how many frames the signal lags behind its place.
    pub skew: u64,
    /// Bytes in the file before the first sample; in a FLAC file, samples.
    pub offset: u64,
    /// ADC units per physical unit.
    pub gain: f64,
    /// ADC value of 0 physical units.
    pub baseline: i32,
    /// The physical unit.
    pub unit: String,
    /// Resolution of the ADC in bits, if known.
    pub resolution: Option<u32>,
    /// ADC value in the middle of the ADC's range.
    pub zero: i32,
    /// The first sample's ADC value.
    pub initial: i32,
    /// Sum of all ADC values modulo 65536.
    pub checksum: Option<u16>,
    /// Block size of the file, in bytes; 0 for ordinary files.
    pub block_size: i64,
    /// What the signal is: for an ECG, its lead. Empty if the header does not say.
    pub description: String,
}

impl Signal {
    pub(super) fn storage(&self, header: &Header) -> Result<Format> {
        Format::from_number(self.format).ok_or_else(|| header.unsupported(format!("storage format {}", self.format)))
    }

    /// The description, or the signal's number (from 1) if there is none.
    pub(super) fn name(&self, index: usize) -> String {
        if self.description.is_empty() { format!("signal {}", index + 1) } else { self.description.clone() }
    }
}

/// The signal that a line of a header describes.
pub(super) fn signal_line(line: &Line) -> Result<Signal> {
    let (file, rest) = word(line.text);
    let (format, rest) = word(rest);
    if format.is_empty() {
        return Err(line.error("the signal's storage format is missing".into()));
    }
    let mut signal = Signal {
        file: file.to_owned(),
        format: 0,
        samples_per_frame: 1,
        skew: 0,
        offset: 0,
        gain: DEFAULT_GAIN,
        baseline: 0,
        unit: "mV".into(),
        resolution: None,
        zero: 0,
        initial: 0,
        checksum: None,
        block_size: 0,
        description: String::new(),
    };
    storage(line, format, &mut signal)?;

    let (gain, rest) = word(rest);
    let baseline = scale(line, gain, &mut signal)?;
    let (resolution, rest) = word(rest);
    if !resolution.is_empty() {
        let bits = line.number("ADC resolution", resolution)?;
        signal.resolution = Some(bits).filter(|&b| b > 0);
    }
    let (zero, rest) = word(rest);
    if !zero.is_empty() {
        signal.zero = line.number("ADC zero", zero)?;
    }
    signal.baseline = baseline.unwrap_or(signal.zero);
    let (initial, rest) = word(rest);
    signal.initial = if initial.is_empty() { signal.zero } else { line.number("initial value", initial)? };
    let (checksum, rest) = word(rest);
    if !checksum.is_empty() {
        let sum: i64 = line.number("checksum", checksum)?;
        // Written with or without sign; both mean the same modulo 65536.
        signal.checksum = Some(sum as u16);
    }
    let (block_size, description) = word(rest);
    if !block_size.is_empty() {
        signal.block_size = line.number("block size", block_size)?;
    }
    signal.description = description.to_owned();
    Ok(signal)
}

/// `format[xsamples per frame][:skew][+offset]`.
fn storage(line: &Line, field: &str, signal: &mut Signal) -> Result<()> {
    let (field, offset) = cut(field, '+');
    let (field, skew) = cut(field, ':');
    let (format, per_frame) = cut(field, 'x');
    signal.format = line.number("storage format", format)?;
    if let Some(text) = per_frame {
        signal.samples_per_frame = line.number("number of samples per frame", text)?;
        if signal.samples_per_frame == 0 {
            return Err(line.error("a frame has 0 samples of the signal".into()));
        }
    }
    if let Some(text) = skew {
        signal.skew = line.number("skew", text)?;
    }
    if let Some(text) = offset {
        signal.offset = line.number("byte offset", text)?;
    }
    Ok(())
}

/// `gain[(baseline)][/unit]`; hands back the baseline.
fn scale(line: &Line, field: &str, signal: &mut Signal) -> Result<Option<i32>> {
    if field.is_empty() {
        return Ok(None);
    }
    let (scale, unit) = cut(field, '/');
    if let Some(unit) = unit.filter(|u| !u.is_empty()) {
        signal.unit = unit.to_owned();
    }
    let (gain, baseline) = parenthesis(scale);
    let gain = line.finite("gain", gain)?;
    if gain != 0.0 {
        signal.gain = gain;
    }
    baseline.map(|b| line.number("baseline", b)).transpose()
}

/// The first word and what follows it.
pub(super) fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

/// What is before `mark`, and what is after it if it occurs.
fn cut(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(a, b)| (a, Some(b)))
}

/// `a(b)` as a and b.
pub(super) fn parenthesis(text: &str) -> (&str, Option<&str>) {
    match text.split_once('(') {
        Some((before, inside)) => (before, Some(inside.strip_suffix(')').unwrap_or(inside))),
        None => (text, None),
    }
}

//! WFDB header files (`.hea`), after the WFDB Applications Guide, header(5).

use std::path::{Path, PathBuf};

use crate::format::read_file;
use crate::{Error, Result};

/// Sampling rate of a header that gives none, in Hz.
const DEFAULT_SAMPLING_RATE: f64 = 250.0;
/// Gain of a signal without one (or with 0), in ADC units per physical unit.
const DEFAULT_GAIN: f64 = 200.0;

/// What a header file says about a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The header file.
    pub path: PathBuf,
    /// The record's name.
    pub record: String,
    /// Number of segments of a multi-segment record, whose signals are not listed here.
    pub segments: Option<u64>,
    /// Frames (for most records: samples of a signal) per second, in Hz.
    pub sampling_rate: f64,
    /// Ticks per second of the recorder's counter, in Hz.
    pub counter_frequency: Option<f64>,
    /// The counter's value at sample 0.
    pub base_counter: Option<f64>,
    /// Samples of each signal, unless left to the signal files' length.
    pub samples: Option<u64>,
    /// Time of day of sample 0, as written.
    pub base_time: Option<String>,
    /// Date of sample 0, as written.
    pub base_date: Option<String>,
    /// The signals.
    pub signals: Vec<Signal>,
    /// Comment lines, without their mark.
    pub comments: Vec<String>,
}

/// What a header says about one signal.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Name of the file that holds its samples, in the header's folder.
    pub file: String,
    /// Number of the storage format.
    pub format: u32,
    /// Samples per frame.
    pub samples_per_frame: u32,
    /// By how many frames the signal lags behind its place.
    pub skew: u64,
    /// Bytes in the file before the first sample.
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

impl Header {
    /// Reads a header file.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Header`] naming the line.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = read_file(path)?;
        // Old headers are in Latin-1, where every byte is the character of the same number.
        let text = String::from_utf8(bytes).unwrap_or_else(|e| e.as_bytes().iter().map(|&b| char::from(b)).collect());
        Self::parse(&text, path)
    }

    /// Parses the text of the header file `path`.
    ///
    /// # Errors
    /// [`Error::Header`] naming the line.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let mut comments = Vec::new();
        let mut lines = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let line = line.trim();
            if let Some(comment) = line.strip_prefix('#') {
                comments.push(comment.trim().to_owned());
            } else if !line.is_empty() {
                lines.push(Line { path, number: i + 1, text: line });
            }
        }
        let Some((first, rest)) = lines.split_first() else {
            return Err(Error::Header { path: path.to_owned(), line: 1, message: "the header is empty".into() });
        };
        let (mut header, signals) = record_line(first)?;
        header.comments = comments;
        if header.segments.is_some() {
            return Ok(header);
        }
        if signals != rest.len() as u64 {
            return Err(first.error(format!("{signals} signals are announced but {} lines follow", rest.len())));
        }
        header.signals = rest.iter().map(signal_line).collect::<Result<_>>()?;
        Ok(header)
    }
}

/// A line of a header file.
struct Line<'a> {
    path: &'a Path,
    number: usize,
    text: &'a str,
}

impl Line<'_> {
    fn error(&self, message: String) -> Error {
        Error::Header { path: self.path.to_owned(), line: self.number, message }
    }

    fn number<T: std::str::FromStr>(&self, what: &str, text: &str) -> Result<T> {
        text.parse().map_err(|_| self.error(format!("the {what} is `{text}`: expected a number")))
    }

    fn finite(&self, what: &str, text: &str) -> Result<f64> {
        let value: f64 = self.number(what, text)?;
        if value.is_finite() {
            Ok(value)
        } else {
            Err(self.error(format!("the {what} is `{text}`: expected a finite number")))
        }
    }
}

/// The header that the record line gives, and the number of signals.
fn record_line(line: &Line) -> Result<(Header, u64)> {
    let mut fields = line.text.split_whitespace();
    let name = fields.next().unwrap_or_default();
    let (record, segments) = match name.split_once('/') {
        Some((name, count)) => (name, Some(line.number("number of segments", count)?)),
        None => (name, None),
    };
    let Some(signals) = fields.next() else {
        return Err(line.error("the number of signals is missing".into()));
    };
    let mut header = Header {
        path: line.path.to_owned(),
        record: record.to_owned(),
        segments,
        sampling_rate: DEFAULT_SAMPLING_RATE,
        counter_frequency: None,
        base_counter: None,
        samples: None,
        base_time: None,
        base_date: None,
        signals: Vec::new(),
        comments: Vec::new(),
    };
    if let Some(field) = fields.next() {
        rates(line, field, &mut header)?;
    }
    if let Some(field) = fields.next() {
        let samples = line.number("number of samples", field)?;
        // Zero, like nothing, leaves it to the signal files.
        header.samples = Some(samples).filter(|&n| n > 0);
    }
    // Time comes first, but some databases write the date first; only a time has colons.
    for field in fields {
        let place = if field.contains(':') { &mut header.base_time } else { &mut header.base_date };
        place.get_or_insert_with(|| field.to_owned());
    }
    Ok((header, line.number("number of signals", signals)?))
}

/// `sampling rate[/counter frequency[(base counter)]]`.
fn rates(line: &Line, field: &str, header: &mut Header) -> Result<()> {
    let (rate, counter) = field.split_once('/').map_or((field, None), |(r, c)| (r, Some(c)));
    header.sampling_rate = line.finite("sampling rate", rate)?;
    if header.sampling_rate <= 0.0 {
        return Err(line.error(format!("the sampling rate is `{rate}`: expected a positive number")));
    }
    if let Some(counter) = counter {
        let (frequency, base) = parenthesis(counter);
        header.counter_frequency = Some(line.finite("counter frequency", frequency)?);
        header.base_counter = base.map(|b| line.finite("base counter", b)).transpose()?;
    }
    Ok(())
}

fn signal_line(line: &Line) -> Result<Signal> {
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
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

/// What is before `mark`, and what is after it if it occurs.
fn cut(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(a, b)| (a, Some(b)))
}

/// `a(b)` as a and b.
fn parenthesis(text: &str) -> (&str, Option<&str>) {
    match text.split_once('(') {
        Some((before, inside)) => (before, Some(inside.strip_suffix(')').unwrap_or(inside))),
        None => (text, None),
    }
}

//! WFDB header files (`.hea`), after the WFDB Applications Guide, header(5).

use std::path::{Path, PathBuf};

use super::signal::{Signal, parenthesis, signal_line, word};
use crate::format::{read_file, text};
use crate::{Error, Result};

/// Sampling rate of a header that gives none, in Hz.
const DEFAULT_SAMPLING_RATE: f64 = 250.0;

/// What a header file says about a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The header file.
    pub path: PathBuf,
    /// The record's name.
    pub record: String,
    /// The segments of a multi-segment record, whose signals are listed in the segments' headers.
    pub segments: Option<Vec<Segment>>,
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

/// A part of a multi-segment record: a record of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Name of the record, in the header's folder; `~` for a gap.
    pub record: String,
    /// Frames of the segment; 0 for the layout that a record of variable layout begins with.
    pub samples: u64,
}

impl Segment {
    /// Whether nothing was recorded in the segment.
    pub fn is_gap(&self) -> bool {
        self.record == "~"
    }
}

impl Header {
    /// Reads a header file.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Header`] naming the line.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&text(&read_file(path)?), path)
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
        let (mut header, segments, signals) = record_line(first)?;
        header.comments = comments;
        if let Some(segments) = segments {
            if segments != rest.len() as u64 {
                return Err(first.error(format!("{segments} segments are announced but {} lines follow", rest.len())));
            }
            header.segments = Some(rest.iter().map(segment_line).collect::<Result<_>>()?);
            return Ok(header);
        }
        if signals != rest.len() as u64 {
            return Err(first.error(format!("{signals} signals are announced but {} lines follow", rest.len())));
        }
        header.signals = rest.iter().map(signal_line).collect::<Result<_>>()?;
        Ok(header)
    }

    /// A file in the header's folder.
    pub(super) fn sibling(&self, name: &str) -> PathBuf {
        self.path.with_file_name("").join(name)
    }

    pub(super) fn unsupported(&self, feature: impl Into<String>) -> Error {
        Error::Unsupported { path: self.path.clone(), feature: feature.into() }
    }
}

/// A line of a header file.
pub(super) struct Line<'a> {
    path: &'a Path,
    number: usize,
    pub text: &'a str,
}

impl Line<'_> {
    pub fn error(&self, message: String) -> Error {
        Error::Header { path: self.path.to_owned(), line: self.number, message }
    }

    pub fn number<T: std::str::FromStr>(&self, what: &str, text: &str) -> Result<T> {
        text.parse().map_err(|_| self.error(format!("the {what} is `{text}`: expected a number")))
    }

    pub fn finite(&self, what: &str, text: &str) -> Result<f64> {
        let value: f64 = self.number(what, text)?;
        if value.is_finite() {
            Ok(value)
        } else {
            Err(self.error(format!("the {what} is `{text}`: expected a finite number")))
        }
    }
}

/// The header that the record line gives, the number of segments if there are any, and the number of signals.
fn record_line(line: &Line) -> Result<(Header, Option<u64>, u64)> {
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
        segments: None,
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
    Ok((header, segments, line.number("number of signals", signals)?))
}

/// `record name length`.
fn segment_line(line: &Line) -> Result<Segment> {
    let (record, length) = word(line.text);
    if length.is_empty() {
        return Err(line.error("the length of the segment is missing".into()));
    }
    Ok(Segment { record: record.to_owned(), samples: line.number("length of the segment", length)? })
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

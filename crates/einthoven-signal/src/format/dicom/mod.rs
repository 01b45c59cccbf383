//! DICOM waveforms (`.dcm`): 12-lead, general and ambulatory ECG (PS3.3, sections A.34 and C.10.9; PS3.5).
//!
//! Read by a reader of its own, which neither recurses into nested sequences nor believes a length before it has seen the
//! bytes. Nothing but the waveform is handed over: the patient's data stay in the file.

mod dataset;

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use flate2::read::DeflateDecoder;

use super::leads::{numbered, recording};
use super::number::{Bytes, Number};
use super::{Unit, read_file};
use crate::{Error, Lead, LeftOut, Note, Record, Result};
use dataset::DataSet;

/// Where the mark of a file is, and the mark.
pub(super) const MAGIC: (usize, &[u8]) = (128, b"DICM");

/// How many bytes a compressed one may become, at most.
const LARGEST_RATIO: u64 = 100;

/// Channels of a waveform, at most; there are 12 or so.
const MOST_CHANNELS: usize = 512;

const TRANSFER_SYNTAX: u32 = 0x0002_0010;
const WAVEFORM_SEQUENCE: u32 = 0x5400_0100;
const BITS_ALLOCATED: u32 = 0x5400_1004;
const SAMPLE_INTERPRETATION: u32 = 0x5400_1006;
const PADDING_VALUE: u32 = 0x5400_100a;
const WAVEFORM_DATA: u32 = 0x5400_1010;
const CHANNELS: u32 = 0x003a_0005;
const SAMPLES: u32 = 0x003a_0010;
const SAMPLING_FREQUENCY: u32 = 0x003a_001a;
const GROUP_LABEL: u32 = 0x003a_0020;
const CHANNEL_SEQUENCE: u32 = 0x003a_0200;
const CHANNEL_LABEL: u32 = 0x003a_0203;
const CHANNEL_SOURCE: u32 = 0x003a_0208;
const SENSITIVITY: u32 = 0x003a_0210;
const SENSITIVITY_UNITS: u32 = 0x003a_0211;
const CORRECTION: u32 = 0x003a_0212;
const BASELINE: u32 = 0x003a_0213;
const CODE: u32 = 0x0008_0100;
const CODING_SCHEME: u32 = 0x0008_0102;
const CODE_MEANING: u32 = 0x0008_0104;

type Parsed<T> = std::result::Result<T, String>;

/// Reads the first waveform group of rhythm or, if none is labelled so, the first; others are noted.
///
/// # Errors
/// [`Error::Damaged`]; [`Error::Unsupported`] for compounded samples; [`Error::Unit`] if no channel is a voltage; those of
/// [`Record::new`].
pub fn read(path: &Path) -> Result<Record> {
    let bytes = read_file(path)?;
    let damaged = |message| Error::Damaged { path: path.to_owned(), message };
    let (syntax, data) = data_set(&bytes).map_err(damaged)?;
    let whole = DataSet { bytes: Bytes { rest: &data, big_endian: syntax.big_endian }, explicit: syntax.explicit };
    let groups = whole.items(WAVEFORM_SEQUENCE).map_err(damaged)?;
    let labels: Vec<String> =
        groups.iter().map(|group| group.text(GROUP_LABEL)).collect::<Parsed<_>>().map_err(damaged)?;
    let rhythm = labels.iter().position(|label| label.to_ascii_lowercase().contains("rhythm")).unwrap_or(0);
    let Some(group) = groups.get(rhythm) else {
        return Err(damaged("it has no waveform".into()));
    };
    let group = Group::parse(group).map_err(damaged)?;
    let Some(number) = group.number else {
        let feature = format!("samples of {} bits as {}", group.bits, group.interpretation);
        return Err(Error::Unsupported { path: path.to_owned(), feature });
    };

    let mut notes = Vec::new();
    let mut leads = Vec::new();
    let mut refused = None;
    for (i, channel) in group.channels.iter().enumerate() {
        match channel.unit.parse::<Unit>() {
            Ok(unit) => leads.push((channel.lead.clone(), group.samples(i, channel, number, unit.millivolts()))),
            Err(_) => {
                let signal = channel.lead.name().to_owned();
                notes.push(Note::LeftOut { signal, reason: LeftOut::Unit(channel.unit.clone()) });
                refused = refused.or(Some(channel));
            }
        }
    }
    if let (Some(channel), true) = (refused, leads.is_empty()) {
        let what = format!("{}: channel {}", path.display(), channel.lead);
        return Err(Error::Unit { what, unit: channel.unit.clone() });
    }
    for (i, label) in labels.iter().enumerate().filter(|&(i, _)| i != rhythm) {
        let signal = if label.is_empty() { format!("waveform group {}", i + 1) } else { label.clone() };
        notes.push(Note::LeftOut { signal, reason: LeftOut::Another });
    }
    Ok(recording(path, group.rate, leads)?.with_notes(notes))
}

/// How a file's data set is written.
struct Syntax {
    explicit: bool,
    big_endian: bool,
}

/// The data set that follows a file's meta information.
fn data_set(file: &[u8]) -> Parsed<(Syntax, Cow<'_, [u8]>)> {
    let (at, mark) = MAGIC;
    let meta = file.get(at..).and_then(|rest| rest.strip_prefix(mark)).ok_or("it lacks the mark DICM")?;
    let mut rest = DataSet { bytes: Bytes { rest: meta, big_endian: false }, explicit: true };
    let syntax = rest.text(TRANSFER_SYNTAX)?;
    rest.skip_group(2)?;
    let data = rest.bytes.rest;
    let (explicit, big_endian) = match syntax.as_str() {
        "1.2.840.10008.1.2" => (false, false),
        "1.2.840.10008.1.2.2" => (true, true),
        "1.2.840.10008.1.2.1.99" => {
            let mut whole = Vec::new();
            let limit = LARGEST_RATIO * file.len() as u64;
            let read = DeflateDecoder::new(data).take(limit + 1).read_to_end(&mut whole);
            read.map_err(|error| format!("its data cannot be decompressed: {error}"))?;
            if whole.len() as u64 > limit {
                return Err("it grows a hundredfold when it is decompressed".into());
            }
            return Ok((Syntax { explicit: true, big_endian: false }, whole.into()));
        }
        // Compression of images leaves waveforms as they are.
        _ => (true, false),
    };
    Ok((Syntax { explicit, big_endian }, data.into()))
}

/// Channels that were recorded together.
struct Group<'a> {
    rate: f64,
    /// How samples are stored, unless it is not known.
    number: Option<Number>,
    bits: u32,
    interpretation: String,
    padding: Option<&'a [u8]>,
    data: &'a [u8],
    big_endian: bool,
    length: usize,
    channels: Vec<Channel>,
}

struct Channel {
    lead: Lead,
    unit: String,
    /// The unit's multiple that is one step of a stored value.
    step: f64,
    /// What a stored 0 is, in the unit.
    offset: f64,
}

impl<'a> Group<'a> {
    fn parse(group: &DataSet<'a>) -> Parsed<Self> {
        let needed = |tag| group.integer(tag)?.ok_or_else(|| format!("the waveform lacks {}", dataset::name(tag)));
        let rate = group.decimal(SAMPLING_FREQUENCY)?.ok_or("the waveform lacks its sampling frequency")?;
        let (bits, interpretation) = (needed(BITS_ALLOCATED)?, group.text(SAMPLE_INTERPRETATION)?);
        let number = match (bits, interpretation.as_str()) {
            (8, "SB") => Some(Number::I8),
            (8, "UB") => Some(Number::U8),
            (16, "SS") => Some(Number::I16),
            (16, "US") => Some(Number::U16),
            (32, "SL") => Some(Number::I32),
            (32, "UL") => Some(Number::U32),
            _ => None,
        };
        let definitions = group.items(CHANNEL_SEQUENCE)?;
        if definitions.len() > MOST_CHANNELS || definitions.len() as u64 != u64::from(needed(CHANNELS)?) {
            return Err(format!("{} channels are announced, {} described", needed(CHANNELS)?, definitions.len()));
        }
        let channels =
            definitions.iter().enumerate().map(|(i, item)| Channel::parse(item, i)).collect::<Parsed<Vec<_>>>()?;
        let data = group.find(WAVEFORM_DATA)?.ok_or("the waveform has no data")?;
        let length = needed(SAMPLES)? as usize;
        let size = number.map_or(1, Number::size);
        let expected = length.checked_mul(channels.len()).and_then(|n| n.checked_mul(size));
        // Data of an odd number of bytes are filled up.
        if number.is_some() && expected.is_none_or(|n| n > data.len() || n + 1 < data.len()) {
            return Err(format!("{length} samples of {} channels cannot be {} bytes", channels.len(), data.len()));
        }
        let padding = group.find(PADDING_VALUE)?.filter(|value| value.len() >= size);
        let big_endian = group.bytes.big_endian;
        Ok(Self { rate, number, bits, interpretation, padding, data, big_endian, length, channels })
    }

    /// The samples of a channel, in a multiple `scale` of its unit.
    fn samples(&self, index: usize, channel: &Channel, number: Number, scale: f64) -> Vec<f32> {
        let padding = self.padding.map(|value| number.at(value, 0, self.big_endian));
        let value = |i| {
            let stored = number.at(self.data, i * self.channels.len() + index, self.big_endian);
            let value = (stored * channel.step + channel.offset) * scale;
            if Some(stored) == padding { f32::NAN } else { value as f32 }
        };
        (0..self.length).map(value).collect()
    }
}

impl Channel {
    fn parse(channel: &DataSet, index: usize) -> Parsed<Self> {
        let lead = match channel.items(CHANNEL_SOURCE)?.first() {
            Some(source) => lead(source)?,
            None => None,
        };
        let label = channel.text(CHANNEL_LABEL)?;
        let lead = lead.or_else(|| label.parse().ok()).unwrap_or_else(|| Lead::Other(format!("channel {}", index + 1)));
        let unit = match channel.items(SENSITIVITY_UNITS)?.first() {
            Some(unit) => unit.text(CODE)?,
            None => String::new(),
        };
        let step = channel.decimal(SENSITIVITY)?.unwrap_or(1.0) * channel.decimal(CORRECTION)?.unwrap_or(1.0);
        Ok(Self { lead, unit, step, offset: channel.decimal(BASELINE)?.unwrap_or(0.0) })
    }
}

/// The lead that a coded source names.
fn lead(source: &DataSet) -> Parsed<Option<Lead>> {
    let (scheme, code) = (source.text(CODING_SCHEME)?, source.text(CODE)?);
    let number = match scheme.as_str() {
        "MDC" => code.strip_prefix("2:"),
        "SCPECG" => code.strip_prefix("5.6.3-9-"),
        _ => None,
    };
    if let Some(number) = number.and_then(|number| number.parse().ok()) {
        return Ok(Some(numbered(number)));
    }
    // `Lead I (Einthoven)`
    let meaning = source.text(CODE_MEANING)?;
    Ok(meaning.split('(').next().unwrap_or_default().parse().ok())
}

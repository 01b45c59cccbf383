//! Philips Sierra ECG.

use std::path::Path;

use super::document::{Element, each, within};
use super::xli;
use super::{Parsed, bytes, number};
use crate::format::leads::recording;
use crate::{Error, Lead, LeftOut, Note, Record, Result};

/// How many bytes a compressed one may become, at most.
const LARGEST_RATIO: usize = 100;

/// Reads the parsed waveforms.
pub fn read(document: &str, path: &Path) -> Result<Record> {
    let damaged = |message| Error::Damaged { path: path.to_owned(), message };
    let mut file = File::default();
    each(document, |open, element| file.take(open, element)).map_err(damaged)?;
    let waveforms = file.waveforms.as_ref().ok_or_else(|| damaged("it has no parsedwaveforms".into()))?;
    let method = waveforms.attribute("compressmethod").or(waveforms.attribute("compression"));
    let compressed = match method {
        None | Some("Uncompressed") => false,
        Some("XLI") => true,
        Some(other) => {
            return Err(Error::Unsupported { path: path.to_owned(), feature: format!("compression by {other}") });
        }
    };
    let rate = file.rate.ok_or_else(|| damaged("it does not say its samplingrate".into()))?;
    let step = file.microvolts.ok_or_else(|| damaged("it does not say its resolution".into()))? * 1e-3;
    let leads = file.leads().map_err(damaged)?;
    let mut rows = bytes(waveforms)
        .and_then(|stored| {
            if compressed { xli::decode(&stored, LARGEST_RATIO * document.len()) } else { plain(&stored, leads.len()) }
        })
        .map_err(damaged)?;
    if rows.len() < leads.len() {
        return Err(damaged(format!("{} leads are named and {} stored", leads.len(), rows.len())));
    }
    // More channels may be stored than were recorded.
    rows.truncate(leads.len());
    if leads.starts_with(&Lead::TWELVE[..6]) && (compressed || !lawful(&rows)) {
        restore(&mut rows);
    }
    let scaled = |row: Vec<i16>| row.iter().map(|&value| (f64::from(value) * step) as f32).collect();
    let leads = leads.into_iter().zip(rows.into_iter().map(scaled)).collect();
    let notes = (file.typical > 0)
        .then(|| Note::LeftOut { signal: format!("{} representative beats", file.typical), reason: LeftOut::Another });
    Ok(recording(path, rate, leads)?.with_notes(notes))
}

/// What the file says.
#[derive(Default)]
struct File {
    waveforms: Option<Element>,
    /// Samples per second, Hz.
    rate: Option<f64>,
    /// A step of a stored value, µV.
    microvolts: Option<f64>,
    channels: Option<f64>,
    acquisition: String,
    /// Number of representative beats.
    typical: usize,
}

impl File {
    fn take(&mut self, open: &[Element], element: Element) -> Parsed<()> {
        let characteristic = within(open, &["signalcharacteristics"]);
        let value = || number(&element.name, &element.text);
        match element.name.as_str() {
            "samplingrate" if characteristic => self.rate = Some(value()?),
            "resolution" | "signalresolution" if characteristic => self.microvolts = Some(value()?),
            "numberchannelsallocated" if characteristic => self.channels = Some(value()?),
            "acquisitiontype" if characteristic => element.text.trim().clone_into(&mut self.acquisition),
            "repbeat" => self.typical += 1,
            "parsedwaveforms" if self.waveforms.is_none() => self.waveforms = Some(element),
            _ => {}
        }
        Ok(())
    }

    /// The leads' names, or those of the electrodes' arrangement.
    fn leads(&self) -> Parsed<Vec<Lead>> {
        let attribute = |name| self.waveforms.as_ref().and_then(|waveforms| waveforms.attribute(name));
        let labels = attribute("leadlabels").unwrap_or_default();
        if !labels.trim().is_empty() {
            let count = match attribute("numberofleads") {
                Some(count) => number("numberofleads", count)? as usize,
                None => usize::MAX,
            };
            let names = labels.split_whitespace().take(count).map(str::parse);
            return names.collect::<Result<_>>().map_err(|error| error.to_string());
        }
        match (self.acquisition.as_str(), self.channels) {
            ("STD-12" | "10-WIRE", Some(12.0)) => Ok(Lead::TWELVE.to_vec()),
            _ => Err("it does not name its leads".into()),
        }
    }
}

/// Values stored one lead after the other.
fn plain(stored: &[u8], leads: usize) -> Parsed<Vec<Vec<i16>>> {
    let (values, rest) = stored.as_chunks();
    if !rest.is_empty() || values.is_empty() || !values.len().is_multiple_of(leads.max(1)) {
        return Err(format!("{} bytes cannot be shared by {leads} leads", stored.len()));
    }
    let row = |values: &[[u8; 2]]| values.iter().map(|&value| i16::from_le_bytes(value)).collect();
    Ok(values.chunks_exact(values.len() / leads.max(1)).map(row).collect())
}

/// Whether III, as it is stored, is rather what follows from I and II (Einthoven's law) than how much it differs from that.
///
/// Of files that are not compressed no document says which it is.
fn lawful(rows: &[Vec<i16>]) -> bool {
    let [one, two, three, ..] = rows else {
        return false;
    };
    let (mut broken, mut size) = (0, 0);
    for ((&i, &ii), &iii) in one.iter().zip(two).zip(three) {
        let (i, ii, iii) = (i64::from(i), i64::from(ii), i64::from(iii));
        broken += (ii - i - iii).abs();
        size += iii.abs();
    }
    broken <= size
}

/// Makes III, aVR, aVL and aVF of how much they differ from what follows from I and II, which is what is stored.
fn restore(rows: &mut [Vec<i16>]) {
    let [one, two, three, right, left, foot, ..] = rows else {
        return;
    };
    let half = |sum: i32| sum >> 1;
    let samples = one.iter().zip(two.iter()).zip(three).zip(right).zip(left).zip(foot);
    for (((((&i, &ii), iii), avr), avl), avf) in samples {
        let (i, ii) = (i32::from(i), i32::from(ii));
        let third = ii - i - i32::from(*iii);
        *avr = (-i32::from(*avr) - half(i + ii)) as i16;
        *avl = (half(i - third) - i32::from(*avl)) as i16;
        *avf = (half(ii + third) - i32::from(*avf)) as i16;
        *iii = third as i16;
    }
}

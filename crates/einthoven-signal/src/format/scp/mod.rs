//! Standard Communications Protocol for ECG (`.scp`; EN 1064, ANSI/AAMI EC71): its rhythm data.
//!
//! Read are the pointers (section 0), Huffman tables (2), leads (3) and rhythm data (6), plain or Huffman-coded, as they are
//! or as first or second differences. Recordings from which the typical beat was subtracted, or that are coarser between
//! beats, are refused by name. Checksums are not looked at, as devices differ in them. The patient's data (section 1) stay
//! in the file.

mod huffman;

use std::path::Path;

use super::leads::{numbered, recording};
use super::number::Bytes;
use super::read_file;
use crate::{Error, Record, Result};
use huffman::Tables;

/// Where the mark of a file is, and the mark.
pub(super) const MAGIC: (usize, &[u8]) = (16, b"SCPECG");

/// Bytes before section 0.
const START: usize = 6;

/// Bytes that each section begins with.
const SECTION_HEADER: usize = 16;

type Parsed<T> = std::result::Result<T, String>;

/// Reads the rhythm of a file.
///
/// # Errors
/// [`Error::Damaged`]; [`Error::Unsupported`] for leads that are not simultaneous and for data that are reduced by the
/// typical beat or between beats; those of [`Record::new`].
pub fn read(path: &Path) -> Result<Record> {
    let bytes = read_file(path)?;
    let damaged = |message| Error::Damaged { path: path.to_owned(), message };
    let unsupported = |feature: &str| Error::Unsupported { path: path.to_owned(), feature: feature.into() };
    let section = |id| section(&bytes, id).map_err(damaged);
    let needed = |id| section(id)?.ok_or_else(|| damaged(format!("it lacks section {id}")));

    let leads = Leads::parse(needed(3)?).ok_or_else(|| damaged("section 3 ends within its leads".into()))?;
    if leads.subtracted {
        return Err(unsupported("subtraction of the typical beat"));
    }
    let Some(length) = leads.length() else {
        return Err(unsupported("leads that were recorded one after the other"));
    };
    let rhythm = Rhythm::parse(needed(6)?, leads.ids.len()).ok_or_else(|| damaged("section 6 is cut short".into()))?;
    if rhythm.bimodal {
        return Err(unsupported("a coarser rate between beats"));
    }
    let tables = section(2)?.map(Tables::parse).transpose().map_err(damaged)?;
    let mut rows = Vec::with_capacity(leads.ids.len());
    for (id, data) in leads.ids.iter().zip(&rhythm.data) {
        let lead = numbered(u16::from(*id));
        let row = rhythm.samples(data, tables.as_ref(), length);
        rows.push((lead.clone(), row.map_err(|message| damaged(format!("lead {lead}: {message}")))?));
    }
    recording(path, rhythm.rate, rows)
}

/// What a section holds after its header; none if the file does not have it.
fn section(file: &[u8], id: u16) -> Parsed<Option<&[u8]>> {
    let pointers = file.get(START + SECTION_HEADER..).ok_or("it is shorter than its header")?;
    let size = Bytes { rest: &file[START + 4..], big_endian: false }.u32().unwrap_or_default() as usize;
    let mut rest = Bytes { rest: pointers, big_endian: false };
    for _ in 0..size.saturating_sub(SECTION_HEADER) / 10 {
        let (Some(found), Some(length), Some(index)) = (rest.u16(), rest.u32(), rest.u32()) else {
            break;
        };
        if found == id && length > 0 {
            // Bytes are counted from 1.
            let start = (index as usize).checked_sub(1);
            let end = start.and_then(|start| start.checked_add(length as usize));
            let whole = start.zip(end).and_then(|(start, end)| file.get(start..end));
            let data = whole.and_then(|whole| whole.get(SECTION_HEADER..));
            return data.map(Some).ok_or_else(|| format!("section {id} is not within the file"));
        }
    }
    Ok(None)
}

/// Section 3: the leads.
struct Leads {
    subtracted: bool,
    ids: Vec<u8>,
    /// The first and the last sample of each lead, counted from 1.
    spans: Vec<[u32; 2]>,
}

impl Leads {
    fn parse(section: &[u8]) -> Option<Self> {
        let mut rest = Bytes { rest: section, big_endian: false };
        let (count, flags) = (rest.u8()?, rest.u8()?);
        let mut leads = Self { subtracted: flags & 1 != 0, ids: Vec::new(), spans: Vec::new() };
        for _ in 0..count {
            leads.spans.push([rest.u32()?, rest.u32()?]);
            leads.ids.push(rest.u8()?);
        }
        Some(leads)
    }

    /// Samples of every lead, if they are simultaneous.
    fn length(&self) -> Option<usize> {
        let &[first, last] = self.spans.first()?;
        let same = self.spans.iter().all(|&span| span == [first, last]);
        let length = last.checked_sub(first)?.checked_add(1)?;
        same.then_some(length as usize)
    }
}

/// Section 6: the samples.
struct Rhythm<'a> {
    /// A step of a stored value, mV.
    step: f64,
    rate: f64,
    /// How often samples were replaced by their differences.
    differences: u8,
    bimodal: bool,
    /// Of each lead.
    data: Vec<&'a [u8]>,
}

impl<'a> Rhythm<'a> {
    fn parse(section: &'a [u8], leads: usize) -> Option<Self> {
        let mut rest = Bytes { rest: section, big_endian: false };
        let (nanovolts, microseconds) = (rest.u16()?, rest.u16()?);
        let (differences, bimodal) = (rest.u8()?, rest.u8()? != 0);
        let sizes = (0..leads).map(|_| rest.u16()).collect::<Option<Vec<_>>>()?;
        let data = sizes.into_iter().map(|size| rest.take(size.into())).collect::<Option<_>>()?;
        let rate = 1e6 / f64::from(microseconds);
        Some(Self { step: f64::from(nanovolts) * 1e-6, rate, differences, bimodal, data })
    }

    /// A lead's samples, mV.
    fn samples(&self, data: &[u8], tables: Option<&Tables>, length: usize) -> Parsed<Vec<f32>> {
        let mut values = match tables {
            Some(tables) => tables.decode(data, length)?,
            None => {
                let (values, _) = data.as_chunks();
                let values =
                    values.get(..length).ok_or_else(|| format!("{} bytes for {length} samples", data.len()))?;
                values.iter().map(|&value| i16::from_le_bytes(value).into()).collect()
            }
        };
        match self.differences {
            0 => {}
            1 => (1..values.len()).for_each(|i| values[i] = values[i].wrapping_add(values[i - 1])),
            2 => (2..values.len()).for_each(|i| {
                let straight_on = values[i - 1].wrapping_mul(2).wrapping_sub(values[i - 2]);
                values[i] = values[i].wrapping_add(straight_on);
            }),
            other => return Err(format!("its samples are coded in the way {other}: expected 0, 1 or 2")),
        }
        Ok(values.into_iter().map(|value: i32| (f64::from(value) * self.step) as f32).collect())
    }
}

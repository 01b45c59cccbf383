//! The container: what a GGUF file says of itself, and where its tensors lie (the ggml project's `docs/gguf.md`, versions 2 and 3).
//!
//! Nothing that the file claims is believed: lengths are measured against the bytes that are there before anything is made of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::blocks::Kind;
use crate::{Error, Result};

/// Arrays within arrays that are read.
const DEEPEST: usize = 4;
/// Where tensors begin, if the file does not say: at multiples of this.
const ALIGNMENT: u64 = 32;

/// An open file.
pub(super) struct File {
    path: PathBuf,
    map: Mmap,
    metadata: HashMap<String, Value>,
    tensors: HashMap<String, Entry>,
}

/// A value of the metadata.
enum Value {
    Whole(i128),
    Real(f64),
    Truth(bool),
    Text(String),
    Wholes(Vec<i128>),
    Reals(Vec<f64>),
    Texts(Vec<String>),
    /// An array of another kind, which no model needs.
    Other,
}

/// Where a tensor lies.
struct Entry {
    kind: u32,
    rows: u64,
    columns: u64,
    start: u64,
}

/// A tensor as it lies in the file, `[rows, columns]`.
pub(super) struct Stored<'a> {
    pub kind: Kind,
    pub rows: usize,
    pub columns: usize,
    pub bytes: &'a [u8],
}

type Parsed<T> = std::result::Result<T, String>;

impl File {
    /// Reads the metadata and the list of tensors.
    ///
    /// # Errors
    /// [`Error::Read`], and [`Error::Gguf`] for a file that is cut or contradicts itself.
    pub fn open(path: &Path) -> Result<Self> {
        let read = |source| Error::Read { path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(read)?;
        // SAFETY: the map is only read. Who cuts the file while it is open ends the program, as with every mapped file.
        let map = unsafe { Mmap::map(&file) }.map_err(read)?;
        let wrong = |message| Error::Gguf { path: path.to_owned(), message };
        let (metadata, tensors) = Cursor { bytes: &map, at: 0 }.contents().map_err(wrong)?;
        Ok(Self { path: path.to_owned(), map, metadata, tensors })
    }

    /// All of it.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// An error about this file.
    pub fn wrong(&self, message: impl Into<String>) -> Error {
        Error::Gguf { path: self.path.clone(), message: message.into() }
    }

    /// A text of the metadata, if it is there.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.metadata.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether a key is set and true.
    pub fn truth(&self, key: &str) -> Option<bool> {
        match self.metadata.get(key) {
            Some(Value::Truth(value)) => Some(*value),
            _ => None,
        }
    }

    /// A number of things, if it is there.
    pub fn count(&self, key: &str) -> Option<usize> {
        match self.metadata.get(key) {
            Some(Value::Whole(value)) => usize::try_from(*value).ok(),
            _ => None,
        }
    }

    /// A number, if it is there.
    pub fn real(&self, key: &str) -> Option<f64> {
        match self.metadata.get(key) {
            Some(Value::Real(value)) => Some(*value),
            _ => None,
        }
    }

    pub fn texts(&self, key: &str) -> Option<&[String]> {
        match self.metadata.get(key) {
            Some(Value::Texts(values)) => Some(values),
            _ => None,
        }
    }

    pub fn reals(&self, key: &str) -> Option<&[f64]> {
        match self.metadata.get(key) {
            Some(Value::Reals(values)) => Some(values),
            _ => None,
        }
    }

    pub fn wholes(&self, key: &str) -> Option<&[i128]> {
        match self.metadata.get(key) {
            Some(Value::Wholes(values)) => Some(values),
            _ => None,
        }
    }

    /// A number of things, between 1 and `most`, that must be there.
    pub fn need_count(&self, key: &str, most: usize) -> Result<usize> {
        match self.count(key) {
            Some(value) if (1..=most).contains(&value) => Ok(value),
            Some(value) => Err(self.wrong(format!("{key} is {value}, expected 1 to {most}"))),
            None => Err(self.wrong(format!("{key} is missing: the file is not whole, or of another kind of model"))),
        }
    }

    /// The names of all tensors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The tensor called `name`, which must be `[rows, columns]`; a vector has one row.
    pub fn tensor(&self, name: &str, rows: usize, columns: usize) -> Result<Stored<'_>> {
        let entry = self.tensors.get(name).ok_or_else(|| self.wrong(format!("the tensor {name} is missing")))?;
        if (entry.rows, entry.columns) != (rows as u64, columns as u64) {
            let found = format!("{} x {}", entry.rows, entry.columns);
            return Err(self.wrong(format!("the tensor {name} is {found}, expected {rows} x {columns}")));
        }
        let kind = Kind::from_id(entry.kind).ok_or_else(|| {
            let known = "F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K and Q6_K";
            self.wrong(format!(
                "the tensor {name} is of type {}: known are {known}; quantize the model anew",
                entry.kind
            ))
        })?;
        if !columns.is_multiple_of(kind.block()) {
            let block = kind.block();
            return Err(self.wrong(format!("the tensor {name} has rows of {columns}, no multiple of {block}")));
        }
        let length = (columns / kind.block()).checked_mul(kind.bytes()).and_then(|row| row.checked_mul(rows));
        let end = length.and_then(|length| entry.start.checked_add(length as u64));
        let bytes = end.and_then(|end| self.map.get(usize::try_from(entry.start).ok()?..usize::try_from(end).ok()?));
        let bytes = bytes.ok_or_else(|| {
            self.wrong(format!("the tensor {name} lies beyond the end of the file, which is cut: fetch it anew"))
        })?;
        Ok(Stored { kind, rows, columns, bytes })
    }

    /// A vector of `length` numbers.
    pub fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>> {
        let stored = self.tensor(name, 1, length)?;
        Ok(stored.kind.numbers(stored.bytes))
    }
}

/// Bytes that are read from front to back.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn contents(&mut self) -> Parsed<(HashMap<String, Value>, HashMap<String, Entry>)> {
        if self.bytes.get(..4) != Some(b"GGUF") {
            return Err("no GGUF file: its first bytes are not `GGUF`".to_owned());
        }
        self.at = 4;
        let version = self.u32()?;
        if !matches!(version, 2 | 3) {
            return Err(format!("GGUF version {version}: known are 2 and 3, little-endian; convert the model anew"));
        }
        let (tensors, pairs) = (self.u64()?, self.u64()?);
        let mut metadata = HashMap::new();
        for _ in 0..pairs {
            let key = self.text()?;
            let kind = self.u32()?;
            let value = self.value(kind, 0).map_err(|message| format!("{key}: {message}"))?;
            metadata.insert(key, value);
        }
        let mut entries = HashMap::new();
        for _ in 0..tensors {
            let name = self.text()?;
            let entry = self.entry().map_err(|message| format!("the tensor {name}: {message}"))?;
            entries.insert(name, entry);
        }
        let alignment = match metadata.get("general.alignment") {
            None => ALIGNMENT,
            Some(Value::Whole(value)) if *value > 0 && *value <= 1 << 20 => *value as u64,
            Some(_) => return Err("general.alignment is no size that tensors can be aligned to".to_owned()),
        };
        let base = (self.at as u64).next_multiple_of(alignment);
        for (name, entry) in &mut entries {
            let start = base.checked_add(entry.start);
            entry.start = start.ok_or_else(|| format!("the tensor {name} lies beyond all files"))?;
        }
        Ok((metadata, entries))
    }

    /// A tensor's shape, kind and place; the dimension that lies together in the file is named first there.
    fn entry(&mut self) -> Parsed<Entry> {
        let dimensions = self.u32()?;
        let columns = if dimensions > 0 { self.u64()? } else { 1 };
        let rows = if dimensions > 1 { self.u64()? } else { 1 };
        for _ in 2..dimensions {
            if self.u64()? != 1 {
                return Err("it has more than two dimensions: mixtures of experts are not known".to_owned());
            }
        }
        Ok(Entry { rows, columns, kind: self.u32()?, start: self.u64()? })
    }

    fn value(&mut self, kind: u32, depth: usize) -> Parsed<Value> {
        Ok(match kind {
            0..=5 | 10 | 11 => Value::Whole(self.whole(kind)?),
            6 | 12 => Value::Real(self.real(kind)?),
            7 => Value::Truth(self.take::<1>()?[0] != 0),
            8 => Value::Text(self.text()?),
            9 => {
                if depth == DEEPEST {
                    return Err("arrays too deep within each other".to_owned());
                }
                let (kind, length) = (self.u32()?, self.u64()?);
                // Each element takes a byte of the file at the least, so that no claim outgrows it.
                if length > (self.bytes.len() - self.at) as u64 {
                    return Err(cut());
                }
                match kind {
                    0..=5 | 10 | 11 => Value::Wholes((0..length).map(|_| self.whole(kind)).collect::<Parsed<_>>()?),
                    6 | 12 => Value::Reals((0..length).map(|_| self.real(kind)).collect::<Parsed<_>>()?),
                    8 => Value::Texts((0..length).map(|_| self.text()).collect::<Parsed<_>>()?),
                    _ => {
                        (0..length).try_for_each(|_| self.value(kind, depth + 1).map(|_| ()))?;
                        Value::Other
                    }
                }
            }
            _ => return Err(format!("a value of the unknown type {kind}")),
        })
    }

    fn whole(&mut self, kind: u32) -> Parsed<i128> {
        Ok(match kind {
            0 => self.take::<1>()?[0].into(),
            1 => i8::from_le_bytes(self.take()?).into(),
            2 => u16::from_le_bytes(self.take()?).into(),
            3 => i16::from_le_bytes(self.take()?).into(),
            4 => self.u32()?.into(),
            5 => i32::from_le_bytes(self.take()?).into(),
            10 => self.u64()?.into(),
            _ => i64::from_le_bytes(self.take()?).into(),
        })
    }

    fn real(&mut self, kind: u32) -> Parsed<f64> {
        Ok(if kind == 6 { f32::from_le_bytes(self.take()?).into() } else { f64::from_le_bytes(self.take()?) })
    }

    fn text(&mut self) -> Parsed<String> {
        let length = usize::try_from(self.u64()?).map_err(|_| cut())?;
        let end = self.at.checked_add(length).ok_or_else(cut)?;
        let bytes = self.bytes.get(self.at..end).ok_or_else(cut)?;
        self.at = end;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    fn u32(&mut self) -> Parsed<u32> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    fn u64(&mut self) -> Parsed<u64> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    fn take<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk()).ok_or_else(cut)?;
        self.at += N;
        Ok(*bytes)
    }
}

fn cut() -> String {
    "the file ends before all is said that it announces: fetch it anew".to_owned()
}

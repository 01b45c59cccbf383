//! The elements of a MATLAB file: a tag of type and size, then data.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::ZlibDecoder;

use super::Parsed;
use crate::format::number::{Bytes, Number};
use crate::format::text;

/// Bytes of the file's header.
const HEADER: usize = 128;

/// How many bytes a compressed one may become, at most: a recording, even of flat leads, is not compressed as much.
const LARGEST_RATIO: u64 = 100;

/// Characters of a name, at most. Those of a structure's fields come after its own, so that long ones would multiply.
const LONGEST_NAME: usize = 63;

const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;

/// Classes of array.
const STRUCTURE: u8 = 2;
const TEXT: u8 = 4;
const FLOATS: [u8; 2] = [6, 7];
const INTEGERS: [u8; 8] = [8, 9, 10, 11, 12, 13, 14, 15];

/// A variable, or a field of a structure.
pub struct Value<'a> {
    /// Its name, that of a field after that of its structure and a dot.
    pub name: String,
    pub content: Content<'a>,
}

pub enum Content<'a> {
    /// A matrix of real numbers, stored column by column.
    Matrix(Matrix<'a>),
    Text(String),
}

pub struct Matrix<'a> {
    pub rows: usize,
    pub columns: usize,
    /// Whether the matrix is one of integers; floats, too, may be stored as such.
    pub of_integers: bool,
    stored: Number,
    data: Bytes<'a>,
}

impl Matrix<'_> {
    /// The number at a place, counted column by column.
    pub fn at(&self, place: usize) -> f64 {
        self.stored.at(self.data.rest, place, self.data.big_endian)
    }
}

struct Element<'a> {
    kind: u32,
    data: &'a [u8],
}

/// Takes the first element.
fn element<'a>(bytes: &mut Bytes<'a>) -> Parsed<Element<'a>> {
    let cut = "it ends within an element";
    let tag = bytes.u32().ok_or(cut)?;
    // A small element keeps its size and up to four bytes of data in its tag.
    let size = tag >> 16;
    if size > 0 {
        let data = bytes.take(4).and_then(|data| data.get(..size as usize)).ok_or(cut)?;
        return Ok(Element { kind: tag & 0xffff, data });
    }
    let size = bytes.u32().ok_or(cut)? as usize;
    let data = bytes.take(size).ok_or(cut)?;
    if tag != COMPRESSED {
        let fill = size.next_multiple_of(8) - size;
        bytes.take(fill.min(bytes.rest.len()));
    }
    Ok(Element { kind: tag, data })
}

/// The arrays of a file, each whole as it was before its compression, and whether numbers have their highest byte first.
pub fn arrays(file: &[u8]) -> Parsed<(Vec<Cow<'_, [u8]>>, bool)> {
    let big_endian = match file.get(HEADER - 2..HEADER) {
        Some(b"IM") => false,
        Some(b"MI") => true,
        _ => return Err("its header does not say the order of its bytes".into()),
    };
    let mut bytes = Bytes { rest: &file[HEADER..], big_endian };
    let mut arrays = Vec::new();
    let mut room = LARGEST_RATIO * file.len() as u64;
    while !bytes.rest.is_empty() {
        let outer = element(&mut bytes)?;
        match outer.kind {
            MATRIX => arrays.push(outer.data.into()),
            COMPRESSED => {
                // No array is so small that its tag would hold it, and so its data begin after eight bytes.
                let mut whole = Vec::new();
                let read = ZlibDecoder::new(outer.data).take(room + 1).read_to_end(&mut whole);
                read.map_err(|error| format!("a compressed variable cannot be read: {error}"))?;
                room = room.checked_sub(whole.len() as u64).ok_or("it grows a hundredfold when it is decompressed")?;
                let inner = element(&mut Bytes { rest: &whole, big_endian })?;
                if inner.kind == MATRIX {
                    let end = 8 + inner.data.len();
                    whole.truncate(end);
                    whole.drain(..8);
                    arrays.push(whole.into());
                }
            }
            // Data of MATLAB's own, such as of functions.
            _ => {}
        }
    }
    Ok((arrays, big_endian))
}

/// Adds the values in an array: itself, or the fields of a structure.
pub fn values<'a>(array: &'a [u8], big_endian: bool, values: &mut Vec<Value<'a>>) -> Parsed<()> {
    let Some(array) = Array::parse(array, big_endian)? else {
        return Ok(());
    };
    let name = text(array.name).into_owned();
    if array.class != STRUCTURE {
        values.extend(array.content()?.map(|content| Value { name, content }));
        return Ok(());
    }
    if array.dimensions != [1, 1] {
        return Ok(());
    }
    let mut rest = array.rest;
    let width = element(&mut rest)?;
    let width = Number::I32.at(width.data, 0, big_endian);
    let names = element(&mut rest)?.data;
    if !(1.0..=LONGEST_NAME as f64 + 1.0).contains(&width) {
        return Err(format!("the names of the fields of {name} are {width} bytes long"));
    }
    for field in names.chunks_exact(width as usize) {
        let inner = element(&mut rest)?;
        let Some(array) = Some(inner).filter(|inner| inner.kind == MATRIX) else {
            return Err(format!("a field of {name} is no array"));
        };
        // A structure in a structure is not looked into.
        if let Some(content) = Array::parse(array.data, big_endian)?.map(|array| array.content()).transpose()?.flatten()
        {
            let field = text(field).trim_end_matches('\0').to_owned();
            values.push(Value { name: format!("{name}.{field}"), content });
        }
    }
    Ok(())
}

/// What every array begins with.
struct Array<'a> {
    class: u8,
    complex: bool,
    /// Rows and columns.
    dimensions: [usize; 2],
    name: &'a [u8],
    rest: Bytes<'a>,
}

impl<'a> Array<'a> {
    /// Parses an array; none if it is empty or has more than two axes.
    fn parse(array: &'a [u8], big_endian: bool) -> Parsed<Option<Self>> {
        let mut rest = Bytes { rest: array, big_endian };
        if array.is_empty() {
            return Ok(None);
        }
        let flags = Number::U32.at(element(&mut rest)?.data, 0, big_endian);
        let sizes = element(&mut rest)?.data;
        let name = element(&mut rest)?.data;
        if name.len() > LONGEST_NAME {
            return Err(format!("a variable has a name of {} characters", name.len()));
        }
        let axis = |i| Number::I32.at(sizes, i, big_endian);
        let [rows, columns] = [axis(0), axis(1)];
        if sizes.len() != 8 || rows < 1.0 || columns < 1.0 {
            return Ok(None);
        }
        // Not a number becomes 0, a class that no array has.
        let flags = flags as u32;
        let dimensions = [rows as usize, columns as usize];
        Ok(Some(Self { class: flags as u8, complex: flags & 0x800 != 0, dimensions, name, rest }))
    }

    /// What the array holds; none if that is not understood.
    fn content(mut self) -> Parsed<Option<Content<'a>>> {
        let numbers = FLOATS.contains(&self.class) || INTEGERS.contains(&self.class);
        if self.complex || !(numbers || self.class == TEXT) {
            return Ok(None);
        }
        let [rows, columns] = self.dimensions;
        let real = element(&mut self.rest)?;
        if self.class == TEXT {
            return Ok(characters(&real, self.rest.big_endian).map(Content::Text));
        }
        let stored = number(real.kind).ok_or_else(|| format!("numbers are stored as type {}", real.kind))?;
        if rows.checked_mul(columns).and_then(|n| n.checked_mul(stored.size())) != Some(real.data.len()) {
            return Err(format!(
                "the {rows} × {columns} numbers of {} are stored in {} bytes",
                text(self.name),
                real.data.len()
            ));
        }
        let data = Bytes { rest: real.data, ..self.rest };
        let of_integers = INTEGERS.contains(&self.class);
        Ok(Some(Content::Matrix(Matrix { rows, columns, of_integers, stored, data })))
    }
}

/// The text of an array of characters; none if they are of more than 16 bits.
fn characters(element: &Element, big_endian: bool) -> Option<String> {
    const UTF_8: u32 = 16;
    const UTF_16: u32 = 17;
    match element.kind {
        1 | 2 | UTF_8 => Some(text(element.data).into_owned()),
        4 | UTF_16 => {
            let (units, _) = element.data.as_chunks();
            let unit =
                |&bytes: &[u8; 2]| if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
            Some(char::decode_utf16(units.iter().map(unit)).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
        }
        _ => None,
    }
}

/// The type of number of an element's type.
fn number(kind: u32) -> Option<Number> {
    match kind {
        1 => Some(Number::I8),
        2 => Some(Number::U8),
        3 => Some(Number::I16),
        4 => Some(Number::U16),
        5 => Some(Number::I32),
        6 => Some(Number::U32),
        7 => Some(Number::F32),
        9 => Some(Number::F64),
        12 => Some(Number::I64),
        13 => Some(Number::U64),
        _ => None,
    }
}

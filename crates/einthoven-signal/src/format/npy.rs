//! NumPy array files (`.npy`), after NEP 1.
//!
//! The header is parsed here rather than by a general reader, so that no file can make the parser overflow or
//! allocate more than the file's own size.

use std::path::Path;

use super::array::Array;
use super::number::Number;
use super::{ArrayOptions, read_file};
use crate::{Error, Record, Result};

/// What a file begins with.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads a two-dimensional array (`[leads, samples]` or `[samples, leads]`, whichever fits the number of leads) or a
/// one-dimensional one (one lead) of 32- or 64-bit floats or 16- or 32-bit integers; NaN marks a missing sample.
///
/// # Errors
/// [`Error::UnknownLeads`] and [`Error::UnknownSamplingRate`] unless given; [`Error::Array`] if the file is damaged, of
/// another type or of a shape that does not fit the leads, or of integers without a unit; those of [`Record::new`].
pub fn read(path: &Path, options: &ArrayOptions) -> Result<Record> {
    let fail = |message: String| Error::Array { path: path.to_owned(), message };
    let bytes = read_file(path)?;
    let (header, data) = split(&bytes).ok_or_else(|| fail("this is not a .npy file: its header is damaged".into()))?;
    let options = options.complete(ArrayOptions::default(), path)?;
    let kind = number(header.descriptor)
        .ok_or_else(|| fail(format!("the array's type is {}: expected f4, f8, i2 or i4", header.descriptor)))?;
    if kind.is_integer() && options.unit.is_none() {
        return Err(fail(
            "the array holds integers of unknown unit: give it with --unit (`ArrayOptions::unit`)".into(),
        ));
    }
    let [rows, columns] = match header.shape[..] {
        [samples] => [1, samples],
        [rows, columns] => [rows, columns],
        _ => {
            return Err(fail(format!("the array has {} axes: expected leads and samples", header.shape.len())));
        }
    };
    let expected = rows.checked_mul(columns).and_then(|n| n.checked_mul(kind.size()));
    if expected != Some(data.len()) {
        return Err(fail(format!(
            "an array of {rows} × {columns} with {} bytes each was announced, {} bytes were found",
            kind.size(),
            data.len()
        )));
    }
    // An array in Fortran's order is its transpose in C's.
    let (rows, columns) = if header.fortran_order { (columns, rows) } else { (rows, columns) };
    let value = |place| kind.at(data, place, header.big_endian);
    Array { rows, columns, value }.into_record(options, path)
}

/// What the header says.
struct Header<'a> {
    /// The type without its byte order, such as `f4`.
    descriptor: &'a str,
    big_endian: bool,
    fortran_order: bool,
    shape: Vec<usize>,
}

/// The header and the data.
fn split(bytes: &[u8]) -> Option<(Header<'_>, &[u8])> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (u16::from_le_bytes([*a, *b]).into(), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return None,
    };
    let (text, data) = rest.split_at_checked(length)?;
    Some((parse(str::from_utf8(text).ok()?)?, data))
}

/// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (12, 5000), }`.
fn parse(text: &str) -> Option<Header<'_>> {
    let value = |key: &str| {
        let (_, rest) = text.split_once(key)?;
        Some(rest.trim_start().strip_prefix(':')?.trim_start())
    };
    let descriptor = value("'descr'")?.strip_prefix('\'')?.split_once('\'')?.0;
    let (big_endian, descriptor) = match descriptor.strip_prefix('>') {
        Some(rest) => (true, rest),
        None => (false, descriptor.trim_start_matches(['<', '|', '='])),
    };
    let order = value("'fortran_order'")?;
    let fortran_order = order.starts_with("True");
    if !fortran_order && !order.starts_with("False") {
        return None;
    }
    let shape = value("'shape'")?.strip_prefix('(')?.split_once(')')?.0;
    let shape = shape
        .split(',')
        .map(str::trim)
        .filter(|axis| !axis.is_empty())
        .map(|axis| axis.parse().ok())
        .collect::<Option<_>>()?;
    Some(Header { descriptor, big_endian, fortran_order, shape })
}

/// The type of number that a descriptor names, if it is read.
fn number(descriptor: &str) -> Option<Number> {
    match descriptor {
        "f4" => Some(Number::F32),
        "f8" => Some(Number::F64),
        "i2" => Some(Number::I16),
        "i4" => Some(Number::I32),
        _ => None,
    }
}

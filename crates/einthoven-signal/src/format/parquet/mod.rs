//! Apache Parquet files (`.parquet`), in builds with the feature `parquet`.
//!
//! A recording is either a table with a column of numbers for each lead and a row for each point in time, or a table of one row with
//! a column of lists for each lead. Leads are called as the columns; `sampling_rate` (Hz) and `unit` may stand in the file's
//! key-value metadata, and the rate also as a number in a column `sampling_rate` or `fs` beside the lists. Nulls and NaN are
//! missing samples. Pages may be plain or compressed by Snappy, gzip or Zstandard.

#[cfg(feature = "parquet")]
mod column;
#[cfg(feature = "parquet")]
mod footer;
#[cfg(feature = "parquet")]
mod page;
#[cfg(feature = "parquet")]
mod recording;
#[cfg(feature = "parquet")]
mod rows;
#[cfg(feature = "parquet")]
mod thrift;

use std::path::Path;

use super::ArrayOptions;
use crate::{Record, Result};

/// What a file begins with.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// A table of text: what a CSV file of the same rows would hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextTable {
    /// The columns that can be put into words: not those of dates, times, structures and maps.
    pub columns: Vec<String>,
    /// For each row the text of each column: empty for a null, the elements separated by `;` for a list.
    pub rows: Vec<Vec<String>>,
}

/// Reads a recording.
///
/// # Errors
/// [`Error::Feature`](crate::Error::Feature) in a build without the feature; [`Error::Damaged`](crate::Error::Damaged);
/// [`Error::Unsupported`](crate::Error::Unsupported) for another compression;
/// [`Error::Array`](crate::Error::Array) if there is no column of numbers, lists of different lengths, lists in more than one row, or
/// integers without a unit; [`Error::UnknownSamplingRate`](crate::Error::UnknownSamplingRate) unless given; those of [`Record::new`].
#[cfg(feature = "parquet")]
pub fn read(path: &Path, options: &ArrayOptions) -> Result<Record> {
    guarded(path, || recording::read(path, options))
}

/// Reads a table of text and numbers.
///
/// # Errors
/// [`Error::Feature`](crate::Error::Feature) in a build without the feature; [`Error::Damaged`](crate::Error::Damaged);
/// [`Error::Unsupported`](crate::Error::Unsupported) for another compression.
#[cfg(feature = "parquet")]
pub fn read_rows(path: &Path) -> Result<TextTable> {
    guarded(path, || rows::read(path))
}

/// Turns a panic of the library, which takes some damaged pages for impossible, into an error.
#[cfg(feature = "parquet")]
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T>) -> Result<T> {
    let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read));
    let damaged =
        |_| crate::Error::Damaged { path: path.to_owned(), message: "its pages contradict each other".into() };
    read.map_err(damaged).flatten()
}

/// Names the feature that this build lacks.
///
/// # Errors
/// Always [`Error::Feature`](crate::Error::Feature).
#[cfg(not(feature = "parquet"))]
pub fn read(path: &Path, _options: &ArrayOptions) -> Result<Record> {
    Err(absent(path))
}

/// Names the feature that this build lacks.
///
/// # Errors
/// Always [`Error::Feature`](crate::Error::Feature).
#[cfg(not(feature = "parquet"))]
pub fn read_rows(path: &Path) -> Result<TextTable> {
    Err(absent(path))
}

#[cfg(not(feature = "parquet"))]
fn absent(path: &Path) -> crate::Error {
    crate::Error::Feature { path: path.to_owned(), format: "Parquet", feature: "parquet" }
}

//! File formats that recordings are read from.

mod array;
pub mod csv;
mod file;
pub mod npy;
mod options;
pub mod wfdb;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::{Error, Record, Result};
use file::{read_file, text, write_atomically};

pub use options::{ArrayOptions, Unit};

/// Reads a recording of any known format, where nothing but the file is needed; see [`open_with`].
///
/// # Errors
/// Those of [`open_with`].
pub fn open(path: &Path) -> Result<Record> {
    open_with(path, &ArrayOptions::default())
}

/// Reads a recording of any known format: WFDB (the header, a signal file or the record's name without extension),
/// NumPy `.npy`, or `.csv`.
///
/// `options` say about array files (`.npy`, `.csv`) what these do not say themselves; a WFDB record says everything.
///
/// # Errors
/// [`Error::UnknownFormat`], and those of the format's reader.
pub fn open_with(path: &Path, options: &ArrayOptions) -> Result<Record> {
    let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    match extension.as_deref() {
        Some("hea") => wfdb::read(path),
        Some("dat" | "mat") => wfdb::read(&path.with_extension("hea")),
        Some("npy") => npy::read(path, options),
        Some("csv") => csv::read(path, options),
        _ => {
            let header = with_suffix(path, ".hea");
            if header.is_file() {
                wfdb::read(&header)
            } else if path.exists() {
                Err(Error::UnknownFormat { path: path.to_owned() })
            } else {
                Err(Error::Read { path: path.to_owned(), source: ErrorKind::NotFound.into() })
            }
        }
    }
}

/// `path` with `suffix` after its last character; unlike an extension, it replaces nothing.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// An error in what a file holds.
fn in_file(path: &Path, source: Error) -> Error {
    Error::Recording { path: path.to_owned(), source: Box::new(source) }
}

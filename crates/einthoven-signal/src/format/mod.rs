//! File formats that recordings are read from.

mod array;
pub mod csv;
pub mod dicom;
pub mod edf;
mod file;
pub mod hdf5;
mod leads;
pub mod mat;
pub mod npy;
mod number;
mod options;
pub mod parquet;
pub mod scp;
pub mod wfdb;
pub mod xml;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::{Error, Record, Result};
use file::{read_file, start, text, write_atomically};

pub use options::{ArrayOptions, Unit};

/// Reads a recording of any known format, where nothing but the file is needed; see [`open_with`].
///
/// # Errors
/// Those of [`open_with`].
pub fn open(path: &Path) -> Result<Record> {
    open_with(path, &ArrayOptions::default())
}

/// Reads a recording of any known format: WFDB (the header, a signal file or the record's name without extension),
/// DICOM waveforms, HL7 annotated ECG, GE MUSE and Philips Sierra XML, SCP-ECG, EDF and EDF+, MATLAB `.mat`, NumPy `.npy`,
/// Apache Parquet, HDF5, or `.csv`.
///
/// A file is known by what it begins with, whatever its name, where its format has a mark; else by its extension.
/// [Notes](Record::notes) on the recording say what was left out, and whether its unit is
/// [suspect](Record::suspect_unit). `options` say about array files (`.npy`, `.csv`, `.mat`, `.parquet`) what these do not say themselves; the others say everything.
///
/// # Errors
/// [`Error::UnknownFormat`], and those of the format's reader.
pub fn open_with(path: &Path, options: &ArrayOptions) -> Result<Record> {
    let record = match Format::of(path)? {
        Format::Wfdb(header) => wfdb::read(&header),
        Format::Dicom => dicom::read(path),
        Format::Edf => edf::read(path),
        Format::Mat => mat::read(path, options),
        Format::Npy => npy::read(path, options),
        Format::Parquet => parquet::read(path, options),
        Format::Hdf5 => hdf5::read(path, options),
        Format::Csv => csv::read(path, options),
        Format::Scp => scp::read(path),
        Format::Xml => xml::read(path),
    }?;
    let note = record.suspect_unit();
    Ok(record.with_notes(note))
}

/// A format that is read.
enum Format {
    /// WFDB, with the record's header file.
    Wfdb(PathBuf),
    Dicom,
    Edf,
    Mat,
    Npy,
    Parquet,
    Hdf5,
    Csv,
    Scp,
    Xml,
}

impl Format {
    fn of(path: &Path) -> Result<Self> {
        let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        let extension = extension.as_deref().unwrap_or_default();
        let beside = path.with_extension("hea");
        match extension {
            "hea" => return Ok(Self::Wfdb(path.to_owned())),
            "dat" | "mat" if beside.is_file() => return Ok(Self::Wfdb(beside)),
            _ => {}
        }
        let header = with_suffix(path, ".hea");
        if header.is_file() {
            return Ok(Self::Wfdb(header));
        }
        let fail = |source| Error::Read { path: path.to_owned(), source };
        // A directory begins with nothing.
        let directory = std::fs::metadata(path).map_err(fail)?.is_dir();
        let start = if directory { Vec::new() } else { start(path).map_err(fail)? };
        match extension {
            _ if start.starts_with(npy::MAGIC) => Ok(Self::Npy),
            _ if start.starts_with(hdf5::MAGIC) => Ok(Self::Hdf5),
            _ if start.starts_with(parquet::MAGIC) => Ok(Self::Parquet),
            _ if marked(&start, dicom::MAGIC) => Ok(Self::Dicom),
            _ if marked(&start, scp::MAGIC) => Ok(Self::Scp),
            // Text before marks that could be text.
            "csv" => Ok(Self::Csv),
            _ if start.starts_with(edf::MAGIC) => Ok(Self::Edf),
            _ if start.starts_with(mat::MAGIC) => Ok(Self::Mat),
            _ if xml::may_be(&start) => Ok(Self::Xml),
            "scp" => Ok(Self::Scp),
            "npy" => Ok(Self::Npy),
            "parquet" => Ok(Self::Parquet),
            "hdf5" | "h5" => Ok(Self::Hdf5),
            "edf" => Ok(Self::Edf),
            // A signal file; the error names its header, which is missing.
            "dat" => Ok(Self::Wfdb(beside)),
            _ => Err(Error::UnknownFormat { path: path.to_owned() }),
        }
    }
}

/// Whether a file begins with a mark at some place.
fn marked(start: &[u8], (at, mark): (usize, &[u8])) -> bool {
    start.get(at..).is_some_and(|rest| rest.starts_with(mark))
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

//! HDF5 files (`.hdf5`, `.h5`) of twelve-lead recordings as the CODE datasets are published, in builds with the feature `hdf5`.
//!
//! Such a file holds a dataset `tracings`, `[recordings, samples, 12]`, of floats at 400 Hz, and a dataset `exam_id`, `[recordings]`.
//! Recordings that are shorter than the array are filled with zeros before and after; the fill is taken off.

#[cfg(not(feature = "hdf5"))]
mod absent;
#[cfg(feature = "hdf5")]
mod archive;

use std::path::Path;

use super::ArrayOptions;
use crate::{Error, Record, Result};

#[cfg(not(feature = "hdf5"))]
pub use absent::Archive;
#[cfg(feature = "hdf5")]
pub use archive::Archive;

/// What a file begins with.
pub(super) const MAGIC: &[u8] = b"\x89HDF\r\n\x1a\n";

/// Reads a file of one recording.
///
/// # Errors
/// Those of [`Archive::open`] and [`Archive::record`]; [`Error::Array`] if the file holds any other number of recordings.
pub fn read(path: &Path, options: &ArrayOptions) -> Result<Record> {
    let archive = Archive::open(path)?;
    let count = archive.exam_ids().len();
    if count != 1 {
        let message = format!("it holds {count} recordings: open its folder as the dataset `code-15`");
        return Err(Error::Array { path: path.to_owned(), message });
    }
    archive.record(0, options)
}

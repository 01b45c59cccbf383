//! What stands for HDF5 files in a build that does not read them.

use std::path::Path;

use crate::{ArrayOptions, Error, Record, Result};

/// A file of many recordings. This build reads none, as it lacks the feature `hdf5`.
#[derive(Debug)]
pub enum Archive {}

impl Archive {
    /// Names the feature that this build lacks.
    ///
    /// # Errors
    /// Always [`Error::Feature`].
    pub fn open(path: &Path) -> Result<Self> {
        Err(Error::Feature { path: path.to_owned(), format: "HDF5", feature: "hdf5" })
    }

    /// The numbers of the recordings.
    pub fn exam_ids(&self) -> &[i64] {
        match *self {}
    }

    /// The recording at `index`.
    ///
    /// # Errors
    /// None, as there is no archive.
    pub fn record(&self, _index: usize, _options: &ArrayOptions) -> Result<Record> {
        match *self {}
    }
}

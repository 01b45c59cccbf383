//! The files of a model that is to be published.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::PathBuf;

use crate::{Error, Fingerprint, Result};

/// Files by the names that they are published under.
#[derive(Clone, Debug, Default)]
pub struct Bundle {
    files: BTreeMap<String, BundleFile>,
}

/// A file of a bundle.
#[derive(Clone, Debug)]
pub(crate) struct BundleFile {
    pub fingerprint: Fingerprint,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Disk(PathBuf),
    Memory(Vec<u8>),
}

impl Bundle {
    /// Adds a file as it lies on the disk.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read.
    pub fn add_file(&mut self, name: &str, path: PathBuf) -> Result<()> {
        let fingerprint = Fingerprint::of_file(&path)?;
        self.files.insert(name.to_owned(), BundleFile { fingerprint, content: Content::Disk(path) });
        Ok(())
    }

    /// Adds a file that is made for the occasion.
    pub fn add_bytes(&mut self, name: &str, bytes: Vec<u8>) {
        let fingerprint = Fingerprint::of_bytes(&bytes);
        self.files.insert(name.to_owned(), BundleFile { fingerprint, content: Content::Memory(bytes) });
    }

    /// The files in the order of their names, with size and hash.
    pub fn fingerprints(&self) -> BTreeMap<String, Fingerprint> {
        self.files.iter().map(|(name, file)| (name.clone(), file.fingerprint.clone())).collect()
    }

    pub(crate) fn files(&self) -> &BTreeMap<String, BundleFile> {
        &self.files
    }
}

impl BundleFile {
    /// `length` bytes of the file, from `start`.
    pub fn range(&self, start: u64, length: u64) -> Result<Box<dyn Read + '_>> {
        match &self.content {
            Content::Disk(path) => {
                let mut file = File::open(path).map_err(Error::file("read", path))?;
                file.seek(SeekFrom::Start(start)).map_err(Error::file("read", path))?;
                Ok(Box::new(file.take(length)))
            }
            Content::Memory(bytes) => {
                let mut reader = Cursor::new(bytes.as_slice());
                reader.set_position(start);
                Ok(Box::new(reader.take(length)))
            }
        }
    }

    /// `length` bytes of the file from its beginning, or all of it if it has less.
    pub fn beginning(&self, length: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let path = match &self.content {
            Content::Disk(path) => path.clone(),
            Content::Memory(_) => PathBuf::new(),
        };
        self.range(0, length)?.read_to_end(&mut bytes).map_err(Error::file("read", &path))?;
        Ok(bytes)
    }
}

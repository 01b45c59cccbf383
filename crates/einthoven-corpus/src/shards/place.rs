//! Where shards lie: in a folder, or in an object store.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use tempfile::TempDir;

use super::lock::Lock;
use super::manifest::{MANIFEST, parse_json};
use crate::store::{Store, is_address};
use crate::{Error, Result};

/// Where shards lie.
#[derive(Debug)]
pub(super) enum Place {
    Folder(PathBuf),
    Store(Box<Store>),
}

/// A folder in which shards are written: where they are to lie, or one of its own from which they go to the store.
pub(super) enum Workshop {
    Here { folder: PathBuf, _lock: Lock },
    Apart(TempDir),
}

/// Whether there are shards at a path. Of an address in an object store it is taken for granted.
pub(crate) fn is_there(path: &Path) -> bool {
    is_address(path) || path.join(MANIFEST).is_file()
}

impl Place {
    pub fn of(path: &Path) -> Result<Self> {
        if is_address(path) { Ok(Self::Store(Box::new(Store::of(path)?))) } else { Ok(Self::Folder(path.to_owned())) }
    }

    /// The path or address of a file.
    pub fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(name),
            Self::Store(store) => store.object(name).into(),
        }
    }

    /// The value in a JSON file, and the file's SHA-256; none if there is no such file.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<(T, String)>> {
        let path = self.path(name);
        let bytes = match self {
            Self::Store(store) => store.find(name)?,
            Self::Folder(_) => match std::fs::read(&path) {
                Ok(bytes) => Some(bytes),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(source) => return Err(Error::Read { path, source }),
            },
        };
        bytes.map(|bytes| parse_json(&path, &bytes)).transpose()
    }

    /// The value in a JSON file that must be there, and the file's SHA-256.
    pub fn required<T: DeserializeOwned>(&self, name: &str) -> Result<(T, String)> {
        let absent = || Error::Read { path: self.path(name), source: std::io::ErrorKind::NotFound.into() };
        self.json(name)?.ok_or_else(absent)
    }

    /// The length of a file, if there is one.
    pub fn length(&self, name: &str) -> Result<Option<u64>> {
        match self {
            Self::Folder(folder) => Ok(std::fs::metadata(folder.join(name)).ok().map(|file| file.len())),
            Self::Store(store) => store.length(name),
        }
    }

    /// A folder to write in. Of writers into one folder only one has it at a time; a store knows no such thing.
    pub fn workshop(&self) -> Result<Workshop> {
        match self {
            Self::Folder(folder) => {
                std::fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.clone(), source })?;
                Ok(Workshop::Here { folder: folder.clone(), _lock: Lock::of(folder)? })
            }
            Self::Store(_) => {
                let folder = tempfile::Builder::new().prefix("einthoven-shards-").tempdir();
                let failed = |source| Error::Write { path: std::env::temp_dir(), source };
                Ok(Workshop::Apart(folder.map_err(failed)?))
            }
        }
    }

    /// Brings finished files of a workshop to where they are to lie, one after the other.
    pub fn publish(&self, workshop: &Workshop, names: &[&str]) -> Result<()> {
        let Self::Store(store) = self else {
            return Ok(());
        };
        for name in names {
            let path = workshop.folder().join(name);
            let bytes = std::fs::read(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
            store.put(name, &bytes)?;
            std::fs::remove_file(&path).map_err(|source| Error::Write { path, source })?;
        }
        Ok(())
    }
}

impl Workshop {
    pub fn folder(&self) -> &Path {
        match self {
            Self::Here { folder, .. } => folder,
            Self::Apart(folder) => folder.path(),
        }
    }
}

//! One writer at a time.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::{Error, Result};

/// Held while a folder is written; the system lets go of it when the process ends, however it ends.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub fn of(folder: &Path) -> Result<Self> {
        let path = folder.join(".lock");
        let fail = |source| Error::Write { path: path.clone(), source };
        let file = File::create(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::Locked { folder: folder.to_owned() }),
            Err(TryLockError::Error(source)) => Err(fail(source)),
        }
    }
}

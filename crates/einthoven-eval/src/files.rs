//! Writing files so that a crash at any moment leaves either the old or the new content.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::error::{Error, Result};

/// Replaces `path` in one move; it keeps its old content when anything fails.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let mut temporary = path.to_owned();
    temporary.add_extension("partial");
    let write = || -> io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    };
    write().map_err(|source| {
        // The failed write is the error worth reporting.
        fs::remove_file(&temporary).ok();
        Error::Write { path: path.into(), source }
    })
}

//! Writing files so that a crash at any moment leaves either the old or the new content.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::{Error, Result};

/// Writes a new file and waits until it is on the disk.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<()> {
    let mut file = File::create(path).map_err(Error::io("create", path))?;
    file.write_all(content).map_err(Error::io("write", path))?;
    file.sync_all().map_err(Error::io("write", path))
}

/// Replaces `path` in one move; it keeps its old content when anything fails.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let mut temporary = path.to_owned();
    temporary.add_extension("partial");
    let written =
        write(&temporary, content).and_then(|()| fs::rename(&temporary, path).map_err(Error::io("replace", path)));
    if written.is_err() {
        // The failed write is the error worth reporting.
        fs::remove_file(&temporary).ok();
    }
    written?;
    sync_parent(path)
}

/// Waits until the content of a file, or the entries of a folder, are on the disk.
pub(crate) fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(Error::io("write", path))
}

/// Waits until the folder that holds `path` has the entry on the disk.
pub(crate) fn sync_parent(path: &Path) -> Result<()> {
    path.parent().map_or(Ok(()), sync)
}

/// The content of a text file.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Error::io("read", path))
}

//! Whole files.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Error as IoError, Read, Write};
use std::path::Path;

use crate::{Error, Result};

/// The bytes of a regular file; devices and pipes could be endless.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>> {
    regular(path).and_then(|()| std::fs::read(path)).map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// The first bytes of a regular file: as many as it takes to see any format's mark.
pub(super) fn start(path: &Path) -> std::io::Result<Vec<u8>> {
    regular(path)?;
    let mut bytes = Vec::new();
    File::open(path)?.take(256).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn regular(path: &Path) -> std::io::Result<()> {
    if std::fs::metadata(path)?.is_file() { Ok(()) } else { Err(IoError::other("not a regular file")) }
}

/// Text in UTF-8 or, as in old files, in Latin-1, where every byte is the character of the same number.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.iter().map(|&b| char::from(b)).collect(),
    }
}

/// Writes a file: whole, or not at all. A file that was there is replaced in one move.
pub(super) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let fail = |source| Error::Write { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // Readable as any other file, where a temporary one would be its owner's alone; the umask still has its say.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(fail)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(fail)?;
    file.persist(path).map_err(|error| fail(error.error))?;
    Ok(())
}

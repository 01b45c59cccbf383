//! `metrics.jsonl`: one JSON object per line.

use std::path::Path;

use super::Entry;
use crate::{Error, Result, files};

/// All entries of a `metrics.jsonl`. A last line that is still being written is left out.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read, [`Error::Damaged`] naming the first line that is not an entry.
pub fn read(path: &Path) -> Result<Vec<Entry>> {
    let content = files::read_text(path)?;
    lines(content.as_bytes()).enumerate().map(|(index, line)| parse(path, index, line)).collect()
}

/// The entry as a line, newline included.
pub(super) fn line(path: &Path, entry: &Entry) -> Result<String> {
    let json = serde_json::to_string(entry)
        .map_err(|error| Error::damaged(path, format!("an entry cannot be written ({error})")))?;
    Ok(json + "\n")
}

/// The length of the part of `content` whose entries are of step `last` or before.
pub(super) fn length_up_to(path: &Path, content: &[u8], last: u64) -> Result<usize> {
    let mut length = 0;
    for (index, line) in lines(content).enumerate() {
        if parse(path, index, line)?.step > last {
            break;
        }
        length += line.len();
    }
    Ok(length)
}

/// The complete lines, newline included.
fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    content.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"))
}

fn parse(path: &Path, index: usize, line: &[u8]) -> Result<Entry> {
    serde_json::from_slice(line)
        .map_err(|error| Error::damaged(path, format!("line {} is not an entry of a metric log ({error})", index + 1)))
}

//! What a source publishes.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::FetchConfig;
use super::client::Client;
use crate::check::checksum_line;
use crate::{Error, Result};

/// The publisher's list of files and checksums.
pub(super) const CHECKSUMS: &str = "SHA256SUMS.txt";

/// Files of one kind whose sizes are asked for; the size of the others is taken to be alike.
const ASKED: usize = 8;

/// A file that is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// As the publisher writes it.
    pub name: String,
    /// In the dataset's folder.
    pub path: PathBuf,
    pub sha256: String,
}

/// The files that are wanted, and the publisher's list as it is.
pub(super) fn read(client: &Client, config: &FetchConfig) -> Result<(Vec<Listed>, String)> {
    let url = client.url(CHECKSUMS);
    let wrong = |message: &str| Error::FileList { url: url.clone(), message: message.to_owned() };
    let text = String::from_utf8(client.small(CHECKSUMS)?).map_err(|_| wrong("it is not text"))?;
    let mut list = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (name, sha256) = checksum_line(line).ok_or_else(|| wrong(&format!("`{line}` is no checksum and file")))?;
        let path = PathBuf::from(&name);
        // What a server says must not lead out of the folder.
        if !path.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(wrong(&format!("`{name}` is not a path inside the dataset's folder")));
        }
        if config.only.is_empty() || config.only.iter().any(|prefix| name.starts_with(prefix)) {
            list.push(Listed { name, path, sha256 });
        }
    }
    if list.is_empty() {
        return Err(wrong("it lists no file that is asked for"));
    }
    Ok((list, text))
}

/// The size of all files, and whether it is an estimate: of each kind of file the server is asked for some.
pub(super) fn size(client: &Client, list: &[Listed]) -> Result<(Option<u64>, bool)> {
    let mut kinds: BTreeMap<_, Vec<&Listed>> = BTreeMap::new();
    for listed in list {
        kinds.entry(Path::new(&listed.name).extension()).or_default().push(listed);
    }
    let (mut total, mut estimated) = (0.0, false);
    for files in kinds.into_values() {
        let step = files.len().div_ceil(ASKED);
        let asked: Vec<&&Listed> = files.iter().step_by(step).collect();
        let mut bytes = 0;
        for listed in &asked {
            match client.size(&listed.name)? {
                Some(size) => bytes += size,
                None => return Ok((None, false)),
            }
        }
        estimated |= step > 1;
        total += bytes as f64 / asked.len() as f64 * files.len() as f64;
    }
    Ok((Some(total as u64), estimated))
}

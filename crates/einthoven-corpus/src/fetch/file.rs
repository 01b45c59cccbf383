//! One file: what is there already, what comes, and whether it is what was published.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use ureq::http::{Response, header};
use ureq::{Body, http::StatusCode};

use super::client::{Attempt, Client, number, text};
use super::list::Listed;
use crate::card::sha256;
use crate::{Error, Result};

/// Bytes that are read at once.
const BLOCK: usize = 1 << 16;

/// What a file is called while it comes.
pub(super) fn partial(path: &Path) -> PathBuf {
    with_suffix(path, ".part")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The fetching of one file.
pub(super) struct Job<'a> {
    pub client: &'a Client,
    pub listed: &'a Listed,
    pub folder: &'a Path,
}

impl Job<'_> {
    /// Fetches the file, unless it is there; says whether it had to.
    pub fn run(&self) -> Result<bool> {
        let path = self.folder.join(&self.listed.path);
        if path.is_file() && sha256(&path)? == self.listed.sha256 {
            return Ok(false);
        }
        let folder = path.parent().unwrap_or(self.folder);
        std::fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
        let part = partial(&path);
        // The most bytes that there have been: less is nothing new.
        let mut furthest = length(&part);
        self.client.repeat(&self.listed.name, || {
            let attempt = self.attempt(&part)?;
            let progress = length(&part) > furthest;
            furthest = furthest.max(length(&part));
            match attempt {
                Attempt::Again { error, wait, .. } => Ok(Attempt::Again { error, wait, progress }),
                Attempt::Done(()) => {
                    let found = sha256(&part)?;
                    if found == self.listed.sha256 {
                        return Ok(Attempt::Done(()));
                    }
                    self.discard(&part)?;
                    let error = Error::WrongFile {
                        url: self.client.url(&self.listed.name),
                        expected: self.listed.sha256.clone(),
                        found,
                    };
                    Ok(Attempt::Again { error, wait: None, progress: false })
                }
            }
        })?;
        std::fs::rename(&part, &path).map_err(write_error(&path))?;
        remove(&etag_file(&part))?;
        Ok(true)
    }

    /// One request for what is missing.
    fn attempt(&self, part: &Path) -> Result<Attempt<()>> {
        let have = length(part);
        let mut headers = Vec::new();
        if have > 0 {
            headers.push((header::RANGE, format!("bytes={have}-")));
            // If the file has changed, the server sends all of it.
            if let Ok(etag) = std::fs::read_to_string(etag_file(part)) {
                headers.push((header::IF_RANGE, etag));
            }
        }
        let mut response = match self.client.get(&self.listed.name, &headers, &[200, 206, 416])? {
            Attempt::Done(response) => response,
            Attempt::Again { error, wait, progress } => return Ok(Attempt::Again { error, wait, progress }),
        };
        let goes_on = match response.status() {
            // Nothing is left to send, or the server does not do ranges: the checksum tells.
            StatusCode::RANGE_NOT_SATISFIABLE => {
                if have > 0 && total(&response).is_none_or(|total| total == have) && sha256(part)? == self.listed.sha256
                {
                    return Ok(Attempt::Done(()));
                }
                self.discard(part)?;
                return Ok(Attempt::Again { error: self.unusable("no such range"), wait: None, progress: false });
            }
            StatusCode::PARTIAL_CONTENT if range_start(&response) == Some(have) => true,
            StatusCode::PARTIAL_CONTENT => {
                self.discard(part)?;
                return Ok(Attempt::Again { error: self.unusable("another range"), wait: None, progress: false });
            }
            _ => false,
        };
        if !goes_on {
            self.discard(part)?;
            // A weak tag says that the file means the same, not that it has the same bytes.
            if let Some(etag) = text(&response, header::ETAG).filter(|etag| !etag.starts_with("W/")) {
                std::fs::write(etag_file(part), etag).map_err(write_error(part))?;
            }
        }
        self.receive(&mut response, part)
    }

    /// Appends what comes.
    fn receive(&self, response: &mut Response<Body>, part: &Path) -> Result<Attempt<()>> {
        let expected = number(response, header::CONTENT_LENGTH);
        let mut file = OpenOptions::new().create(true).append(true).open(part).map_err(write_error(part))?;
        let mut reader = response.body_mut().as_reader();
        let (mut block, mut received) = (vec![0; BLOCK], 0);
        let broken = loop {
            match reader.read(&mut block) {
                Ok(0) => break None,
                Ok(count) => {
                    file.write_all(&block[..count]).map_err(write_error(part))?;
                    received += count as u64;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => break Some(error),
            }
        };
        file.sync_all().map_err(write_error(part))?;
        let short = expected.is_some_and(|expected| received < expected);
        match broken.or_else(|| short.then(|| std::io::ErrorKind::UnexpectedEof.into())) {
            None => Ok(Attempt::Done(())),
            Some(error) => {
                Ok(Attempt::Again { error: self.client.broken(&self.listed.name, &error), wait: None, progress: false })
            }
        }
    }

    fn unusable(&self, what: &str) -> Error {
        let url = self.client.url(&self.listed.name);
        Error::Http { url, status: None, message: format!("the server offers {what} than was asked for") }
    }

    /// Begins anew.
    fn discard(&self, part: &Path) -> Result<()> {
        remove(part)?;
        remove(&etag_file(part))
    }
}

/// Where the tag of the version is noted that a partial file is of.
fn etag_file(part: &Path) -> PathBuf {
    with_suffix(part, ".etag")
}

fn length(path: &Path) -> u64 {
    File::open(path).and_then(|file| file.metadata()).map_or(0, |metadata| metadata.len())
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(write_error(path)(error)),
        _ => Ok(()),
    }
}

fn write_error(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Write { path, source }
}

/// The first byte of `Content-Range: bytes 5-9/10`.
fn range_start(response: &Response<Body>) -> Option<u64> {
    let range = text(response, header::CONTENT_RANGE)?.strip_prefix("bytes ")?;
    range.split('-').next()?.trim().parse().ok()
}

/// The whole length in `Content-Range: bytes */10`.
fn total(response: &Response<Body>) -> Option<u64> {
    text(response, header::CONTENT_RANGE)?.rsplit('/').next()?.trim().parse().ok()
}

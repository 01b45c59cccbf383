//! Pulling: a revision comes into the cache, and each file of it is what the receipt says.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ureq::Body;
use ureq::http::{Response, StatusCode, header};

use crate::cache::ModelCache;
use crate::client::{Method, plain};
use crate::failure::Failure;
use crate::receipt::{Fingerprint, RECEIPT_FILE, Receipt};
use crate::{Error, Hub, ModelName, Progress, Result};

/// Bytes that are read at once.
const BLOCK: usize = 1 << 16;

/// A model in the cache, every file of which has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// The folder of its files.
    pub folder: PathBuf,
    /// The commit.
    pub revision: String,
    /// Its receipt.
    pub receipt: Receipt,
}

impl Hub {
    /// Brings a model into the cache, as its revision is now. A pinned revision that is there is not asked for again; while the Hub
    /// is switched off, what the cache holds is used.
    ///
    /// Every file is compared with the receipt before it gets its place; the revision counts as there when all have theirs.
    ///
    /// # Errors
    /// [`Error::NoReceipt`], [`Error::Receipt`], [`Error::WrongFile`], [`Error::NotCached`] while the Hub is switched off, and what the
    /// server answers.
    pub fn pull(&self, name: &ModelName, heard: &mut dyn FnMut(Progress<'_>)) -> Result<Pulled> {
        if self.offline {
            let missing = || Error::NotCached { name: name.to_string(), cache: self.cache.clone() };
            return self.cached(name)?.ok_or_else(missing);
        }
        if name.is_pinned()
            && let Ok(Some(pulled)) = self.cached(name)
        {
            return Ok(pulled);
        }
        let found = self.revision(name, name.revision())?;
        let there = |file: &str| found.siblings.iter().any(|sibling| sibling.rfilename == file);
        if !there(RECEIPT_FILE) {
            return Err(Error::NoReceipt { name: name.repository(), revision: found.sha });
        }
        let cache = ModelCache::new(&self.cache, name);
        let folder = cache.snapshot(&found.sha);
        let receipt_bytes = self.receipt_bytes(name, &found.sha)?;
        let receipt = Receipt::parse(&name.to_string(), &receipt_bytes)?;
        let pull = Pull { hub: self, name, cache: &cache, sha: &found.sha };
        for (file, expected) in &receipt.files {
            if !there(file) {
                return Err(pull.wrong(file, "it is missing".to_owned()));
            }
            pull.fetch(file, expected, heard)?;
        }
        // Last: a folder with a receipt is whole.
        pull.fetch(RECEIPT_FILE, &Fingerprint::of_bytes(&receipt_bytes), heard)?;
        cache.set_commit(&found.sha)?;
        Ok(Pulled { folder, revision: found.sha, receipt })
    }

    /// What the cache holds of a model, without asking the network; none if it is not there or not whole.
    ///
    /// # Errors
    /// [`Error::WrongFile`] for a file that has been changed, [`Error::Receipt`].
    pub fn cached(&self, name: &ModelName) -> Result<Option<Pulled>> {
        let cache = ModelCache::new(&self.cache, name);
        let Some(revision) = cache.commit() else { return Ok(None) };
        let folder = cache.snapshot(&revision);
        let Ok(bytes) = std::fs::read(folder.join(RECEIPT_FILE)) else { return Ok(None) };
        let receipt = Receipt::parse(&name.to_string(), &bytes)?;
        receipt.verify(&name.to_string(), &folder)?;
        Ok(Some(Pulled { folder, revision, receipt }))
    }
}

/// One revision on its way.
struct Pull<'a> {
    hub: &'a Hub,
    name: &'a ModelName,
    cache: &'a ModelCache,
    sha: &'a str,
}

impl Pull<'_> {
    fn wrong(&self, file: &str, message: String) -> Error {
        Error::WrongFile { name: format!("{}@{}", self.name.repository(), self.sha), file: file.to_owned(), message }
    }

    /// Gives a file its place, fetching it unless it is there.
    fn fetch(&self, file: &str, expected: &Fingerprint, heard: &mut dyn FnMut(Progress<'_>)) -> Result<()> {
        let place = self.cache.snapshot(self.sha).join(file);
        if place.is_file() && expected.check(&place)?.is_ok() {
            heard(Progress::Present(file));
            return Ok(());
        }
        let url = self.hub.client.url(&format!("/{}/resolve/{}/{file}", self.name.repository(), self.sha));
        let tag = self.tag(&url)?;
        let blob = self.cache.blob(&tag);
        if blob.is_file() && expected.check(&blob)?.is_ok() {
            heard(Progress::Present(file));
        } else {
            self.download(&url, file, expected, &blob, heard)?;
        }
        self.cache.link(self.sha, file, &tag)
    }

    /// Asks what a file's content is called.
    fn tag(&self, url: &str) -> Result<String> {
        let client = &self.hub.client;
        let wrong = |message: &str| Error::Answer { url: plain(url), message: message.to_owned() };
        let response = client.repeat(url, || client.fetch(Method::Head, url, None))?;
        let text = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let tag = text("x-linked-etag").or_else(|| text("etag")).ok_or_else(|| wrong("it has no ETag"))?;
        let tag = tag.trim_start_matches("W/").trim_matches('"');
        // It becomes the name of a file.
        if tag.is_empty() || !tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(wrong("its ETag is none"));
        }
        Ok(tag.to_owned())
    }

    /// Fetches a file beside its place, going on where an earlier attempt ended, and moves it there when it is the one expected.
    fn download(
        &self,
        url: &str,
        file: &str,
        expected: &Fingerprint,
        blob: &Path,
        heard: &mut dyn FnMut(Progress<'_>),
    ) -> Result<()> {
        let mut path = blob.as_os_str().to_owned();
        path.push(".incomplete");
        let path = PathBuf::from(path);
        let folder = path.parent().unwrap_or(&path);
        std::fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
        let part = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let part = part.map_err(Error::file("write", &path))?;
        part.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Error::Locked { path: path.clone() },
            TryLockError::Error(source) => Error::File { action: "lock", path: path.clone(), source },
        })?;
        let mut download = Download { pull: self, url, file, expected, part, path: &path };
        let mut wrong_before = false;
        self.hub.client.repeat(url, || {
            download.attempt(heard)?;
            let Err(message) = expected.check(&path)? else { return Ok(()) };
            download.part.set_len(0).map_err(Error::file("write", &path))?;
            let error = self.wrong(file, message);
            // A byte may have changed on its way; a second time it is the file.
            if std::mem::replace(&mut wrong_before, true) {
                Err(Failure::Final(error))
            } else {
                Err(Failure::Again(error, None))
            }
        })?;
        download.part.sync_all().map_err(Error::file("write", &path))?;
        std::fs::rename(&path, blob).map_err(Error::file("write", blob))
    }
}

/// A file on its way.
struct Download<'a> {
    pull: &'a Pull<'a>,
    url: &'a str,
    file: &'a str,
    expected: &'a Fingerprint,
    part: File,
    path: &'a Path,
}

impl Download<'_> {
    /// One request for what is missing.
    fn attempt(&mut self, heard: &mut dyn FnMut(Progress<'_>)) -> std::result::Result<(), Failure> {
        let client = &self.pull.hub.client;
        let failed = |error| Failure::Final(Error::file("write", self.path)(error));
        let mut have = self.part.seek(SeekFrom::End(0)).map_err(failed)?;
        if have > self.expected.size {
            self.part.set_len(0).map_err(failed)?;
            have = self.part.seek(SeekFrom::Start(0)).map_err(failed)?;
        }
        if have == self.expected.size {
            return Ok(());
        }
        let range = (have > 0).then(|| format!("bytes={have}-"));
        let mut response = client.fetch(Method::Get, self.url, range.as_deref())?;
        let goes_on = response.status() == StatusCode::PARTIAL_CONTENT && range_start(&response) == Some(have);
        if !goes_on && have > 0 {
            self.part.set_len(0).map_err(failed)?;
            self.part.seek(SeekFrom::Start(0)).map_err(failed)?;
            have = 0;
        }
        let length = response.headers().get(header::CONTENT_LENGTH);
        let length: Option<u64> = length.and_then(|length| length.to_str().ok()?.parse().ok());
        let mut reader = response.body_mut().as_reader();
        let (mut block, mut received) = (vec![0; BLOCK], 0);
        let broken = loop {
            match reader.read(&mut block) {
                // All that the server has, though less than the receipt says.
                Ok(0) if length.is_none_or(|length| received >= length) => return Ok(()),
                Ok(0) => break "the connection ended too early".to_owned(),
                Ok(count) => {
                    self.part.write_all(&block[..count]).map_err(failed)?;
                    received += count as u64;
                    heard(Progress::Sent(self.file, count as u64));
                    if have + received >= self.expected.size {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => break format!("the connection broke: {error}"),
            }
        };
        let error = client.unreachable(self.url, &broken);
        Err(if received > 0 { Failure::Progress(error) } else { Failure::Again(error, None) })
    }
}

/// The first byte of `Content-Range: bytes 5-9/10`.
fn range_start(response: &Response<Body>) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    range.split('-').next()?.trim().parse().ok()
}

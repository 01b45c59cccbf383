//! Fetching a dataset's files from where it is published.
//!
//! What there is to fetch is what the publisher's `SHA256SUMS.txt` lists, as PhysioNet has it for every dataset. [`plan`] asks for it
//! and estimates sizes; [`Plan::run`] fetches over several connections. Each file is written beside its place as `.part`, goes on
//! from there when the connection breaks or the program is started again, and is moved to its place when its SHA-256 is the
//! published one.

pub(crate) mod client;
mod file;
mod list;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::{DatasetCard, Error, Result};
use client::Client;
use file::Job;

/// How files are fetched.
#[derive(Clone, PartialEq, Eq)]
pub struct FetchConfig {
    /// Connections at once.
    pub connections: usize,
    /// How often a request is repeated that brings nothing new.
    pub attempts: u32,
    /// Pause before the first repetition; doubled with each further one, up to half a minute. A server that says how long to wait
    /// is obeyed.
    pub pause: Duration,
    /// Fetch only files whose paths begin so; all by default.
    pub only: Vec<String>,
    /// User and password, for sources that ask for them.
    pub credentials: Option<(String, String)>,
}

impl Default for FetchConfig {
    /// Four connections, six attempts, a second before the second one.
    fn default() -> Self {
        Self { connections: 4, attempts: 6, pause: Duration::from_secs(1), only: Vec::new(), credentials: None }
    }
}

/// Shows everything but the credentials.
impl std::fmt::Debug for FetchConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { connections, attempts, pause, only, credentials } = self;
        let credentials = credentials.as_ref().map(|_| "hidden");
        f.debug_struct("FetchConfig")
            .field("connections", connections)
            .field("attempts", attempts)
            .field("pause", pause)
            .field("only", only)
            .field("credentials", &credentials)
            .finish()
    }
}

/// What is to be fetched.
#[derive(Debug)]
pub struct Plan {
    /// Number of files.
    pub files: usize,
    /// Their size in bytes, as far as the server says it.
    pub bytes: Option<u64>,
    /// Whether the size is extrapolated from some of the files.
    pub estimated: bool,
    /// Room on the disk, in bytes, where the system says it.
    pub free: Option<u64>,
    folder: PathBuf,
    list: Vec<list::Listed>,
    checksums: String,
    client: Client,
    connections: usize,
}

/// What a plan came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Files that were fetched.
    pub fetched: usize,
    /// Files that were there already, with the published checksum.
    pub present: usize,
}

/// Asks the source of a dataset, or a mirror with the same files at `mirror`, what there is to fetch into `folder`.
///
/// # Errors
/// [`Error::NoSource`] for a dataset without a known address; [`Error::Http`]; [`Error::FileList`] for a list that is none;
/// [`Error::Space`] if the disk has less room than is needed.
pub fn plan(card: &DatasetCard, mirror: Option<&str>, folder: &Path, config: &FetchConfig) -> Result<Plan> {
    let at_least_one = |key, value: u64| match value {
        0 => Err(Error::Setting { key, value: "0".to_owned(), expected: "at least 1" }),
        _ => Ok(()),
    };
    at_least_one("connections", config.connections as u64)?;
    at_least_one("attempts", config.attempts.into())?;
    let published = card.source.as_ref().and_then(|source| source.files.as_deref());
    let base = mirror.or(published).ok_or_else(|| Error::NoSource { dataset: card.name.clone() })?;
    let client = Client::new(base, config);
    let (list, checksums) = list::read(&client, config)?;
    let (bytes, estimated) = list::size(&client, &list)?;
    let free = free_space(folder);
    let plan = Plan {
        files: list.len(),
        bytes,
        estimated,
        free,
        folder: folder.to_owned(),
        list,
        checksums,
        client,
        connections: config.connections,
    };
    let there = plan.list.iter().map(|listed| present_bytes(&plan.folder.join(&listed.path))).sum();
    match (bytes.map(|bytes| bytes.saturating_sub(there)), free) {
        (Some(needed), Some(free)) if needed > free => Err(Error::Space { folder: plan.folder, needed, free }),
        _ => Ok(plan),
    }
}

impl Plan {
    /// Fetches what is not there, and the list itself, so that a copy can be [checked](crate::Dataset::check) later. `done` is told
    /// after each file.
    ///
    /// # Errors
    /// A file that cannot be had does not keep the others: [`Error::NotFetched`] counts them and holds the first one's error.
    /// [`Error::Http`] for credentials that are refused, and [`Error::Write`], end it at once. What has come is kept; the same call
    /// goes on from there.
    pub fn run(&self, done: &(impl Fn() + Sync)) -> Result<Fetched> {
        self.keep_list()?;
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let outcome = Mutex::new((Fetched::default(), Vec::<Error>::new()));
        std::thread::scope(|scope| {
            for _ in 0..self.connections.min(self.files) {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed)
                        && let Some(listed) = self.list.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let result = Job { client: &self.client, listed, folder: &self.folder }.run();
                        done();
                        // A thread that panicked leaves counts that are whole.
                        let mut outcome = outcome.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        match result {
                            Ok(true) => outcome.0.fetched += 1,
                            Ok(false) => outcome.0.present += 1,
                            Err(error) => {
                                stop.fetch_or(ends_all(&error), Ordering::Relaxed);
                                outcome.1.push(error);
                            }
                        }
                    }
                });
            }
        });
        let (fetched, mut errors) = outcome.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(fatal) = errors.iter().position(ends_all) {
            return Err(errors.swap_remove(fatal));
        }
        match errors.len() {
            0 => Ok(fetched),
            failed => Err(Error::NotFetched { failed, files: self.files, first: Box::new(errors.swap_remove(0)) }),
        }
    }

    fn keep_list(&self) -> Result<()> {
        let path = self.folder.join(list::CHECKSUMS);
        let partial = file::partial(&path);
        std::fs::create_dir_all(&self.folder)
            .and_then(|()| std::fs::write(&partial, &self.checksums))
            .and_then(|()| std::fs::rename(&partial, &path))
            .map_err(|source| Error::Write { path, source })
    }
}

/// Whether there is no sense in trying further files.
fn ends_all(error: &Error) -> bool {
    matches!(error, Error::Write { .. } | Error::Http { status: Some(401 | 403), .. })
}

/// Bytes of a file that need not be fetched.
fn present_bytes(path: &Path) -> u64 {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    length(path).max(length(&file::partial(path)))
}

/// Room for unprivileged users on the disk of a folder that need not exist yet.
#[cfg(unix)]
fn free_space(folder: &Path) -> Option<u64> {
    let existing = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    let disk = rustix::fs::statvfs(existing).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free_space(_: &Path) -> Option<u64> {
    None
}

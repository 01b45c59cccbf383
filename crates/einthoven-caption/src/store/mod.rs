//! The store of descriptions: a folder that keeps every answer, once it is judged.
//!
//! ```text
//! captions/
//!   einthoven-captions   says what the folder is
//!   lock                 held by the process that writes
//!   000001.jsonl         a segment: a line for each record, with its checksum
//!   000002.jsonl
//! ```
//!
//! Segments only grow, and each process that writes begins a new one: whatever ends a process, all lines but the
//! last are whole, and a torn last line is passed over and reported. The same folder can be read while it is
//! written, copied file by file, and [merged](StoreWriter::merge) with another.

mod record;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

pub use record::{Fault, Origin, Record, Source};

pub(crate) use record::statement_key;

/// The file that tells a store from any other folder, and what it says.
const MARK: &str = "einthoven-captions";
const FORMAT: &str = "format 1\n";
const LOCK: &str = "lock";

/// All records of a store.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
    records: Vec<Record>,
    by_key: HashMap<String, usize>,
    damage: Vec<Damage>,
}

/// A line that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub path: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    /// Whether it is the segment's last, torn when its writer was ended, and not one that was changed later.
    pub torn: bool,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.torn { "a torn last line" } else { "a line that does not match its checksum" };
        write!(f, "{}, line {}: {what} was passed over", self.path.display(), self.line)
    }
}

impl Store {
    /// Reads a store.
    ///
    /// # Errors
    /// [`Error::NoStore`] for a folder that is none, [`Error::Read`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref().to_owned();
        match fs::read_to_string(folder.join(MARK)) {
            Ok(text) if text == FORMAT => {}
            Err(source) if source.kind() != ErrorKind::NotFound => return Err(Error::Read { path: folder, source }),
            _ => return Err(Error::NoStore { path: folder }),
        }
        let mut store = Self::empty(folder);
        for (_, path) in segments(&store.folder)? {
            store.read(&path)?;
        }
        Ok(store)
    }

    /// Reads a store; where the folder is not there or empty, one that holds nothing. Nothing is written.
    ///
    /// # Errors
    /// Those of [`Store::open`].
    pub fn open_if_any(folder: impl AsRef<Path>) -> Result<Self> {
        match Self::open(&folder) {
            Err(Error::NoStore { path }) if is_vacant(&path)? => Ok(Self::empty(path)),
            store => store,
        }
    }

    fn empty(folder: PathBuf) -> Self {
        Self { folder, records: Vec::new(), by_key: HashMap::new(), damage: Vec::new() }
    }

    fn read(&mut self, path: &Path) -> Result<()> {
        let bytes = fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let mut lines = bytes.split_inclusive(|&byte| byte == b'\n').enumerate().peekable();
        while let Some((index, line)) = lines.next() {
            let text = std::str::from_utf8(line).ok().and_then(|line| line.strip_suffix('\n'));
            match text.and_then(Record::from_line) {
                Some(record) => self.insert(record),
                None => {
                    self.damage.push(Damage { path: path.to_owned(), line: index + 1, torn: lines.peek().is_none() });
                }
            }
        }
        Ok(())
    }

    /// Adds a record; the first of a key is kept.
    fn insert(&mut self, record: Record) {
        let next = self.records.len();
        if *self.by_key.entry(record.key()).or_insert(next) == next {
            self.records.push(record);
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All records, in the order in which they were written.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The record of `statement` from `origin`.
    pub fn get(&self, origin: &Origin, statement: &str) -> Option<&Record> {
        self.by_key.get(&origin.key(statement)).map(|&index| &self.records[index])
    }

    /// The lines that were passed over.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// The origins of its records, sorted.
    pub fn origins(&self) -> Vec<&Origin> {
        self.records.iter().map(|record| &record.origin).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The origin whose [id](Origin::id) begins with `id`; without one, the only origin.
    ///
    /// # Errors
    /// [`Error::Origin`] if there is none, or more than one.
    pub fn origin(&self, id: Option<&str>) -> Result<&Origin> {
        let origins = self.origins();
        let fitting: Vec<_> = origins.iter().filter(|origin| id.is_none_or(|id| origin.id().starts_with(id))).collect();
        match fitting[..] {
            [one] => Ok(one),
            _ => {
                let list: Vec<String> = origins.iter().map(ToString::to_string).collect();
                let found = if list.is_empty() { "no origin".to_owned() } else { list.join(", ") };
                Err(Error::Origin { path: self.folder.clone(), found })
            }
        }
    }
}

/// A store that is being written, by no other process at the same time.
#[derive(Debug)]
pub struct StoreWriter {
    store: Store,
    segment: Option<(File, PathBuf)>,
    /// Held while it is open.
    _lock: File,
}

impl StoreWriter {
    /// Opens a store for writing; makes one if the folder is not there or empty.
    ///
    /// # Errors
    /// [`Error::Locked`] while another process writes; [`Error::NoStore`] for a folder that holds something else;
    /// [`Error::Read`], [`Error::Write`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        fs::create_dir_all(folder).map_err(writing(folder))?;
        let mark = folder.join(MARK);
        if !mark.exists() && !is_vacant(folder)? {
            return Err(Error::NoStore { path: folder.to_owned() });
        }
        let path = folder.join(LOCK);
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(writing(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Locked { path: folder.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(Error::Write { path, source }),
        }
        if !mark.exists() {
            write_atomically(&mark, FORMAT.as_bytes())?;
        }
        Ok(Self { store: Store::open(folder)?, segment: None, _lock: lock })
    }

    /// What the store holds by now.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Writes records and waits until they are on the disk. Records whose key is there are passed over.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn append(&mut self, records: impl IntoIterator<Item = Record>) -> Result<usize> {
        let mut text = String::new();
        let mut new = Vec::new();
        for record in records {
            if self.store.by_key.contains_key(&record.key()) {
                continue;
            }
            let line = record.to_line().map_err(|error| writing(&self.store.folder)(error.into()))?;
            text.push_str(&line);
            new.push(record);
        }
        if new.is_empty() {
            return Ok(0);
        }
        let (file, path) = self.segment()?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_data()).map_err(writing(path))?;
        let count = new.len();
        new.into_iter().for_each(|record| self.store.insert(record));
        Ok(count)
    }

    /// Takes over the records of another store; returns how many are new.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn merge(&mut self, other: &Store) -> Result<usize> {
        self.append(other.records.iter().cloned())
    }

    /// This process's own segment, made when there is something to write.
    fn segment(&mut self) -> Result<(&mut File, &Path)> {
        let segment = match self.segment.take() {
            Some(segment) => segment,
            None => {
                let number = segments(&self.store.folder)?.last().map_or(1, |(number, _)| number + 1);
                let path = self.store.folder.join(format!("{number:06}.jsonl"));
                let file = OpenOptions::new().create_new(true).append(true).open(&path).map_err(writing(&path))?;
                sync_folder(&self.store.folder)?;
                (file, path)
            }
        };
        let (file, path) = self.segment.insert(segment);
        Ok((file, path))
    }
}

/// Whether a folder is not there or holds nothing; a lock alone is what a process leaves that was ended while it began.
fn is_vacant(folder: &Path) -> Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut files) => Ok(files.all(|file| file.is_ok_and(|file| file.file_name() == LOCK))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(source) => Err(Error::Read { path: folder.to_owned(), source }),
    }
}

/// The segments of a store, in their order.
fn segments(folder: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let unreadable = |source| Error::Read { path: folder.to_owned(), source };
    let mut segments = Vec::new();
    for file in fs::read_dir(folder).map_err(unreadable)? {
        let path = file.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            // One that someone added under a name of their own comes first.
            segments.push((number.unwrap_or(0), path));
        }
    }
    segments.sort();
    Ok(segments)
}

fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = path.with_extension("partial");
    fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, path)).map_err(writing(path))
}

/// Waits until the folder's entries are on the disk; where a folder cannot be opened, the system sees to it.
fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) { File::open(folder).and_then(|folder| folder.sync_all()).map_err(writing(folder)) } else { Ok(()) }
}

fn writing(path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Write { path: path.clone(), source }
}

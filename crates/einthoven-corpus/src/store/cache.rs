//! What came from a store, kept on disk while there is room.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

use crate::{Error, Result};

/// Says how much room a cache has, in MB.
const ROOM: &str = "EINTHOVEN_CACHE_MB";

/// Room without a word about it, in MB.
const DEFAULT_ROOM: u64 = 2048;

/// Records on disk, those longest not asked for given up first. The folder is one of its own below the system's for temporary files, and goes with the cache.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: TempDir,
    room: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The time of the last use, counted in uses, and the bytes of each.
    known: HashMap<(usize, usize), (u64, u64)>,
    by_age: BTreeMap<u64, (usize, usize)>,
    clock: u64,
    bytes: u64,
}

impl Cache {
    /// An empty cache with the room that the environment says.
    pub fn new() -> Result<Self> {
        let room = match std::env::var(ROOM) {
            Err(_) => DEFAULT_ROOM,
            Ok(text) => text.trim().parse().map_err(|_| Error::Setting {
                key: ROOM,
                value: text.clone(),
                expected: "a number of megabytes",
            })?,
        };
        Self::with_room(room.saturating_mul(1_000_000))
    }

    fn with_room(room: u64) -> Result<Self> {
        let create = tempfile::Builder::new().prefix("einthoven-shards-").tempdir();
        let folder = create.map_err(|source| Error::Write { path: std::env::temp_dir(), source })?;
        Ok(Self { folder, room, state: Mutex::default() })
    }

    /// The bytes of a record, from the cache or else from `fetch`. What the disk does not give back is fetched anew.
    pub fn get(&self, place: (usize, usize), fetch: impl FnOnce() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
        let path = self.path(place);
        if self.is_there(place)
            && let Ok(bytes) = std::fs::read(&path)
        {
            return Ok(bytes);
        }
        let bytes = fetch()?;
        self.keep(place, &path, &bytes);
        Ok(bytes)
    }

    fn path(&self, (shard, record): (usize, usize)) -> PathBuf {
        self.folder.path().join(format!("{shard}-{record}"))
    }

    /// Whether a record is kept; if so, it was used now.
    fn is_there(&self, place: (usize, usize)) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((age, bytes)) = state.known.get(&place).copied() else {
            return false;
        };
        state.by_age.remove(&age);
        state.add(place, bytes);
        true
    }

    /// Keeps a record if the disk can; a cache that cannot is slow, not wrong.
    fn keep(&self, place: (usize, usize), path: &Path, bytes: &[u8]) {
        let length = bytes.len() as u64;
        if length > self.room || write(path, bytes).is_err() {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Two readers may have fetched it at the same time.
        if let Some((age, old)) = state.known.remove(&place) {
            state.by_age.remove(&age);
            state.bytes -= old;
        }
        state.bytes += length;
        state.add(place, length);
        while state.bytes > self.room
            && let Some((_, oldest)) = state.by_age.pop_first()
        {
            let freed = state.known.remove(&oldest).map_or(0, |(_, bytes)| bytes);
            state.bytes -= freed;
            // A file that another reader has open goes when it is done.
            let _ = std::fs::remove_file(self.path(oldest));
        }
    }
}

impl State {
    fn add(&mut self, place: (usize, usize), bytes: u64) {
        self.clock += 1;
        self.known.insert(place, (self.clock, bytes));
        self.by_age.insert(self.clock, place);
    }
}

/// Writes a file whole, as another reader may look for it.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    std::io::Write::write_all(&mut file, bytes)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_longest_not_asked_for_is_given_up_first() {
        let cache = Cache::with_room(250).unwrap();
        let fetched = std::cell::Cell::new(0);
        let get = |record: usize| {
            let bytes = cache.get((0, record), || {
                fetched.set(fetched.get() + 1);
                Ok(vec![record as u8; 100])
            });
            assert_eq!(bytes.unwrap(), vec![record as u8; 100]);
            fetched.get()
        };
        assert_eq!((get(1), get(2), get(1)), (1, 2, 2));
        // Room for two: 2 was not asked for longest.
        assert_eq!((get(3), get(1), get(2)), (3, 3, 4));
        assert_eq!(std::fs::read_dir(cache.folder.path()).unwrap().count(), 2);
        let folder = cache.folder.path().to_owned();
        drop(cache);
        assert!(!folder.exists());
    }

    #[test]
    fn what_has_no_room_is_handed_on() {
        let cache = Cache::with_room(10).unwrap();
        assert_eq!(cache.get((0, 0), || Ok(vec![7; 11])).unwrap(), [7; 11]);
        assert_eq!(std::fs::read_dir(cache.folder.path()).unwrap().count(), 0);
    }
}

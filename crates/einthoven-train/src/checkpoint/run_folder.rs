//! The folder of a run: its checkpoints, and which of them are the last and the best.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Checkpoint, FORMAT, INDEX_FILE, Snapshot, read_versioned, to_json};
use crate::{Error, Result, files};

const CHECKPOINTS: &str = "checkpoints";
/// What the name of a checkpoint begins with; the number of steps follows.
const PREFIX: &str = "step-";
const LOCK_FILE: &str = ".lock";
/// Marks what is being written or removed; never part of a run.
const UNFINISHED: &str = ".unfinished-";

/// The content of `checkpoints.json`: the only truth about which checkpoints a run has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Index {
    format: u64,
    /// The newest checkpoint.
    pub last: Option<String>,
    /// The checkpoint with the best validation result.
    pub best: Option<String>,
    /// Every checkpoint on disk, oldest first.
    pub kept: Vec<String>,
}

impl Index {
    /// The index of a run folder, `None` if it has saved no checkpoint.
    pub fn read(run: &Path) -> Result<Option<Self>> {
        let path = run.join(INDEX_FILE);
        if path.exists() { read_versioned(&path).map(Some) } else { Ok(None) }
    }

    /// The index of the whole checkpoints found in a run folder whose index is missing: the process died before it
    /// wrote the first one, or the file was lost.
    fn rebuild(run: &Path) -> Result<Self> {
        let mut whole = Vec::new();
        for name in entries(&run.join(CHECKPOINTS))? {
            if name.starts_with(PREFIX)
                && let Ok(checkpoint) = Checkpoint::open(&checkpoint_path(run, &name))
            {
                whole.push((name, checkpoint.state));
            }
        }
        whole.sort_by_key(|(_, state)| state.step);
        let newest = whole.last().cloned();
        let best_step = newest.as_ref().and_then(|(_, state)| state.best.as_ref()).map(|best| best.step);
        let best = whole.iter().find(|(_, state)| Some(state.step) == best_step).map(|(name, _)| name.clone());
        let kept = whole.into_iter().map(|(name, _)| name).collect();
        Ok(Self { format: FORMAT, last: newest.map(|(name, _)| name), best, kept })
    }
}

/// The folder of checkpoint `name` of a run.
pub(super) fn checkpoint_path(run: &Path, name: &str) -> PathBuf {
    run.join(CHECKPOINTS).join(name)
}

/// The folder a run writes to, held by one process at a time.
///
/// ```text
/// RUN/checkpoints.json          which checkpoints there are; replaced in one move
/// RUN/checkpoints/step-00000100 one folder per checkpoint
/// RUN/metrics.jsonl             the metric log
/// RUN/tensorboard/              the same for TensorBoard
/// RUN/trace.json                the profile of some steps, if `train.trace` asks for one
/// ```
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    index: Index,
    /// Its lock lives as long as this value; the system lifts it when the process dies.
    _lock: File,
}

impl RunFolder {
    /// Makes the folder of a new run.
    ///
    /// # Errors
    /// [`Error::RunExists`] when the folder holds a run already, [`Error::RunLocked`] when another process uses it.
    pub fn create(path: &Path) -> Result<Self> {
        fs::create_dir_all(path).map_err(Error::io("create", path))?;
        let folder = Self::lock(path)?;
        let traces = [path.join(INDEX_FILE), path.join(CHECKPOINTS), folder.metrics_path()];
        if traces.iter().any(|trace| trace.exists()) {
            return Err(Error::RunExists { path: path.to_owned() });
        }
        Ok(folder)
    }

    /// Opens the folder of a run to go on from its last checkpoint, or from the start if it has saved none.
    ///
    /// # Errors
    /// [`Error::NotACheckpoint`] when there is no such folder, [`Error::Version`] when another version wrote it,
    /// [`Error::RunLocked`] when another process uses it.
    pub fn resume(path: &Path) -> Result<Self> {
        if !path.is_dir() {
            return Err(Error::NotACheckpoint { path: path.to_owned(), message: "no such run to resume".to_owned() });
        }
        let mut folder = Self::lock(path)?;
        folder.remove_unfinished()?;
        folder.index = match Index::read(path)? {
            Some(index) => index,
            None => Index::rebuild(path)?,
        };
        folder.remove_outdated()?;
        Ok(folder)
    }

    fn lock(path: &Path) -> Result<Self> {
        let lock_path = path.join(LOCK_FILE);
        let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Error::RunLocked { path: path.to_owned() },
            TryLockError::Error(source) => Error::io("lock", &lock_path)(source),
        })?;
        Ok(Self {
            path: path.to_owned(),
            index: Index { format: FORMAT, last: None, best: None, kept: Vec::new() },
            _lock: lock,
        })
    }

    /// The run folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The metric log.
    pub fn metrics_path(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// The TensorBoard event file.
    pub fn events_path(&self) -> PathBuf {
        self.path.join("tensorboard").join("events.out.tfevents.einthoven")
    }

    /// The profile of some steps, which Perfetto opens.
    pub fn trace_path(&self) -> PathBuf {
        self.path.join("trace.json")
    }

    /// The newest checkpoint.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn last(&self) -> Result<Option<Checkpoint>> {
        self.last_path().map(|path| Checkpoint::open(&path)).transpose()
    }

    /// The folder of the newest checkpoint.
    pub fn last_path(&self) -> Option<PathBuf> {
        self.index.last.as_ref().map(|name| checkpoint_path(&self.path, name))
    }

    /// The folder of the best checkpoint, if one was chosen.
    pub fn best_path(&self) -> Option<PathBuf> {
        self.index.best.as_ref().map(|name| checkpoint_path(&self.path, name))
    }

    /// Saves a checkpoint as the newest, and as the best if `is_best`; then removes all but the best and the
    /// `keep` newest ones. Returns its folder.
    ///
    /// The files are written aside and moved into place when they are safe on the disk; only then does
    /// `checkpoints.json` change, and only after that is an older checkpoint removed.
    ///
    /// # Errors
    /// [`Error::Save`] when anything cannot be written; every earlier checkpoint is then as it was.
    pub fn save(&mut self, snapshot: &Snapshot, is_best: bool, keep: usize) -> Result<PathBuf> {
        let step = snapshot.state.step;
        let name = format!("{PREFIX}{step:08}");
        let path = checkpoint_path(&self.path, &name);
        let index = self.commit(snapshot, &name, is_best, keep).map_err(|source| Error::Save {
            step,
            kept: self.last_path(),
            source: Box::new(source),
        })?;
        let old = std::mem::replace(&mut self.index, index);
        for name in old.kept.iter().filter(|name| !self.index.kept.contains(name)) {
            self.discard(name)?;
        }
        Ok(path)
    }

    /// Everything of saving up to the new index being safe on the disk.
    fn commit(&self, snapshot: &Snapshot, name: &str, is_best: bool, keep: usize) -> Result<Index> {
        // A checkpoint that the index lists is whole, and the same step is the same state: nothing to write.
        if !self.index.kept.iter().any(|kept| kept == name) {
            let path = checkpoint_path(&self.path, name);
            let unfinished = checkpoint_path(&self.path, &format!("{UNFINISHED}{name}"));
            remove_folder(&unfinished)?;
            if let Err(error) = snapshot.write(&unfinished) {
                // The failed write is the error worth reporting.
                remove_folder(&unfinished).ok();
                return Err(error);
            }
            // Left over from a process that died between the two moves.
            remove_folder(&path)?;
            fs::rename(&unfinished, &path).map_err(Error::io("rename", &unfinished))?;
            files::sync_parent(&path)?;
        }

        let mut index = self.index.clone();
        index.kept.retain(|kept| kept != name);
        index.kept.push(name.to_owned());
        index.last = Some(name.to_owned());
        if is_best {
            index.best = Some(name.to_owned());
        }
        let oldest_kept = index.kept.len().saturating_sub(keep.max(1));
        let mut position = 0;
        index.kept.retain(|kept| {
            position += 1;
            position > oldest_kept || index.best.as_ref() == Some(kept)
        });
        let path = self.path.join(INDEX_FILE);
        files::replace(&path, to_json(&path, &index)?.as_bytes())?;
        Ok(index)
    }

    /// Removes a checkpoint that the index no longer lists.
    fn discard(&self, name: &str) -> Result<()> {
        let path = checkpoint_path(&self.path, name);
        let unfinished = checkpoint_path(&self.path, &format!("{UNFINISHED}{name}"));
        fs::rename(&path, &unfinished).map_err(Error::io("remove", &path))?;
        remove_folder(&unfinished)
    }

    /// Removes what a process left behind that died while saving or removing a checkpoint.
    fn remove_unfinished(&self) -> Result<()> {
        let folder = self.path.join(CHECKPOINTS);
        for name in entries(&folder)? {
            if name.starts_with(UNFINISHED) {
                remove_folder(&folder.join(name))?;
            }
        }
        Ok(())
    }

    /// Removes older checkpoints that the index no longer lists: those of a process that died before it came to discard them.
    fn remove_outdated(&self) -> Result<()> {
        let Index { last, kept, .. } = &self.index;
        for name in entries(&self.path.join(CHECKPOINTS))? {
            let is_older = last.as_ref().is_some_and(|last| name < *last);
            if name.starts_with(PREFIX) && is_older && !kept.contains(&name) {
                self.discard(&name)?;
            }
        }
        Ok(())
    }
}

/// The names of what a folder holds; none if there is no such folder.
fn entries(folder: &Path) -> Result<Vec<String>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let list = || -> std::io::Result<Vec<String>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    };
    list().map_err(Error::io("list", folder))
}

fn remove_folder(path: &Path) -> Result<()> {
    if path.exists() {
        fs::remove_dir_all(path).map_err(Error::io("remove", path))?;
    }
    Ok(())
}

//! The logs of a run: `metrics.jsonl` for programs, an event file for TensorBoard.
//!
//! Both hold the same entries. When a run is resumed they are cut back to the checkpoint's step, so that the
//! finished log equals that of an uninterrupted run in everything but the clock (the values whose name ends in `_per_second`
//! or `_ms`, and the wall time in the event file).

mod json_lines;
mod tensorboard;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use json_lines::read;

use crate::checkpoint::RunFolder;
use crate::{Error, Result, files};

/// What an entry of the log is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An optimiser step.
    Train,
    /// A validation.
    Validation,
}

/// An entry of the log: one line of `metrics.jsonl`.
///
/// Training entries hold `loss`, `loss_contrastive`, `loss_caption`, `lr`, `grad_norm` (before clipping) and
/// `logit_scale` of the step, and of the steps since the entry before, their `samples_per_second`, the
/// `gigaflops_per_second` of their matrix products, and the milliseconds that one took on average for each of its
/// phases: `data_ms` (waiting for the loader), `forward_ms`, `backward_ms` and `optimizer_ms`. That of the first step
/// also holds the memory that the run was expected to need, `memory_mib` in all, and its parts,
/// `memory_parameters_mib` and so on. Validation entries hold what the validator gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What the entry is about.
    pub kind: Kind,
    /// Optimiser steps done, the step in question included.
    pub step: u64,
    /// The epoch the step belongs to, from 0.
    pub epoch: u64,
    /// The values by name; `None` where undefined.
    #[serde(flatten)]
    pub values: BTreeMap<String, Option<f64>>,
}

/// Both logs of a run, open for appending.
#[derive(Debug)]
pub struct MetricsLog {
    lines: Appender,
    events: Appender,
}

impl MetricsLog {
    /// Opens the logs of a run, making them if needed, without the entries after step `last`.
    ///
    /// # Errors
    /// [`Error::Io`] when a log cannot be read or written, [`Error::Damaged`] when one is not a log.
    pub fn open(run: &RunFolder, last: u64) -> Result<Self> {
        let lines = Appender::open(&run.metrics_path(), |path, content| json_lines::length_up_to(path, content, last))?;
        let mut events =
            Appender::open(&run.events_path(), |path, content| tensorboard::length_up_to(path, content, last))?;
        if events.is_empty {
            events.append(&tensorboard::file_header())?;
        }
        Ok(Self { lines, events })
    }

    /// Appends an entry to both logs.
    ///
    /// # Errors
    /// [`Error::Io`] when a log cannot be written.
    pub fn write(&mut self, entry: &Entry) -> Result<()> {
        let line = json_lines::line(&self.lines.path, entry)?;
        self.lines.append(line.as_bytes())?;
        self.events.append(&tensorboard::event(entry))
    }

    /// Waits until all entries are on the disk.
    ///
    /// # Errors
    /// [`Error::Io`] when a log cannot be written.
    pub fn sync(&self) -> Result<()> {
        self.lines.sync()?;
        self.events.sync()
    }
}

/// A file that only grows.
#[derive(Debug)]
struct Appender {
    path: std::path::PathBuf,
    file: File,
    is_empty: bool,
}

impl Appender {
    /// Opens `path` after cutting it to the length that `keep` finds for its content.
    fn open(path: &Path, keep: impl Fn(&Path, &[u8]) -> Result<usize>) -> Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        let file = OpenOptions::new().append(true).create(true).open(path).map_err(Error::io("open", path))?;
        files::sync_parent(path)?;
        let content = fs::read(path).map_err(Error::io("read", path))?;
        let kept = keep(path, &content)?;
        file.set_len(kept as u64).map_err(Error::io("shorten", path))?;
        Ok(Self { path: path.to_owned(), file, is_empty: kept == 0 })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.is_empty = false;
        self.file.write_all(bytes).map_err(Error::io("write", &self.path))
    }

    fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(Error::io("write", &self.path))
    }
}

//! Checkpoints: everything a model needs to be used, and a run to be resumed exactly.
//!
//! A checkpoint is a folder:
//!
//! | file | content |
//! |---|---|
//! | `model.safetensors` | parameters and buffers, by their published names; with `train.ema` their moving average |
//! | `raw_model.safetensors` | only with `train.ema`: the parameters and buffers that training goes on from |
//! | `optimizer.safetensors` | AdamW's moments and step counts; not in a model that was published |
//! | `state.json` | [`State`]: format version, step, data position, seed, best metric, experiment hash, file sizes |
//! | `config.toml` | the resolved experiment |
//! | `contract.json` | the input contract: what the model may be fed |
//! | `tokenizer.json` | the tokenizer, in the `tokenizers` format; not of a model that reads no texts |
//!
//! Equal states give byte-identical folders: nothing in them depends on the clock, the machine or the path.

mod run_folder;
mod save;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use einthoven_signal::InputContract;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use run_folder::RunFolder;
pub use save::Snapshot;

use crate::{Error, Result, files};

/// The version of the run folder and checkpoint formats that this build writes and reads.
pub const FORMAT: u64 = 1;

/// The model's parameters and buffers; their moving average if the run keeps one.
pub const MODEL_FILE: &str = "model.safetensors";
/// The parameters and buffers themselves, if the run keeps a moving average.
pub const RAW_MODEL_FILE: &str = "raw_model.safetensors";
/// The optimiser's state.
pub const OPTIMIZER_FILE: &str = "optimizer.safetensors";
/// The training state.
pub const STATE_FILE: &str = "state.json";
/// The resolved experiment.
pub const CONFIG_FILE: &str = "config.toml";
/// The input contract.
pub const CONTRACT_FILE: &str = "contract.json";
/// The tokenizer.
pub const TOKENIZER_FILE: &str = "tokenizer.json";
/// The run folder's list of checkpoints.
pub const INDEX_FILE: &str = "checkpoints.json";

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The version of the checkpoint format, [`FORMAT`].
    pub format: u64,
    /// Optimiser steps done.
    pub step: u64,
    /// Epochs completed: the epoch the next step belongs to.
    pub epoch: u64,
    /// Batches of that epoch already used.
    pub batch: u64,
    /// Batches in an epoch; guards against resuming with other data.
    pub batches_per_epoch: u64,
    /// The seed of all random streams.
    pub seed: u64,
    /// The best validation result so far.
    pub best: Option<Best>,
    /// SHA-256 of the resolved experiment, in hexadecimal.
    pub experiment: String,
    /// Bytes in every other file of the checkpoint; shows one that was cut short.
    pub files: BTreeMap<String, u64>,
}

/// A validation result worth keeping a checkpoint for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// The name of the metric.
    pub metric: String,
    /// Its value; higher is better.
    pub value: f64,
    /// Steps done when it was reached.
    pub step: u64,
}

/// The fingerprint of a resolved experiment that [`State::experiment`] holds.
pub fn experiment_hash(config: &str) -> String {
    Sha256::digest(config.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Which checkpoint of a run is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// The best if the run has chosen one, else the newest.
    #[default]
    BestOrLast,
    /// The best; an error if the run has chosen none.
    Best,
    /// The newest.
    Last,
}

/// A checkpoint on disk, checked to be whole.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    folder: PathBuf,
    state: State,
    config: String,
    contract: InputContract,
}

impl Checkpoint {
    /// Opens a checkpoint folder, or the checkpoint of a run folder: the best if the run has chosen one, else the
    /// newest. `RUN@last` and `RUN@best` ask for one of them.
    ///
    /// # Errors
    /// [`Error::NotACheckpoint`] when the path holds neither; [`Error::Version`] when another version wrote it;
    /// [`Error::Damaged`] when a file is missing, cut short or unreadable.
    pub fn open(path: &Path) -> Result<Self> {
        if !path.exists()
            && let Some(text) = path.to_str()
        {
            for (suffix, which) in [("@last", Which::Last), ("@best", Which::Best)] {
                if let Some(run) = text.strip_suffix(suffix) {
                    return Self::open_run(Path::new(run), which);
                }
            }
        }
        if path.join(STATE_FILE).exists() { Self::read(path) } else { Self::open_run(path, Which::BestOrLast) }
    }

    /// Opens one of the checkpoints of a run folder.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_run(run: &Path, which: Which) -> Result<Self> {
        let not_a_checkpoint = |message: String| Error::NotACheckpoint { path: run.to_owned(), message };
        if !run.exists() {
            return Err(not_a_checkpoint("no such run or checkpoint".to_owned()));
        }
        let Some(index) = run_folder::Index::read(run)? else {
            return Err(not_a_checkpoint(format!(
                "is neither a checkpoint (no {STATE_FILE}) nor a run that has saved one (no {INDEX_FILE})"
            )));
        };
        let name = match which {
            Which::BestOrLast => index.best.or(index.last),
            Which::Best => index.best,
            Which::Last => index.last,
        };
        let name = name.ok_or_else(|| {
            not_a_checkpoint("the run has no such checkpoint (train.checkpoint.best unset?)".to_owned())
        })?;
        Self::read(&run_folder::checkpoint_path(run, &name))
    }

    fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(STATE_FILE);
        let state: State = read_versioned(&path)?;
        for (name, &size) in &state.files {
            let file = folder.join(name);
            let found = match fs::metadata(&file) {
                Ok(metadata) => metadata.len(),
                Err(_) => return Err(Error::damaged(&file, "is missing from the checkpoint; use another checkpoint")),
            };
            if found != size {
                return Err(Error::damaged(
                    &file,
                    format!("holds {found} bytes, was saved with {size}; use another checkpoint"),
                ));
            }
        }
        for name in [MODEL_FILE, CONFIG_FILE, CONTRACT_FILE] {
            if !state.files.contains_key(name) {
                return Err(Error::damaged(&path, format!("does not list {name}; use another checkpoint")));
            }
        }
        Ok(Self {
            config: files::read_text(&folder.join(CONFIG_FILE))?,
            contract: read_json(&folder.join(CONTRACT_FILE))?,
            folder: folder.to_owned(),
            state,
        })
    }

    /// The checkpoint's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the run stood.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The resolved experiment, as TOML.
    pub fn config(&self) -> &str {
        &self.config
    }

    /// What the model may be fed.
    pub fn contract(&self) -> &InputContract {
        &self.contract
    }

    /// The path of `tokenizer.json`, which a model that reads texts has.
    pub fn tokenizer_path(&self) -> PathBuf {
        self.folder.join(TOKENIZER_FILE)
    }

    /// The model's parameters and buffers, by name; their moving average if the run keeps one.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the file is not a whole safetensors file.
    pub fn model_tensors(&self, device: &Device) -> Result<HashMap<String, Tensor>> {
        read_tensors(&self.folder.join(MODEL_FILE), device)
    }

    /// The parameters and buffers that training goes on from, by name. They differ from
    /// [`model_tensors`](Self::model_tensors) if the run keeps a moving average of them; only then are they a file of
    /// their own.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the file is missing or not a whole safetensors file.
    pub fn raw_model_tensors(&self, device: &Device) -> Result<HashMap<String, Tensor>> {
        if !self.state.files.contains_key(RAW_MODEL_FILE) {
            let message = format!("does not list {RAW_MODEL_FILE}; use another checkpoint");
            return Err(Error::damaged(&self.folder.join(STATE_FILE), message));
        }
        read_tensors(&self.folder.join(RAW_MODEL_FILE), device)
    }

    /// The optimiser's state, by name. A published model has none: it can be used and be started from, but not resumed.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the file is missing or not a whole safetensors file.
    pub fn optimizer_tensors(&self, device: &Device) -> Result<HashMap<String, Tensor>> {
        if !self.state.files.contains_key(OPTIMIZER_FILE) {
            let message = format!("does not list {OPTIMIZER_FILE}; use another checkpoint");
            return Err(Error::damaged(&self.folder.join(STATE_FILE), message));
        }
        read_tensors(&self.folder.join(OPTIMIZER_FILE), device)
    }
}

fn read_tensors(path: &Path, device: &Device) -> Result<HashMap<String, Tensor>> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    candle_core::safetensors::load_buffer(&bytes, device)
        .map_err(|error| Error::damaged(path, format!("is not a whole safetensors file ({error})")))
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_str(&files::read_text(path)?)
        .map_err(|error| Error::damaged(path, format!("cannot be read ({error})")))
}

/// Reads a JSON file that states its format version, which is judged before anything else in it.
fn read_versioned<T: DeserializeOwned>(path: &Path) -> Result<T> {
    #[derive(Deserialize)]
    struct Header {
        format: u64,
    }
    let Header { format } = read_json(path)?;
    if format != FORMAT {
        return Err(Error::Version { path: path.to_owned(), found: format, expected: FORMAT });
    }
    read_json(path)
}

fn to_json<T: Serialize>(path: &Path, value: &T) -> Result<String> {
    let json = serde_json::to_string_pretty(value)
        .map_err(|error| Error::damaged(path, format!("cannot be written as JSON ({error})")))?;
    Ok(json + "\n")
}

//! From a training state to the files of a checkpoint.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use candle_core::Tensor;
use einthoven_signal::InputContract;
use safetensors::SafeTensorError;

use super::{
    CONFIG_FILE, CONTRACT_FILE, MODEL_FILE, OPTIMIZER_FILE, RAW_MODEL_FILE, STATE_FILE, State, TOKENIZER_FILE, to_json,
};
use crate::{Error, Result, files};

/// All that goes into a checkpoint.
#[derive(Clone, Debug)]
pub struct Snapshot<'a> {
    /// The model's parameters and buffers, by name; their moving average if the run keeps one.
    pub model: &'a BTreeMap<String, Tensor>,
    /// The parameters and buffers that training goes on from, where `model` is their moving average.
    pub raw_model: Option<&'a BTreeMap<String, Tensor>>,
    /// The optimiser's state, by name.
    pub optimizer: &'a BTreeMap<String, Tensor>,
    /// Where the run stands; its `files` are filled in while saving.
    pub state: State,
    /// The resolved experiment, as TOML.
    pub config: &'a str,
    /// What the model may be fed.
    pub contract: &'a InputContract,
    /// The content of `tokenizer.json`; none for a model that reads no texts.
    pub tokenizer: Option<&'a str>,
}

impl Snapshot<'_> {
    /// Writes the files into `folder`, which is made, and waits until they are on the disk.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        write_tensors(&folder.join(MODEL_FILE), self.model)?;
        if let Some(raw_model) = self.raw_model {
            write_tensors(&folder.join(RAW_MODEL_FILE), raw_model)?;
        }
        write_tensors(&folder.join(OPTIMIZER_FILE), self.optimizer)?;
        files::write(&folder.join(CONFIG_FILE), self.config.as_bytes())?;
        let contract = folder.join(CONTRACT_FILE);
        files::write(&contract, to_json(&contract, self.contract)?.as_bytes())?;
        if let Some(tokenizer) = self.tokenizer {
            files::write(&folder.join(TOKENIZER_FILE), tokenizer.as_bytes())?;
        }

        let mut state = self.state.clone();
        let raw_model = self.raw_model.map(|_| RAW_MODEL_FILE);
        let tokenizer = self.tokenizer.map(|_| TOKENIZER_FILE);
        let always = [MODEL_FILE, OPTIMIZER_FILE, CONFIG_FILE, CONTRACT_FILE];
        for name in always.into_iter().chain(raw_model).chain(tokenizer) {
            let path = folder.join(name);
            let size = fs::metadata(&path).map_err(Error::io("read", &path))?.len();
            state.files.insert(name.to_owned(), size);
        }
        let path = folder.join(STATE_FILE);
        files::write(&path, to_json(&path, &state)?.as_bytes())?;
        files::sync(folder)
    }
}

/// Writes a safetensors file; its tensors are ordered by type and name, so equal tensors give equal bytes.
fn write_tensors(path: &Path, tensors: &BTreeMap<String, Tensor>) -> Result<()> {
    safetensors::serialize_to_file(tensors, None, path).map_err(|error| match error {
        SafeTensorError::IoError(source) => Error::io("write", path)(source),
        error => Error::damaged(path, format!("cannot be written ({error})")),
    })?;
    files::sync(path)
}

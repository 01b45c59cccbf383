//! The reference set of a run: embeddings that a query's scores are ranked among.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::SafeTensors;

use crate::embeddings::Embeddings;
use crate::error::{Error, Result};
use crate::files::replace;
use crate::stored::{bytes_of, embeddings_in, not_finite, view_of};

/// The tensor's name inside the file.
const TENSOR: &str = "signals";
/// The metadata key of the set's name.
const NAME: &str = "name";

/// Embeddings of recordings that stand for the population, of length one.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceSet {
    /// What they are, as "ptb-xl fold 9".
    pub name: String,
    /// One row per recording.
    pub embeddings: Embeddings,
}

impl ReferenceSet {
    /// Writes the set to a safetensors file: whole, or not at all.
    pub fn save(&self, path: &Path) -> Result<()> {
        let numbers = bytes_of(&self.embeddings);
        let bytes = view_of(&self.embeddings, &numbers)
            .and_then(|view| {
                let metadata = HashMap::from([(NAME.into(), self.name.clone())]);
                safetensors::serialize([(TENSOR, view)], Some(metadata))
            })
            .map_err(|error| damaged(path, error.to_string()))?;
        replace(path, &bytes)
    }

    /// Reads a set.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.into(), source })?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| damaged(path, error.to_string()))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| damaged(path, error.to_string()))?;
        let embeddings = embeddings_in(&tensors, TENSOR).map_err(|problem| damaged(path, problem))?;
        if not_finite(&embeddings).is_some() {
            return Err(damaged(path, format!("{TENSOR} holds a number that is not finite")));
        }
        let name = header.metadata().as_ref().and_then(|metadata| metadata.get(NAME)).cloned();
        Ok(Self { name: name.unwrap_or_else(|| "unnamed".into()), embeddings })
    }
}

fn damaged(path: &Path, problem: String) -> Error {
    Error::Reference { path: path.into(), problem }
}

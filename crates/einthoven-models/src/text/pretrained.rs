use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::Tensor;
use einthoven_nn::Parameters;
use serde::{Deserialize, Serialize};

use super::{BertConfig, Hub, Tokenizer};
use crate::weights::{load_pytorch, load_safetensors};
use crate::{Error, Result};

/// The file of the model's shape.
pub(super) const CONFIG: &str = "config.json";
/// Files of weights, the best first.
pub(super) const WEIGHTS: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];
/// Files of the tokenizer, the best first.
pub(super) const TOKENIZER: [&str; 2] = ["tokenizer.json", "vocab.txt"];
/// What a `vocab.txt` needs beside it to say whether text is lower-cased.
pub(super) const TOKENIZER_CONFIG: &str = "tokenizer_config.json";

/// Where a pretrained text encoder comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum TextSource {
    /// A folder with `config.json`, `model.safetensors` and `tokenizer.json`.
    Folder(PathBuf),
    /// A repository on the Hugging Face Hub.
    Hub {
        /// `owner/name`.
        repository: String,
        /// Branch, tag or commit; a commit pins the weights for good.
        #[serde(default = "main_branch")]
        revision: String,
    },
}

fn main_branch() -> String {
    "main".to_owned()
}

impl Default for TextSource {
    /// BioLinkBERT-base, the published system's text encoder.
    fn default() -> Self {
        Self::Hub { repository: "michiyasunaga/BioLinkBERT-base".to_owned(), revision: main_branch() }
    }
}

/// A pretrained BERT: its shape, its tokenizer and its weights.
#[derive(Clone, Debug)]
pub struct PretrainedText {
    /// The shape.
    pub config: BertConfig,
    /// The tokenizer it was trained with.
    pub tokenizer: Tokenizer,
    weights: HashMap<String, Tensor>,
}

impl PretrainedText {
    /// Opens `source`, downloading through `hub` what is not yet in its cache.
    ///
    /// # Errors
    /// [`Error::Hub`] if a repository cannot be had, otherwise as [`PretrainedText::load`].
    pub fn open(source: &TextSource, hub: &Hub) -> Result<Self> {
        match source {
            TextSource::Folder(folder) => Self::load(folder),
            TextSource::Hub { repository, revision } => Self::load(&hub.fetch(repository, revision)?),
        }
    }

    /// Loads a folder with `config.json`, weights (`model.safetensors`, else `pytorch_model.bin`) and a tokenizer
    /// (`tokenizer.json`, else `vocab.txt`).
    ///
    /// Weight names may carry the prefix `bert.` and the norms' old names `gamma` and `beta`; heads for other tasks
    /// are left out.
    ///
    /// # Errors
    /// Names the file that is missing, unreadable or damaged.
    pub fn load(folder: &Path) -> Result<Self> {
        let config = BertConfig::load(&folder.join(CONFIG))?;
        let tokenizer = Tokenizer::load(folder)?;
        if tokenizer.vocabulary_size() > config.vocab_size {
            return Err(Error::Vocabulary {
                origin: folder.display().to_string(),
                message: format!(
                    "has {} ids, the model's table only {}; they belong to different models",
                    tokenizer.vocabulary_size(),
                    config.vocab_size
                ),
            });
        }
        let [safe, pytorch] = WEIGHTS.map(|name| folder.join(name));
        let weights = if safe.is_file() {
            load_safetensors(&safe)?
        } else if pytorch.is_file() {
            load_pytorch(&pytorch)?
        } else {
            return Err(Error::MissingFile { folder: folder.to_path_buf(), wanted: WEIGHTS.to_vec() });
        };
        Ok(Self { config, tokenizer, weights: encoder_weights(weights) })
    }

    /// Gives the parameters below `prefix` (`""` or one that ends in a dot) the pretrained weights.
    ///
    /// A pooler stays as it was if the weights have none, and is left out if the parameters have none.
    ///
    /// # Errors
    /// [`einthoven_nn::Error::Mismatch`] names what is missing, left over or of another shape; nothing is changed then.
    pub fn load_into(&self, parameters: &Parameters, prefix: &str) -> Result<()> {
        let mut wanted = HashMap::new();
        for (name, tensor) in parameters.tensors() {
            if let Some(name) = name.strip_prefix(prefix) {
                wanted.insert(name.to_owned(), tensor);
            }
        }
        let mut weights = self.weights.clone();
        weights.retain(|name, _| !name.starts_with("pooler.") || wanted.contains_key(name));
        let mut unexpected: Vec<String> = weights.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
        if !unexpected.is_empty() {
            unexpected.sort();
            let (missing, misshapen) = (Vec::new(), Vec::new());
            return Err(einthoven_nn::Error::Mismatch { missing, unexpected, misshapen }.into());
        }
        for (name, tensor) in wanted {
            if name.starts_with("pooler.") {
                weights.entry(name).or_insert(tensor);
            }
        }
        parameters.load_matching(prefix, &weights)?;
        Ok(())
    }
}

/// The encoder's weights among those of a checkpoint, under today's names.
fn encoder_weights(tensors: HashMap<String, Tensor>) -> HashMap<String, Tensor> {
    tensors
        .into_iter()
        .filter_map(|(name, tensor)| {
            let name = name.strip_prefix("bert.").unwrap_or(&name);
            let of_encoder = ["embeddings.", "encoder.", "pooler."].iter().any(|part| name.starts_with(part));
            // Row numbers, saved by older versions of the library.
            let constant = name.ends_with(".position_ids") || name.ends_with(".token_type_ids");
            let name = match name.rsplit_once("LayerNorm.") {
                Some((path, "gamma")) => format!("{path}LayerNorm.weight"),
                Some((path, "beta")) => format!("{path}LayerNorm.bias"),
                _ => name.to_owned(),
            };
            (of_encoder && !constant).then_some((name, tensor))
        })
        .collect()
}

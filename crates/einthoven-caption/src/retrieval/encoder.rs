//! A sentence encoder that runs here.

use std::fmt;
use std::path::Path;

use candle_core::{D, DType};
use candle_transformers::models::bert::BertModel;
use sha2::{Digest, Sha256};
use tokenizers::Tokenizer;

use super::Embedder;
use super::bert::{Folder, Input, in_batches};
use crate::{Error, Result};

/// Tokens that are read of a text: what sentence encoders are trained with.
const LONGEST: usize = 256;
/// Texts that are encoded at once.
const BATCH: usize = 16;

/// A BERT whose mean over the tokens stands for a text, such as `all-MiniLM-L6-v2` (Reimers and Gurevych, "Sentence-BERT", 2019).
pub struct SentenceEncoder {
    model: BertModel,
    tokenizer: Tokenizer,
    identity: String,
}

impl fmt::Debug for SentenceEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentenceEncoder").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl SentenceEncoder {
    /// Opens a model folder: `config.json`, `tokenizer.json` and `model.safetensors`, as on the Hugging Face Hub.
    ///
    /// # Errors
    /// [`Error::Read`] for a file that is missing, [`Error::Embedder`] for one that holds something else.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let path = folder.as_ref();
        let folder = Folder::read(path, LONGEST, |name, message| Error::Embedder { name, message })?;
        let mut hash = Sha256::new();
        folder.bytes.iter().for_each(|bytes| hash.update(bytes));
        let digits: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let model = BertModel::load(folder.weights(), &folder.config).map_err(|error| Error::Embedder {
            name: path.join("model.safetensors").display().to_string(),
            message: error.to_string(),
        })?;
        Ok(Self { model, tokenizer: folder.tokenizer, identity: format!("bert {digits}") })
    }

    /// The mean of the tokens' vectors, `[texts, width]`.
    fn encode(&self, texts: &[&str]) -> std::result::Result<Vec<Vec<f32>>, Box<dyn std::error::Error + Send + Sync>> {
        let Input { ids, types, mask } = Input::new(&self.tokenizer, texts.to_vec())?;
        let tokens = self.model.forward(&ids, &types, Some(&mask))?;
        let weights = mask.to_dtype(DType::F32)?.unsqueeze(D::Minus1)?;
        let mean = tokens.broadcast_mul(&weights)?.sum(1)?.broadcast_div(&weights.sum(1)?)?;
        Ok(mean.to_vec2()?)
    }
}

impl Embedder for SentenceEncoder {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        in_batches(texts, BATCH, |batch| {
            let chosen: Vec<&str> = batch.iter().map(|&index| texts[index]).collect();
            self.encode(&chosen)
                .map_err(|error| Error::Embedder { name: self.identity.clone(), message: error.to_string() })
        })
    }
}

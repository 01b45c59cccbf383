//! A sentence encoder that runs here.

use std::fmt;
use std::path::Path;

use candle_core::{D, DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use sha2::{Digest, Sha256};
use tokenizers::{PaddingParams, Tokenizer, TruncationParams};

use super::Embedder;
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
        let folder = folder.as_ref();
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|source| Error::Read { path, source })
        };
        let wrong =
            |name: &str, message: String| Error::Embedder { name: folder.join(name).display().to_string(), message };
        let config = read("config.json")?;
        let parsed: Config =
            serde_json::from_slice(&config).map_err(|error| wrong("config.json", error.to_string()))?;
        let mut tokenizer = Tokenizer::from_bytes(read("tokenizer.json")?)
            .map_err(|error| wrong("tokenizer.json", error.to_string()))?;
        tokenizer.with_padding(Some(PaddingParams::default()));
        let truncation = TruncationParams { max_length: LONGEST, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(|error| wrong("tokenizer.json", error.to_string()))?;
        let weights = read("model.safetensors")?;
        let mut hash = Sha256::new();
        hash.update(&config);
        hash.update(&weights);
        let digits: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let load = || {
            let tensors = candle_core::safetensors::load_buffer(&weights, &Device::Cpu)?;
            BertModel::load(VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu), &parsed)
        };
        let model = load().map_err(|error: candle_core::Error| wrong("model.safetensors", error.to_string()))?;
        Ok(Self { model, tokenizer, identity: format!("bert {digits}") })
    }

    /// The mean of the tokens' vectors, `[texts, width]`.
    fn encode(&self, texts: &[&str]) -> std::result::Result<Vec<Vec<f32>>, Box<dyn std::error::Error + Send + Sync>> {
        let encodings = self.tokenizer.encode_batch(texts.to_vec(), true)?;
        let length = encodings.first().map_or(0, |encoding| encoding.get_ids().len());
        let ids: Vec<u32> = encodings.iter().flat_map(|encoding| encoding.get_ids().iter().copied()).collect();
        let mask: Vec<u32> =
            encodings.iter().flat_map(|encoding| encoding.get_attention_mask().iter().copied()).collect();
        let shape = (texts.len(), length);
        let ids = Tensor::from_vec(ids, shape, &Device::Cpu)?;
        let mask = Tensor::from_vec(mask, shape, &Device::Cpu)?;
        let tokens = self.model.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
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
        // Texts of one length share a batch, so that little of it is padding.
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&index| texts[index].len());
        let mut vectors = vec![Vec::new(); texts.len()];
        for batch in order.chunks(BATCH) {
            let chosen: Vec<&str> = batch.iter().map(|&index| texts[index]).collect();
            let encoded = self
                .encode(&chosen)
                .map_err(|error| Error::Embedder { name: self.identity.clone(), message: error.to_string() })?;
            for (&index, vector) in batch.iter().zip(encoded) {
                vectors[index] = vector;
            }
        }
        Ok(vectors)
    }
}

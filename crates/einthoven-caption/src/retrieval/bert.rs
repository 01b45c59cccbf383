//! A BERT in a folder as on the Hugging Face Hub, and texts as it takes them.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::Config;
use tokenizers::{EncodeInput, Encoding, PaddingParams, Tokenizer, TruncationParams};

use crate::{Error, Result};

/// What a folder holds: `config.json`, `tokenizer.json` and `model.safetensors`.
pub(super) struct Folder {
    pub config: Config,
    pub tokenizer: Tokenizer,
    pub tensors: HashMap<String, Tensor>,
    /// The bytes of `config.json` and of `model.safetensors`, which together say what model it is.
    pub bytes: [Vec<u8>; 2],
}

impl Folder {
    /// Reads a folder; the tokenizer pads, and cuts texts off after `longest` tokens. `wrong` makes the error of a file that holds something else, of
    /// its path and what is wrong.
    pub fn read(folder: &Path, longest: usize, wrong: fn(String, String) -> Error) -> Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|source| Error::Read { path, source })
        };
        let wrong = |name: &str, message: String| wrong(folder.join(name).display().to_string(), message);
        let config_bytes = read("config.json")?;
        let config: Config =
            serde_json::from_slice(&config_bytes).map_err(|error| wrong("config.json", error.to_string()))?;
        let mut tokenizer = Tokenizer::from_bytes(read("tokenizer.json")?)
            .map_err(|error| wrong("tokenizer.json", error.to_string()))?;
        tokenizer.with_padding(Some(PaddingParams::default()));
        let max_length = longest.min(config.max_position_embeddings);
        let truncation = TruncationParams { max_length, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(|error| wrong("tokenizer.json", error.to_string()))?;
        let weights = read("model.safetensors")?;
        let tensors = candle_core::safetensors::load_buffer(&weights, &Device::Cpu)
            .map_err(|error| wrong("model.safetensors", error.to_string()))?;
        Ok(Self { config, tokenizer, tensors, bytes: [config_bytes, weights] })
    }

    /// The tensors, for a model's layers.
    pub fn weights(&self) -> VarBuilder<'static> {
        VarBuilder::from_tensors(self.tensors.clone(), DType::F32, &Device::Cpu)
    }
}

/// Texts as a BERT takes them, each `[texts, tokens]`.
pub(super) struct Input {
    pub ids: Tensor,
    pub types: Tensor,
    pub mask: Tensor,
}

impl Input {
    /// Texts, or pairs of texts, in tokens.
    pub fn new<'s>(
        tokenizer: &Tokenizer,
        texts: Vec<impl Into<EncodeInput<'s>> + Send>,
    ) -> std::result::Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let count = texts.len();
        let encodings = tokenizer.encode_batch(texts, true)?;
        let length = encodings.first().map_or(0, |encoding| encoding.get_ids().len());
        let tensor = |of: fn(&Encoding) -> &[u32]| {
            let values: Vec<u32> = encodings.iter().flat_map(|encoding| of(encoding).iter().copied()).collect();
            Tensor::from_vec(values, (count, length), &Device::Cpu)
        };
        let (ids, types) = (tensor(Encoding::get_ids)?, tensor(Encoding::get_type_ids)?);
        Ok(Self { ids, types, mask: tensor(Encoding::get_attention_mask)? })
    }
}

/// What `each` gives for every text, asked for some at a time by their numbers: texts of one length share a batch, so that little of it is padding.
pub(super) fn in_batches<T: Clone + Default>(
    texts: &[&str],
    size: usize,
    mut each: impl FnMut(&[usize]) -> Result<Vec<T>>,
) -> Result<Vec<T>> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&index| texts[index].len());
    let mut results = vec![T::default(); texts.len()];
    for batch in order.chunks(size) {
        for (&index, result) in batch.iter().zip(each(batch)?) {
            results[index] = result;
        }
    }
    Ok(results)
}

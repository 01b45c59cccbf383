//! A cross-encoder: a question and a passage read together.

use std::fmt;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use tokenizers::{PaddingParams, Tokenizer, TruncationParams};

use crate::{Error, Result};

/// Tokens that are read of a question and a passage together: what cross-encoders are trained with.
const LONGEST: usize = 512;
/// Pairs that are read at once.
const BATCH: usize = 8;

/// A BERT with a head of one number for a question and a passage, such as `ms-marco-MiniLM-L6-v2` (Nogueira and Cho, "Passage re-ranking with BERT",
/// 2019). It judges better than vectors do, and is far too slow for more than some dozens of passages.
pub struct Reranker {
    name: String,
    model: BertModel,
    tokenizer: Tokenizer,
    pooler: Dense,
    classifier: Dense,
}

impl Reranker {
    /// Opens a model folder: `config.json`, `tokenizer.json` and `model.safetensors` of a `BertForSequenceClassification`, as on the Hugging
    /// Face Hub.
    ///
    /// # Errors
    /// [`Error::Read`] for a file that is missing, [`Error::Reranker`] for one that holds something else.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|source| Error::Read { path, source })
        };
        let wrong =
            |name: &str, message: String| Error::Reranker { name: folder.join(name).display().to_string(), message };
        let config: Config =
            serde_json::from_slice(&read("config.json")?).map_err(|error| wrong("config.json", error.to_string()))?;
        let mut tokenizer = Tokenizer::from_bytes(read("tokenizer.json")?)
            .map_err(|error| wrong("tokenizer.json", error.to_string()))?;
        tokenizer.with_padding(Some(PaddingParams::default()));
        let max_length = LONGEST.min(config.max_position_embeddings);
        let truncation = TruncationParams { max_length, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(|error| wrong("tokenizer.json", error.to_string()))?;
        let weights = read("model.safetensors")?;
        let load = || {
            let tensors = candle_core::safetensors::load_buffer(&weights, &Device::Cpu)?;
            let classes =
                tensors.get("classifier.weight").and_then(|weight| weight.dims().first().copied()).unwrap_or(0);
            if classes != 1 {
                let message = format!("a head of {classes} classes, expected a cross-encoder, which has one");
                return Err(candle_core::Error::Msg(message));
            }
            let weights = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
            let width = config.hidden_size;
            let model = BertModel::load(weights.pp("bert"), &config)?;
            let pooler = Dense::load(&weights.pp("bert.pooler.dense"), width, width)?;
            Ok((model, pooler, Dense::load(&weights.pp("classifier"), width, 1)?))
        };
        let (model, pooler, classifier) =
            load().map_err(|error: candle_core::Error| wrong("model.safetensors", error.to_string()))?;
        Ok(Self { name: folder.display().to_string(), model, tokenizer, pooler, classifier })
    }

    /// How well each text answers the question: the higher, the better; comparable for one question only.
    ///
    /// # Errors
    /// [`Error::Reranker`] for texts that the model cannot read.
    pub fn scores(&self, question: &str, texts: &[&str]) -> Result<Vec<f32>> {
        // Texts of one length share a batch, so that little of it is padding.
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&index| texts[index].len());
        let mut scores = vec![0.0; texts.len()];
        for batch in order.chunks(BATCH) {
            let pairs: Vec<(&str, &str)> = batch.iter().map(|&index| (question, texts[index])).collect();
            let judged = self
                .judge(pairs)
                .map_err(|error| Error::Reranker { name: self.name.clone(), message: error.to_string() })?;
            for (&index, score) in batch.iter().zip(judged) {
                scores[index] = score;
            }
        }
        Ok(scores)
    }

    /// The number of each pair: the head over the first token's last state.
    fn judge(
        &self,
        pairs: Vec<(&str, &str)>,
    ) -> std::result::Result<Vec<f32>, Box<dyn std::error::Error + Send + Sync>> {
        let count = pairs.len();
        let encodings = self.tokenizer.encode_batch(pairs, true)?;
        let length = encodings.first().map_or(0, |encoding| encoding.get_ids().len());
        let tensor = |of: fn(&tokenizers::Encoding) -> &[u32]| {
            let values: Vec<u32> = encodings.iter().flat_map(|encoding| of(encoding).iter().copied()).collect();
            Tensor::from_vec(values, (count, length), &Device::Cpu)
        };
        let ids = tensor(tokenizers::Encoding::get_ids)?;
        let types = tensor(tokenizers::Encoding::get_type_ids)?;
        let mask = tensor(tokenizers::Encoding::get_attention_mask)?;
        let states = self.model.forward(&ids, &types, Some(&mask))?;
        let first: Vec<Vec<f32>> = states.narrow(1, 0, 1)?.squeeze(1)?.to_vec2()?;
        let head = |state: &Vec<f32>| {
            let pooled: Vec<f32> = self.pooler.forward(state).map(f32::tanh).collect();
            self.classifier.forward(&pooled).sum()
        };
        Ok(first.iter().map(head).collect())
    }
}

impl fmt::Debug for Reranker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reranker").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A layer of the head.
struct Dense {
    /// A row for each output.
    weight: Vec<Vec<f32>>,
    bias: Vec<f32>,
}

impl Dense {
    fn load(weights: &VarBuilder<'_>, inputs: usize, outputs: usize) -> candle_core::Result<Self> {
        let weight = weights.get((outputs, inputs), "weight")?.to_vec2()?;
        Ok(Self { weight, bias: weights.get(outputs, "bias")?.to_vec1()? })
    }

    fn forward<'a>(&'a self, input: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let dot = move |row: &Vec<f32>| row.iter().zip(input).map(|(weight, value)| weight * value).sum::<f32>();
        self.weight.iter().zip(&self.bias).map(move |(row, bias)| dot(row) + bias)
    }
}

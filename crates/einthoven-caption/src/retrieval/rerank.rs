//! A cross-encoder: a question and a passage read together.

use std::fmt;
use std::path::Path;

use candle_nn::VarBuilder;
use candle_transformers::models::bert::BertModel;
use tokenizers::Tokenizer;

use super::bert::{Folder, Input, in_batches};
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
        let path = folder.as_ref();
        let folder = Folder::read(path, LONGEST, |name, message| Error::Reranker { name, message })?;
        let load = || {
            let head = folder.tensors.get("classifier.weight");
            let classes = head.and_then(|weight| weight.dims().first().copied()).unwrap_or(0);
            if classes != 1 {
                let message = format!("a head of {classes} classes, expected a cross-encoder, which has one");
                return Err(candle_core::Error::Msg(message));
            }
            let weights = folder.weights();
            let width = folder.config.hidden_size;
            let model = BertModel::load(weights.pp("bert"), &folder.config)?;
            let pooler = Dense::load(&weights.pp("bert.pooler.dense"), width, width)?;
            Ok((model, pooler, Dense::load(&weights.pp("classifier"), width, 1)?))
        };
        let (model, pooler, classifier) = load().map_err(|error: candle_core::Error| Error::Reranker {
            name: path.join("model.safetensors").display().to_string(),
            message: error.to_string(),
        })?;
        Ok(Self { name: path.display().to_string(), model, tokenizer: folder.tokenizer, pooler, classifier })
    }

    /// How well each text answers the question: the higher, the better; comparable for one question only.
    ///
    /// # Errors
    /// [`Error::Reranker`] for texts that the model cannot read.
    pub fn scores(&self, question: &str, texts: &[&str]) -> Result<Vec<f32>> {
        in_batches(texts, BATCH, |batch| {
            let pairs: Vec<(&str, &str)> = batch.iter().map(|&index| (question, texts[index])).collect();
            self.judge(pairs).map_err(|error| Error::Reranker { name: self.name.clone(), message: error.to_string() })
        })
    }

    /// The number of each pair: the head over the first token's last state.
    fn judge(
        &self,
        pairs: Vec<(&str, &str)>,
    ) -> std::result::Result<Vec<f32>, Box<dyn std::error::Error + Send + Sync>> {
        let Input { ids, types, mask } = Input::new(&self.tokenizer, pairs)?;
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

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The shape of a BERT, under the names of Hugging Face's `config.json`. The defaults are those of BERT-base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BertConfig {
    /// Rows of the word embedding table; at least as many as the tokenizer has ids.
    pub vocab_size: usize,
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// Transformer layers.
    pub num_hidden_layers: usize,
    /// Attention heads; they divide the width.
    pub num_attention_heads: usize,
    /// Width of the feed-forward layers.
    pub intermediate_size: usize,
    /// The longest text in tokens.
    pub max_position_embeddings: usize,
    /// Rows of the token type table, of which only the first is used.
    pub type_vocab_size: usize,
    /// Added to the variance in layer norms.
    pub layer_norm_eps: f64,
    /// The id that fills rows up.
    pub pad_token_id: u32,
    /// Dropout of embeddings and sub-layer outputs in training.
    pub hidden_dropout_prob: f64,
    /// Dropout of attention weights in training.
    pub attention_probs_dropout_prob: f64,
    /// Standard deviation of new weights.
    pub initializer_range: f64,
}

impl Default for BertConfig {
    fn default() -> Self {
        Self {
            vocab_size: 30522,
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            intermediate_size: 3072,
            max_position_embeddings: 512,
            type_vocab_size: 2,
            layer_norm_eps: 1e-12,
            pad_token_id: 0,
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            initializer_range: 0.02,
        }
    }
}

impl BertConfig {
    /// Reads a Hugging Face `config.json`, whose keys about other things are passed over.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Json`], and [`Error::Config`] for a model that is not a BERT, or one with
    /// another activation or position embedding than the usual.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
        let json = |source| Error::Json { path: path.to_path_buf(), source };
        let mut values: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).map_err(json)?;
        for (key, supported) in
            [("model_type", "bert"), ("hidden_act", "gelu"), ("position_embedding_type", "absolute")]
        {
            if let Some(found) = values.get(key)
                && found != supported
            {
                let message = format!("is {found}, only \"{supported}\" is supported");
                return Err(Error::config(format!("{}: {key}", path.display()), message));
            }
        }
        let known = serde_json::to_value(Self::default()).map_err(json)?;
        values.retain(|key, _| known.get(key).is_some());
        let config: Self = serde_json::from_value(serde_json::Value::Object(values)).map_err(json)?;
        config.validate(&path.display().to_string())?;
        Ok(config)
    }

    /// Checks that the numbers make a model; `key` is where they come from, for the message.
    pub(crate) fn validate(&self, key: &str) -> Result<()> {
        let at_least_one = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("intermediate_size", self.intermediate_size),
            ("max_position_embeddings", self.max_position_embeddings),
            ("type_vocab_size", self.type_vocab_size),
        ];
        for (name, value) in at_least_one {
            if value == 0 {
                return Err(Error::config(format!("{key}.{name}"), "must be at least 1"));
            }
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            let message = format!("{} heads do not divide hidden_size {}", self.num_attention_heads, self.hidden_size);
            return Err(Error::config(format!("{key}.num_attention_heads"), message));
        }
        if self.pad_token_id as usize >= self.vocab_size {
            return Err(Error::config(format!("{key}.pad_token_id"), "is not below vocab_size"));
        }
        for (name, rate) in [
            ("hidden_dropout_prob", self.hidden_dropout_prob),
            ("attention_probs_dropout_prob", self.attention_probs_dropout_prob),
        ] {
            if !(0.0..1.0).contains(&rate) {
                let message = format!("{rate} is not a probability below 1");
                return Err(Error::config(format!("{key}.{name}"), message));
            }
        }
        Ok(())
    }
}

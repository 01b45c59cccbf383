use candle_core::Tensor;
use einthoven_nn::{Attention, Embedding, Init, LayerNorm, Linear, Pass, Scope, attention, dropout, gelu};

use super::{BertConfig, TokenBatch};
use crate::{Error, Result};

/// A trainable BERT encoder (Devlin et al., "BERT: Pre-training of deep bidirectional transformers for
/// language understanding", NAACL 2019), number for number as Hugging Face's `BertModel`, with its parameter names.
#[derive(Clone, Debug)]
pub struct Bert {
    config: BertConfig,
    words: Embedding,
    positions: Embedding,
    token_types: Embedding,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

#[derive(Clone, Debug)]
struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attended: Linear,
    attended_norm: LayerNorm,
    expand: Linear,
    contract: Linear,
    contract_norm: LayerNorm,
}

impl Bert {
    /// A BERT with new weights.
    ///
    /// # Errors
    /// [`Error::Config`] if the numbers make no model.
    pub fn new(config: &BertConfig, scope: &Scope) -> Result<Self> {
        config.validate("text")?;
        let embeddings = scope.enter("embeddings");
        let init = Init::Normal { std: config.initializer_range };
        let table = |name: &str, rows| Embedding::new(&embeddings.enter(name), rows, config.hidden_size, init);
        let layers = scope.enter("encoder").enter("layer");
        Ok(Self {
            words: table("word_embeddings", config.vocab_size)?,
            positions: table("position_embeddings", config.max_position_embeddings)?,
            token_types: table("token_type_embeddings", config.type_vocab_size)?,
            norm: norm(&embeddings, config)?,
            layers: (0..config.num_hidden_layers)
                .map(|index| Layer::new(config, &layers.enter(index)))
                .collect::<Result<_>>()?,
            config: config.clone(),
        })
    }

    /// The configuration it was made from.
    pub fn config(&self) -> &BertConfig {
        &self.config
    }

    /// How many transformer layers there are.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// Last hidden states, `[batch, len, hidden]`. Each token sees all tokens of its text that are not padding.
    ///
    /// # Errors
    /// [`Error::Input`] for a text longer than the position table or an id beyond the vocabulary.
    pub fn forward(&self, tokens: &TokenBatch, pass: &Pass) -> Result<Tensor> {
        self.encode(&self.embed_words(tokens)?, &tokens.lengths, pass)
    }

    /// The word vectors of the tokens alone, `[batch, len, hidden]`.
    ///
    /// # Errors
    /// [`Error::Input`] for an id beyond the vocabulary.
    pub fn embed_words(&self, tokens: &TokenBatch) -> Result<Tensor> {
        if let Some(id) = tokens.ids.iter().find(|id| **id as usize >= self.config.vocab_size) {
            let message = format!(
                "id {id} is beyond the vocabulary of {}; the tokenizer belongs to another model",
                self.config.vocab_size
            );
            return Err(Error::input("tokens", message));
        }
        Ok(self.words.forward(&tokens.ids, &[tokens.batch, tokens.len])?)
    }

    /// Last hidden states from word vectors `[batch, len, hidden]` of texts with `lengths` tokens.
    ///
    /// # Errors
    /// [`Error::Input`] for a text longer than the position table.
    pub fn encode(&self, words: &Tensor, lengths: &[usize], pass: &Pass) -> Result<Tensor> {
        let mut hidden = self.embed(words, pass)?;
        for index in 0..self.layers.len() {
            hidden = self.layer(index, &hidden, lengths, pass)?;
        }
        Ok(hidden)
    }

    /// The embedding layer: word vectors plus positions and token type, normalised.
    ///
    /// # Errors
    /// [`Error::Input`] for a text longer than the position table.
    pub fn embed(&self, words: &Tensor, pass: &Pass) -> Result<Tensor> {
        let (batch, len, _) = words.dims3()?;
        if len > self.config.max_position_embeddings {
            let message =
                format!("{len} tokens, at most {} are possible; cut the text", self.config.max_position_embeddings);
            return Err(Error::input("tokens", message));
        }
        let positions: Vec<u32> = (0..batch).flat_map(|_| 0..len as u32).collect();
        let positions = self.positions.forward(&positions, &[batch, len])?;
        let types = self.token_types.forward(&vec![0; batch * len], &[batch, len])?;
        let sum = ((words + types)? + positions)?;
        Ok(dropout(&self.norm.forward(&sum)?, self.config.hidden_dropout_prob, pass)?)
    }

    /// Transformer layer `index`, `[batch, len, hidden]` to the same shape.
    ///
    /// # Errors
    /// Fails when `hidden` is of another width.
    pub fn layer(&self, index: usize, hidden: &Tensor, lengths: &[usize], pass: &Pass) -> Result<Tensor> {
        self.layers[index].forward(hidden, lengths, &self.config, pass)
    }
}

impl Layer {
    fn new(config: &BertConfig, scope: &Scope) -> Result<Self> {
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let linear = |scope: Scope, inputs, outputs| {
            Linear::new(&scope, inputs, outputs, true, Init::Normal { std: config.initializer_range })
        };
        let attention = scope.enter("attention");
        let own = attention.enter("self");
        let output = attention.enter("output");
        let contract = scope.enter("output");
        Ok(Self {
            query: linear(own.enter("query"), width, width)?,
            key: linear(own.enter("key"), width, width)?,
            value: linear(own.enter("value"), width, width)?,
            attended: linear(output.enter("dense"), width, width)?,
            attended_norm: norm(&output, config)?,
            expand: linear(scope.enter("intermediate").enter("dense"), width, inner)?,
            contract: linear(contract.enter("dense"), inner, width)?,
            contract_norm: norm(&contract, config)?,
        })
    }

    fn forward(&self, hidden: &Tensor, lengths: &[usize], config: &BertConfig, pass: &Pass) -> Result<Tensor> {
        let (batch, len, width) = hidden.dims3()?;
        let heads = config.num_attention_heads;
        let head_width = width / heads;
        let split = |x: Tensor| x.reshape((batch, len, heads, head_width))?.transpose(1, 2);
        let options = Attention {
            scale: 1.0 / (head_width as f64).sqrt(),
            causal: false,
            key_lengths: Some(lengths.to_vec()),
            dropout: pass.dropout(config.attention_probs_dropout_prob),
        };
        let attended = attention(
            &split(self.query.forward(hidden)?)?,
            &split(self.key.forward(hidden)?)?,
            &split(self.value.forward(hidden)?)?,
            &options,
        )?;
        let attended = attended.transpose(1, 2)?.reshape((batch, len, width))?;
        let rate = config.hidden_dropout_prob;
        let attended = dropout(&self.attended.forward(&attended)?, rate, pass)?;
        let hidden = self.attended_norm.forward(&(attended + hidden)?)?;
        let inner = gelu(&self.expand.forward(&hidden)?)?;
        let inner = dropout(&self.contract.forward(&inner)?, rate, pass)?;
        Ok(self.contract_norm.forward(&(inner + hidden)?)?)
    }
}

fn norm(scope: &Scope, config: &BertConfig) -> Result<LayerNorm> {
    let scope = scope.enter("LayerNorm");
    Ok(LayerNorm::new(&scope, config.hidden_size, true, config.layer_norm_eps)?)
}

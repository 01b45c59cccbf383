use candle_core::Tensor;
use einthoven_nn::{
    Activation, Attention, Embedding, Init, LayerNorm, Linear, Pass, Scope, Spans, add, checkpoint, dropout, embedding,
    feed_forward, joint_linear, self_attention,
};

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
    /// Weight and bias of queries, keys and values.
    projections: [(Tensor, Tensor); 3],
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

    /// Last hidden states, `[tokens, hidden]`, text after text. Each token sees all tokens of its text.
    ///
    /// # Errors
    /// [`Error::Input`] for a text longer than the position table or an id beyond the vocabulary.
    pub fn forward(&self, tokens: &TokenBatch, pass: &Pass) -> Result<Tensor> {
        self.encode(&self.embed_words(tokens)?, tokens.spans(), pass)
    }

    /// The word vectors of the tokens alone, `[tokens, hidden]`.
    ///
    /// # Errors
    /// [`Error::Input`] for an id beyond the vocabulary.
    pub fn embed_words(&self, tokens: &TokenBatch) -> Result<Tensor> {
        if let Some(id) = tokens.ids().iter().find(|id| **id as usize >= self.config.vocab_size) {
            let message = format!(
                "id {id} is beyond the vocabulary of {}; the tokenizer belongs to another model",
                self.config.vocab_size
            );
            return Err(Error::input("tokens", message));
        }
        Ok(self.words.forward(tokens.ids(), &[tokens.ids().len()])?)
    }

    /// Last hidden states from word vectors `[tokens, hidden]` of the texts at `spans`.
    ///
    /// # Errors
    /// [`Error::Input`] for a text longer than the position table.
    pub fn encode(&self, words: &Tensor, spans: &Spans, pass: &Pass) -> Result<Tensor> {
        let mut hidden = self.embed(words, spans, pass)?;
        for layer in self.layers.clone() {
            let (spans, config) = (spans.clone(), self.config.clone());
            hidden =
                checkpoint(&[&hidden], pass, move |inputs, pass| layer.forward(&inputs[0], &spans, &config, pass))?;
        }
        Ok(hidden)
    }

    /// The embedding layer: word vectors plus positions and token type, normalised.
    ///
    /// # Errors
    /// [`Error::Input`] for a text longer than the position table.
    pub fn embed(&self, words: &Tensor, spans: &Spans, pass: &Pass) -> Result<Tensor> {
        let longest = spans.longest();
        if longest > self.config.max_position_embeddings {
            let message =
                format!("{longest} tokens, at most {} are possible; cut the text", self.config.max_position_embeddings);
            return Err(Error::input("tokens", message));
        }
        let places: Vec<u32> = spans.places().into_iter().map(|place| place as u32).collect();
        let positions = self.positions.forward(&places, &[places.len()])?;
        let types = self.token_types.forward(&vec![0; places.len()], &[places.len()])?;
        let sum = add(&[words, &types, &positions])?;
        Ok(dropout(&self.norm.forward(&sum)?, self.config.hidden_dropout_prob, pass)?)
    }

    /// Transformer layer `index`, `[tokens, hidden]` to the same shape.
    ///
    /// # Errors
    /// Fails when `hidden` is of another width.
    pub fn layer(&self, index: usize, hidden: &Tensor, spans: &Spans, pass: &Pass) -> Result<Tensor> {
        self.layers[index].forward(hidden, spans, &self.config, pass)
    }
}

/// The states of the opening `[CLS]` tokens, `[texts, hidden]`, among those of all tokens, `[tokens, hidden]`.
pub(crate) fn opening_states(states: &Tensor, spans: &Spans) -> Result<Tensor> {
    let firsts: Vec<u32> = spans.ranges().iter().map(|range| range.start as u32).collect();
    Ok(embedding(states, &firsts, &[firsts.len()])?)
}

impl Layer {
    fn new(config: &BertConfig, scope: &Scope) -> Result<Self> {
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let linear = |scope: Scope, inputs, outputs| {
            Linear::new(&scope, inputs, outputs, true, Init::Normal { std: config.initializer_range })
        };
        let attention = scope.enter("attention");
        let own = attention.enter("self");
        let projection = |name| -> Result<(Tensor, Tensor)> {
            let scope = own.enter(name);
            let init = Init::Normal { std: config.initializer_range };
            Ok((scope.parameter("weight", (width, width), init)?, scope.parameter("bias", width, Init::Zeros)?))
        };
        let output = attention.enter("output");
        let contract = scope.enter("output");
        Ok(Self {
            projections: [projection("query")?, projection("key")?, projection("value")?],
            attended: linear(output.enter("dense"), width, width)?,
            attended_norm: norm(&output, config)?,
            expand: linear(scope.enter("intermediate").enter("dense"), width, inner)?,
            contract: linear(contract.enter("dense"), inner, width)?,
            contract_norm: norm(&contract, config)?,
        })
    }

    fn forward(&self, hidden: &Tensor, spans: &Spans, config: &BertConfig, pass: &Pass) -> Result<Tensor> {
        let heads = config.num_attention_heads;
        let options = Attention {
            heads,
            key_heads: heads,
            causal: false,
            dropout: pass.dropout(config.attention_probs_dropout_prob),
        };
        let qkv = joint_linear(hidden, &self.projections.each_ref().map(|(weight, bias)| (weight, bias)))?;
        let attended = self_attention(&qkv, spans, &options)?;
        let rate = config.hidden_dropout_prob;
        let attended = dropout(&self.attended.forward(&attended)?, rate, pass)?;
        let hidden = self.attended_norm.forward(&add(&[&attended, hidden])?)?;
        let fed = feed_forward(&hidden, self.expand.layer(), self.contract.layer(), Activation::Gelu)?;
        Ok(self.contract_norm.forward(&add(&[&dropout(&fed, rate, pass)?, &hidden])?)?)
    }
}

fn norm(scope: &Scope, config: &BertConfig) -> Result<LayerNorm> {
    let scope = scope.enter("LayerNorm");
    Ok(LayerNorm::new(&scope, config.hidden_size, true, config.layer_norm_eps)?)
}

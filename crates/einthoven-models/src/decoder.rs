//! The captioning decoder: causal text layers that look at signal tokens.

use candle_core::Tensor;
use einthoven_nn::{
    Activation, Linear, ParallelBlockWeights, Pass, Scope, Spans, add, checkpoint, feed_forward, linear, parallel_block,
};
use serde::{Deserialize, Serialize};

use crate::blocks::{CrossAttention, GammaNorm, multi_query, projection};
use crate::{Error, Result};

/// The shape of a [`Decoder`]; the defaults are the published ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DecoderConfig {
    /// Layers, each of one causal and one cross-attending block.
    pub depth: usize,
    /// Query heads; all share one key and value head.
    pub heads: usize,
    /// Width of a head, even.
    pub dim_head: usize,
    /// Width of the feed-forward part per width of the model.
    pub ff_mult: usize,
}

impl Default for DecoderConfig {
    fn default() -> Self {
        Self { depth: 6, heads: 8, dim_head: 64, ff_mult: 4 }
    }
}

impl DecoderConfig {
    pub(crate) fn validate(&self) -> Result<()> {
        for (key, value) in [("heads", self.heads), ("dim_head", self.dim_head), ("ff_mult", self.ff_mult)] {
            if value == 0 {
                return Err(Error::config(format!("decoder.{key}"), "must be at least 1"));
            }
        }
        if !self.dim_head.is_multiple_of(2) {
            return Err(Error::config("decoder.dim_head", "must be even for rotary positions"));
        }
        Ok(())
    }
}

/// A causal decoder in the manner of CoCa (Yu et al., "CoCa: Contrastive captioners are image-text foundation
/// models", TMLR 2022), with ESI's parameter names.
#[derive(Clone, Debug)]
pub struct Decoder {
    layers: Vec<Layer>,
    norm: GammaNorm,
    vocabulary: Tensor,
}

impl Decoder {
    /// A decoder of `width` over a vocabulary of `vocab_size`; its parameters lie below `multimodal_layers` and `to_logits`.
    ///
    /// # Errors
    /// [`Error::Config`] if the numbers make no model.
    pub fn new(config: &DecoderConfig, width: usize, vocab_size: usize, scope: &Scope) -> Result<Self> {
        config.validate()?;
        let layers = (0..config.depth).map(|index| {
            let scope = scope.enter("multimodal_layers").enter(index);
            let causal = ParallelBlock::new(config, width, &scope.enter(0).enter("fn"))?;
            let cross = CrossBlock::new(config, width, &scope.enter(1).enter("fn"))?;
            Ok(Layer { causal, cross })
        });
        let head = scope.enter("to_logits");
        Ok(Self {
            layers: layers.collect::<Result<_>>()?,
            norm: GammaNorm::new(&head.enter(0), width)?,
            vocabulary: projection(&head.enter(1), width, vocab_size)?.weight,
        })
    }

    /// How many layers there are.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// The normalised last states of `text` `[tokens, width]`, whose texts lie at `spans`, in view of `signal` tokens
    /// `[batch, signal tokens, width]`. A state depends on its text up to and including its own token only.
    ///
    /// # Errors
    /// Fails when a width or the number of texts is wrong.
    pub fn forward(&self, text: &Tensor, spans: &Spans, signal: &Tensor, pass: &Pass) -> Result<Tensor> {
        let mut x = text.clone();
        for layer in self.layers.clone() {
            let spans = spans.clone();
            x = checkpoint(&[&x, signal], pass, move |inputs, _| {
                layer.attend_signal(&layer.attend_text(&inputs[0], &spans)?, &spans, &inputs[1])
            })?;
        }
        self.norm.forward(&x)
    }

    /// The causal block of layer `index`.
    ///
    /// # Errors
    /// Fails when `x` is of another width.
    pub fn attend_text(&self, index: usize, x: &Tensor, spans: &Spans) -> Result<Tensor> {
        self.layers[index].attend_text(x, spans)
    }

    /// The cross-attending block of layer `index`.
    ///
    /// # Errors
    /// Fails when a width is wrong.
    pub fn attend_signal(&self, index: usize, x: &Tensor, spans: &Spans, signal: &Tensor) -> Result<Tensor> {
        self.layers[index].attend_signal(x, spans, signal)
    }

    /// The vocabulary projection, `[vocabulary, width]`.
    pub fn vocabulary(&self) -> &Tensor {
        &self.vocabulary
    }

    /// Vocabulary logits of normalised states `[.., width]`.
    ///
    /// # Errors
    /// Fails when `states` are of another width.
    pub fn logits(&self, states: &Tensor) -> Result<Tensor> {
        Ok(linear(states, &self.vocabulary, None)?)
    }
}

#[derive(Clone, Debug)]
struct Layer {
    causal: ParallelBlock,
    cross: CrossBlock,
}

/// Causal multi-query attention with rotary positions and a SwiGLU feed-forward, side by side on one norm.
#[derive(Clone, Debug)]
struct ParallelBlock {
    heads: usize,
    norm: GammaNorm,
    fused: Linear,
    attention_out: Linear,
    feed_forward_out: Linear,
}

impl Layer {
    fn attend_text(&self, x: &Tensor, spans: &Spans) -> Result<Tensor> {
        Ok(add(&[&self.causal.forward(x, spans)?, x])?)
    }

    fn attend_signal(&self, x: &Tensor, spans: &Spans, signal: &Tensor) -> Result<Tensor> {
        Ok(add(&[&self.cross.forward(x, spans, signal)?, x])?)
    }
}

impl ParallelBlock {
    fn new(config: &DecoderConfig, width: usize, scope: &Scope) -> Result<Self> {
        let inner = config.ff_mult * width;
        let queries = config.heads * config.dim_head;
        let fused = queries + 2 * config.dim_head + 2 * inner;
        Ok(Self {
            heads: config.heads,
            norm: GammaNorm::new(&scope.enter("norm"), width)?,
            fused: projection(&scope.enter("fused_attn_ff_proj"), width, fused)?,
            attention_out: projection(&scope.enter("attn_out"), queries, width)?,
            feed_forward_out: projection(&scope.enter("ff_out").enter(1), inner, width)?,
        })
    }

    fn forward(&self, x: &Tensor, spans: &Spans) -> Result<Tensor> {
        let weights = ParallelBlockWeights {
            fused: &self.fused.weight,
            attention_out: &self.attention_out.weight,
            feed_forward_out: &self.feed_forward_out.weight,
        };
        Ok(parallel_block(&self.norm.forward(x)?, weights, spans, &multi_query(self.heads, true))?)
    }
}

/// Multi-query attention to a context and a SwiGLU feed-forward, side by side on one norm.
#[derive(Clone, Debug)]
struct CrossBlock {
    norm: GammaNorm,
    attention: CrossAttention,
    expand: Linear,
    contract: Linear,
}

impl CrossBlock {
    fn new(config: &DecoderConfig, width: usize, scope: &Scope) -> Result<Self> {
        let inner = config.ff_mult * width;
        Ok(Self {
            norm: GammaNorm::new(&scope.enter("norm"), width)?,
            attention: CrossAttention::new(config, width, width, scope)?,
            expand: projection(&scope.enter("ff").enter(0), width, 2 * inner)?,
            contract: projection(&scope.enter("ff").enter(2), inner, width)?,
        })
    }

    fn forward(&self, x: &Tensor, spans: &Spans, context: &Tensor) -> Result<Tensor> {
        let x = self.norm.forward(x)?;
        let (batch, tokens, _) = context.dims3()?;
        let context = context.flatten(0, 1)?;
        let attended = self.attention.forward(&x, spans, &context, &Spans::even(batch, tokens)?)?;
        let fed = feed_forward(&x, self.expand.layer(), self.contract.layer(), Activation::SwiGlu)?;
        Ok(add(&[&attended, &fed])?)
    }
}

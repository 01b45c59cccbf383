//! The captioning decoder: causal text layers that look at signal tokens, and the pool that makes such tokens.

use candle_core::Tensor;
use einthoven_nn::{Attention, Init, Linear, Scope, attention, layer_norm, linear, rotary, swiglu};
use serde::{Deserialize, Serialize};

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

/// Layer norm over the last axis without a bias; parameter `gamma`.
#[derive(Clone, Debug)]
pub(crate) struct GammaNorm {
    gamma: Tensor,
}

impl GammaNorm {
    pub(crate) fn new(scope: &Scope, width: usize) -> Result<Self> {
        Ok(Self { gamma: scope.parameter("gamma", width, Init::Ones)? })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(layer_norm(x, &self.gamma, None, 1e-5)?)
    }
}

/// A bias-free linear layer that starts as PyTorch's does.
pub(crate) fn projection(scope: &Scope, inputs: usize, outputs: usize) -> Result<Linear> {
    let init = Init::Uniform { bound: 1.0 / (inputs as f64).sqrt() };
    Ok(Linear::new(scope, inputs, outputs, false, init)?)
}

/// The outputs `start..start + len` of a bias-free layer. Taking rows of the weight is far cheaper, backward too, than
/// cutting up the output.
fn rows_of(layer: &Linear, start: usize, len: usize, x: &Tensor) -> Result<Tensor> {
    Ok(linear(x, &layer.weight.narrow(0, start, len)?, None)?)
}

/// A causal decoder in the manner of CoCa (Yu et al., "CoCa: Contrastive captioners are image-text foundation
/// models", TMLR 2022), with ESI's parameter names.
#[derive(Clone, Debug)]
pub struct Decoder {
    layers: Vec<(ParallelBlock, CrossBlock)>,
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
            Ok((causal, cross))
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

    /// The normalised last states of `text` `[batch, len, width]` in view of `signal` tokens `[batch, tokens, width]`.
    /// Position `t` depends on the text up to and including `t` only.
    ///
    /// # Errors
    /// Fails when a width is wrong.
    pub fn forward(&self, text: &Tensor, signal: &Tensor) -> Result<Tensor> {
        let mut x = text.clone();
        for index in 0..self.layers.len() {
            x = self.attend_text(index, &x)?;
            x = self.attend_signal(index, &x, signal)?;
        }
        self.norm.forward(&x)
    }

    /// The causal block of layer `index`.
    ///
    /// # Errors
    /// Fails when `x` is of another width.
    pub fn attend_text(&self, index: usize, x: &Tensor) -> Result<Tensor> {
        Ok((self.layers[index].0.forward(x)? + x)?)
    }

    /// The cross-attending block of layer `index`.
    ///
    /// # Errors
    /// Fails when a width is wrong.
    pub fn attend_signal(&self, index: usize, x: &Tensor, signal: &Tensor) -> Result<Tensor> {
        Ok((self.layers[index].1.forward(x, signal)? + x)?)
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

/// Causal multi-query attention with rotary positions and a SwiGLU feed-forward, side by side on one norm.
#[derive(Clone, Debug)]
struct ParallelBlock {
    heads: Heads,
    inner: usize,
    norm: GammaNorm,
    fused: Linear,
    attention_out: Linear,
    feed_forward_out: Linear,
}

impl ParallelBlock {
    fn new(config: &DecoderConfig, width: usize, scope: &Scope) -> Result<Self> {
        let heads = Heads::new(config);
        let inner = config.ff_mult * width;
        let fused = heads.query_width() + 2 * heads.width + 2 * inner;
        Ok(Self {
            heads,
            inner,
            norm: GammaNorm::new(&scope.enter("norm"), width)?,
            fused: projection(&scope.enter("fused_attn_ff_proj"), width, fused)?,
            attention_out: projection(&scope.enter("attn_out"), heads.query_width(), width)?,
            feed_forward_out: projection(&scope.enter("ff_out").enter(1), inner, width)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.norm.forward(x)?;
        let (queries, width) = (self.heads.query_width(), self.heads.width);
        let part = |start, len| rows_of(&self.fused, start, len, &x);
        let q = rotary(&self.heads.split(&part(0, queries)?, self.heads.count)?)?;
        let k = rotary(&self.heads.split(&part(queries, width)?, 1)?)?;
        let v = self.heads.split(&part(queries + width, width)?, 1)?;
        let attended = self.attention_out.forward(&self.heads.attend(&q, &k, &v, true, None)?)?;
        let gated = swiglu(&part(queries + 2 * width, 2 * self.inner)?)?;
        Ok((attended + self.feed_forward_out.forward(&gated)?)?)
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

    fn forward(&self, x: &Tensor, context: &Tensor) -> Result<Tensor> {
        let x = self.norm.forward(x)?;
        let attended = self.attention.forward(&x, context, None)?;
        let fed = self.contract.forward(&swiglu(&self.expand.forward(&x)?)?)?;
        Ok((attended + fed)?)
    }
}

/// Multi-query attention of a sequence to another.
#[derive(Clone, Debug)]
struct CrossAttention {
    heads: Heads,
    queries: Linear,
    keys_values: Linear,
    out: Linear,
}

impl CrossAttention {
    fn new(config: &DecoderConfig, width: usize, context: usize, scope: &Scope) -> Result<Self> {
        let heads = Heads::new(config);
        Ok(Self {
            heads,
            queries: projection(&scope.enter("to_q"), width, heads.query_width())?,
            keys_values: projection(&scope.enter("to_kv"), context, 2 * heads.width)?,
            out: projection(&scope.enter("to_out"), heads.query_width(), width)?,
        })
    }

    fn forward(&self, x: &Tensor, context: &Tensor, context_lengths: Option<&[usize]>) -> Result<Tensor> {
        let heads = &self.heads;
        let q = heads.split(&self.queries.forward(x)?, heads.count)?;
        let part = |start| rows_of(&self.keys_values, start, heads.width, context);
        let k = heads.split(&part(0)?, 1)?;
        let v = heads.split(&part(heads.width)?, 1)?;
        let attended = heads.attend(&q, &k, &v, false, context_lengths)?;
        Ok(self.out.forward(&attended)?)
    }
}

/// Learned queries that each gather one token from a sequence of any length.
#[derive(Clone, Debug)]
pub(crate) struct AttentionPool {
    norm: GammaNorm,
    context_norm: GammaNorm,
    attention: CrossAttention,
}

impl AttentionPool {
    pub(crate) fn new(config: &DecoderConfig, width: usize, context: usize, scope: &Scope) -> Result<Self> {
        Ok(Self {
            norm: GammaNorm::new(&scope.enter("norm"), width)?,
            context_norm: GammaNorm::new(&scope.enter("context_norm"), context)?,
            attention: CrossAttention::new(config, width, context, scope)?,
        })
    }

    /// `queries` `[tokens, width]` over `context` `[batch, time, channels]` to `[batch, tokens, width]`.
    pub(crate) fn forward(&self, queries: &Tensor, context: &Tensor, lengths: Option<&[usize]>) -> Result<Tensor> {
        let queries = self.norm.forward(queries)?.unsqueeze(0)?;
        let queries = queries.repeat((context.dim(0)?, 1, 1))?;
        self.attention.forward(&queries, &self.context_norm.forward(context)?, lengths)
    }
}

/// How a width is divided into attention heads.
#[derive(Clone, Copy, Debug)]
struct Heads {
    count: usize,
    width: usize,
}

impl Heads {
    fn new(config: &DecoderConfig) -> Self {
        Self { count: config.heads, width: config.dim_head }
    }

    fn query_width(&self) -> usize {
        self.count * self.width
    }

    /// `[batch, len, count·width]` to `[batch, count, len, width]`.
    fn split(&self, x: &Tensor, count: usize) -> Result<Tensor> {
        let (batch, len, _) = x.dims3()?;
        Ok(x.reshape((batch, len, count, self.width))?.transpose(1, 2)?)
    }

    /// Attention of all query heads to one key and value head, joined to `[batch, len, count·width]`.
    fn attend(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        causal: bool,
        key_lengths: Option<&[usize]>,
    ) -> Result<Tensor> {
        let (batch, _, len, _) = q.dims4()?;
        let options = Attention {
            scale: 1.0 / (self.width as f64).sqrt(),
            causal,
            key_lengths: key_lengths.map(<[usize]>::to_vec),
            dropout: None,
        };
        let attended = attention(q, k, v, &options)?;
        Ok(attended.transpose(1, 2)?.reshape((batch, len, self.query_width()))?)
    }
}

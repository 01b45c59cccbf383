//! What the captioning decoder and the attention pool are built of.

use candle_core::Tensor;
use einthoven_nn::{Attention, Init, Linear, Scope, attention, layer_norm, linear};

use crate::{DecoderConfig, Result};

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
pub(crate) fn rows_of(layer: &Linear, start: usize, len: usize, x: &Tensor) -> Result<Tensor> {
    Ok(linear(x, &layer.weight.narrow(0, start, len)?, None)?)
}

/// Multi-query attention of a sequence to another.
#[derive(Clone, Debug)]
pub(crate) struct CrossAttention {
    heads: Heads,
    queries: Linear,
    keys_values: Linear,
    out: Linear,
}

impl CrossAttention {
    pub(crate) fn new(config: &DecoderConfig, width: usize, context: usize, scope: &Scope) -> Result<Self> {
        let heads = Heads::new(config);
        Ok(Self {
            heads,
            queries: projection(&scope.enter("to_q"), width, heads.query_width())?,
            keys_values: projection(&scope.enter("to_kv"), context, 2 * heads.width)?,
            out: projection(&scope.enter("to_out"), heads.query_width(), width)?,
        })
    }

    pub(crate) fn forward(&self, x: &Tensor, context: &Tensor, context_lengths: Option<&[usize]>) -> Result<Tensor> {
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
pub(crate) struct Heads {
    pub count: usize,
    pub width: usize,
}

impl Heads {
    pub(crate) fn new(config: &DecoderConfig) -> Self {
        Self { count: config.heads, width: config.dim_head }
    }

    pub(crate) fn query_width(&self) -> usize {
        self.count * self.width
    }

    /// `[batch, len, count·width]` to `[batch, count, len, width]`.
    pub(crate) fn split(&self, x: &Tensor, count: usize) -> Result<Tensor> {
        let (batch, len, _) = x.dims3()?;
        Ok(x.reshape((batch, len, count, self.width))?.transpose(1, 2)?)
    }

    /// Attention of all query heads to one key and value head, joined to `[batch, len, count·width]`.
    pub(crate) fn attend(
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

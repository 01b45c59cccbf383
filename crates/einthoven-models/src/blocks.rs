//! What the captioning decoder and the attention pool are built of.

use candle_core::Tensor;
use einthoven_nn::{Attention, Init, Linear, Scope, Spans, cross_attention, layer_norm};

use crate::attended::attention_weights;
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

/// Multi-query attention of a sequence to another.
#[derive(Clone, Debug)]
pub(crate) struct CrossAttention {
    heads: usize,
    queries: Linear,
    keys_values: Linear,
    out: Linear,
}

impl CrossAttention {
    pub(crate) fn new(config: &DecoderConfig, width: usize, context: usize, scope: &Scope) -> Result<Self> {
        let of_queries = config.heads * config.dim_head;
        Ok(Self {
            heads: config.heads,
            queries: projection(&scope.enter("to_q"), width, of_queries)?,
            keys_values: projection(&scope.enter("to_kv"), context, 2 * config.dim_head)?,
            out: projection(&scope.enter("to_out"), of_queries, width)?,
        })
    }

    /// `x` `[rows, width]` at `spans` looks at `context` `[context rows, channels]` at `context_spans`.
    pub(crate) fn forward(&self, x: &Tensor, spans: &Spans, context: &Tensor, context_spans: &Spans) -> Result<Tensor> {
        let (q, kv) = self.projected(x, context)?;
        let options = multi_query(self.heads, false);
        Ok(self.out.forward(&cross_attention(&q, &kv, spans, context_spans, &options)?)?)
    }

    /// Queries of `x`, and keys beside values of `context`.
    fn projected(&self, x: &Tensor, context: &Tensor) -> Result<(Tensor, Tensor)> {
        Ok((self.queries.forward(x)?, self.keys_values.forward(context)?))
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
        let (batch, time, _) = context.dims3()?;
        let (tokens, width) = queries.dims2()?;
        let queries = self.norm.forward(queries)?.repeat((batch, 1))?;
        let context = self.context_norm.forward(context)?.flatten(0, 1)?;
        let context_spans = match lengths {
            Some(lengths) => Spans::padded(lengths, time)?,
            None => Spans::even(batch, time)?,
        };
        let gathered = self.attention.forward(&queries, &Spans::even(batch, tokens)?, &context, &context_spans)?;
        Ok(gathered.reshape((batch, tokens, width))?)
    }

    /// How much of what one query `[1, width]` gathers comes from each time step of one sequence `[1, time, channels]`.
    pub(crate) fn weights(&self, query: &Tensor, context: &Tensor, lengths: Option<&[usize]>) -> Result<Vec<f64>> {
        let steps = context.dim(1)?;
        let length = lengths.and_then(|lengths| lengths.first().copied()).unwrap_or(steps);
        let context = self.context_norm.forward(&context.narrow(1, 0, length)?.contiguous()?)?.flatten(0, 1)?;
        let (q, kv) = self.attention.projected(&self.norm.forward(query)?, &context)?;
        // Keys come first, then values.
        let keys = kv.narrow(1, 0, kv.dim(1)? / 2)?;
        let mut weights = attention_weights(&q, &keys, self.attention.heads, 1)?;
        weights.resize(steps, 0.0);
        Ok(weights)
    }
}

/// Attention of `heads` to one key and value head.
pub(crate) fn multi_query(heads: usize, causal: bool) -> Attention {
    Attention { heads, key_heads: 1, causal, dropout: None }
}

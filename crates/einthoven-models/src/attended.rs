//! Where networks with attention look.

use candle_core::{DType, Tensor};
use einthoven_nn::{Spans, without_gradients};

use crate::{Error, Result};

/// The weights of scaled dot-product attention, softmax(q kᵀ/√d), as means over the heads: `q` `[queries, heads·d]` and
/// `k` `[keys, key heads·d]` give a row over the keys for each query.
pub(crate) fn attention_weights(q: &Tensor, k: &Tensor, heads: usize, key_heads: usize) -> Result<Vec<f64>> {
    let rows = |x: &Tensor| -> Result<Vec<Vec<f64>>> { Ok(x.to_dtype(DType::F64)?.to_vec2::<f64>()?) };
    let (queries, keys) = (rows(q)?, rows(k)?);
    let width = q.dim(1)? / heads;
    let mut weights = vec![0.0; queries.len() * keys.len()];
    for head in 0..heads {
        let key_head = head * key_heads / heads;
        for (query, means) in queries.iter().zip(weights.chunks_exact_mut(keys.len())) {
            let query = &query[head * width..][..width];
            let score = |key: &Vec<f64>| -> f64 {
                let key = &key[key_head * width..][..width];
                query.iter().zip(key).map(|(q, k)| q * k).sum::<f64>() / (width as f64).sqrt()
            };
            let scores: Vec<f64> = keys.iter().map(score).collect();
            let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let shares: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
            let sum: f64 = shares.iter().sum();
            for (mean, share) in means.iter_mut().zip(shares) {
                *mean += share / sum / heads as f64;
            }
        }
    }
    Ok(weights)
}

/// Recordings as the layers of a transformer take them.
pub(crate) struct Tokens {
    /// `[batch·steps, width]`.
    pub hidden: Tensor,
    /// Tokens of a recording.
    pub steps: usize,
    /// How many of them are not padding, for each recording; `None` if all are.
    pub lengths: Option<Vec<usize>>,
    /// Those.
    pub spans: Spans,
}

/// Attention rollout (Abnar and Zuidema, "Quantifying attention flow in transformers", ACL 2020): how much of the mean over the tokens of a
/// single recording, padding left out, comes from each of them as `tokens` has it, if each layer passes on half of a token as it is and half
/// by attention.
///
/// `weights` of a layer are the [`attention_weights`] of tokens among themselves, before `forward` takes them through it.
pub(crate) fn rollout<L>(
    layers: &[L],
    tokens: Tokens,
    weights: impl Fn(&L, &Tensor) -> Result<Vec<f64>>,
    forward: impl Fn(&L, &Tensor, &Spans) -> Result<Tensor>,
) -> Result<Vec<f64>> {
    let Tokens { mut hidden, steps, lengths, spans } = tokens;
    let length = lengths.and_then(|lengths| lengths.first().copied()).unwrap_or(steps);
    let mut attended = Vec::with_capacity(layers.len());
    for layer in layers {
        without_gradients(|| -> Result<()> {
            attended.push(weights(layer, &hidden.narrow(0, 0, length)?)?);
            hidden = forward(layer, &hidden, &spans)?;
            Ok(())
        })?;
    }
    let mut shares = vec![1.0 / length as f64; length];
    for weights in attended.iter().rev() {
        let mut before: Vec<f64> = shares.iter().map(|share| 0.5 * share).collect();
        for (row, share) in weights.chunks_exact(length).zip(&shares) {
            for (place, weight) in before.iter_mut().zip(row) {
                *place += 0.5 * share * weight;
            }
        }
        shares = before;
    }
    shares.resize(steps, 0.0);
    Ok(shares)
}

/// That `x` `[batch, leads, samples]` is a single recording.
pub(crate) fn single(x: &Tensor) -> Result<()> {
    match x.dims() {
        [1, _, _] => Ok(()),
        dims => Err(Error::input("signals", format!("shape {dims:?}, attention is that of a single recording"))),
    }
}

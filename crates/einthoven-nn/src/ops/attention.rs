use crate::{Dropout, Result};
use candle_core::{D, Tensor};
/// How [`attention`] weighs keys.
#[derive(Clone, Debug)]
pub struct Attention {
    /// Factor on query-key products, usually `1/√d`.
    pub scale: f64,
    /// Query `i` sees keys up to `i + (s - t)` only.
    pub causal: bool,
    /// The number of real keys of each example; later ones are padding. Must be at least one.
    pub key_lengths: Option<Vec<usize>>,
    /// Dropout of attention weights.
    pub dropout: Option<Dropout>,
}
/// Scaled dot-product attention: `q` `[batch, heads, t, d]`, `k`, `v` `[batch, key heads, s, d]`, result `[batch, heads, t, d]`.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, options: &Attention) -> Result<Tensor> {
    let (b, h, t, _) = q.dims4()?;
    let (_, hk, s, d) = k.dims4()?;
    let widen = |x: &Tensor| -> Result<Tensor> {
        Ok(x.reshape((b, hk, 1, s, d))?.broadcast_as((b, hk, h / hk, s, d))?.contiguous()?.reshape((b, h, s, d))?)
    };
    let (k, v) = (widen(k)?, widen(v)?);
    let scores = (q.contiguous()?.matmul(&k.transpose(2, 3)?.contiguous()?)? * options.scale)?;
    let mut mask = vec![0f64; b * t * s];
    for i in 0..b {
        for r in 0..t {
            for c in 0..s {
                let hidden = options.causal && c + t > r + s || options.key_lengths.as_ref().is_some_and(|n| c >= n[i]);
                if hidden {
                    mask[(i * t + r) * s + c] = f64::NEG_INFINITY;
                }
            }
        }
    }
    let mask = Tensor::from_vec(mask, (b, 1, t, s), q.device())?.to_dtype(q.dtype())?;
    let scores = scores.broadcast_add(&mask)?;
    let e = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?.detach())?.exp()?;
    let p = e.broadcast_div(&e.sum_keepdim(D::Minus1)?)?;
    let p = match &options.dropout {
        Some(draw) => super::dropout::apply(&p, draw)?,
        None => p,
    };
    Ok(p.matmul(&v)?)
}

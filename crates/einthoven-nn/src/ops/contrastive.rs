use crate::{Result, cross_entropy, linear};
use candle_core::{D, Tensor};
/// `x / max(‖x‖₂, eps)` over the last axis.
pub fn l2_normalize(x: &Tensor, eps: f64) -> Result<Tensor> {
    let norm = x.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?;
    let floor = Tensor::full(eps, norm.shape(), x.device())?.to_dtype(x.dtype())?;
    Ok(x.broadcast_div(&norm.maximum(&floor)?)?)
}
/// Symmetric InfoNCE of matching rows of `text` and `signal` `[n, d]`, similarities multiplied by the scalar `logit_scale`.
/// Rows with equal group are not each other's negatives.
pub fn info_nce(text: &Tensor, signal: &Tensor, logit_scale: &Tensor, groups: Option<&[u32]>) -> Result<Tensor> {
    let n = text.dim(0)?;
    let mut logits = linear(text, signal, None)?.broadcast_mul(&logit_scale.reshape((1, 1))?)?;
    if let Some(g) = groups {
        let mask: Vec<f64> =
            (0..n * n).map(|i| if i / n != i % n && g[i / n] == g[i % n] { f64::NEG_INFINITY } else { 0.0 }).collect();
        logits = (logits + Tensor::from_vec(mask, (n, n), text.device())?.to_dtype(text.dtype())?)?;
    }
    let targets: Vec<u32> = (0..n as u32).collect();
    Ok(((cross_entropy(&logits, &targets)? + cross_entropy(&logits.t()?.contiguous()?, &targets)?)? * 0.5)?)
}

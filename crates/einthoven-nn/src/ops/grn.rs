use crate::Result;
use candle_core::{D, Tensor};
/// Global response normalisation over time with residual: `gamma·(x·n) + beta + x`, `n = ‖x‖₂ over time / (its channel mean + eps)`.
pub fn grn(x: &Tensor, gamma: &Tensor, beta: &Tensor, eps: f64) -> Result<Tensor> {
    let g = x.sqr()?.sum_keepdim(1)?.sqrt()?;
    let n = g.broadcast_div(&(g.mean_keepdim(D::Minus1)? + eps)?)?;
    let h = gamma.elem_count();
    Ok((x.broadcast_mul(&n)?.broadcast_mul(&gamma.reshape(h)?)?.broadcast_add(&beta.reshape(h)?)? + x)?)
}

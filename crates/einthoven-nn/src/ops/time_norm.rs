use crate::Result;
use candle_core::Tensor;
/// `(x - mean)/(std + eps) · weight + bias` with mean and unbiased standard deviation over time: `x` `[batch, time, c]`.
pub fn time_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    let t = x.dim(1)?;
    let centred = x.broadcast_sub(&x.mean_keepdim(1)?)?;
    let std = (centred.sqr()?.sum_keepdim(1)? / (t as f64 - 1.0))?.sqrt()?;
    let c = weight.elem_count();
    Ok(centred.broadcast_div(&(std + eps)?)?.broadcast_mul(&weight.reshape(c)?)?.broadcast_add(&bias.reshape(c)?)?)
}

use crate::{Buffer, Result};
use candle_core::Tensor;
/// Running statistics of a batch normalisation.
#[derive(Clone, Debug)]
pub struct BatchNormState {
    /// Running mean `[c]`.
    pub mean: Buffer,
    /// Running unbiased variance `[c]`.
    pub var: Buffer,
}
/// Batch normalisation of `x` `[batch, time, c]` over batch and time.
pub fn batch_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    state: &BatchNormState,
    momentum: f64,
    eps: f64,
    training: bool,
) -> Result<Tensor> {
    let (b, t, c) = x.dims3()?;
    let x = x.contiguous()?.reshape((b * t, c))?;
    let (mean, var) = if training {
        let mean = x.mean(0)?;
        let var = x.broadcast_sub(&mean)?.sqr()?.mean(0)?;
        let n = (b * t) as f64;
        state.mean.set(&((state.mean.get() * (1.0 - momentum))? + (mean.detach() * momentum)?)?)?;
        state.var.set(&((state.var.get() * (1.0 - momentum))? + (var.detach() * (momentum * n / (n - 1.0)))?)?)?;
        (mean, var)
    } else {
        (state.mean.get(), state.var.get())
    };
    let y = x.broadcast_sub(&mean)?.broadcast_div(&(var + eps)?.sqrt()?)?;
    Ok(y.broadcast_mul(weight)?.broadcast_add(bias)?.reshape((b, t, c))?)
}

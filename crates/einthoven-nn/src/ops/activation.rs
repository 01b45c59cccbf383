use crate::Result;
use candle_core::{D, Tensor};
/// Gaussian error linear unit `x·Φ(x)`, exact (erf) form.
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    Ok(x.gelu_erf()?)
}
/// `x·σ(x)`.
pub fn silu(x: &Tensor) -> Result<Tensor> {
    Ok(x.silu()?)
}
/// `max(x, 0)`.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    Ok(x.relu()?)
}
/// `[.., 2h]` to `[.., h]`: `silu(second half) · first half`.
pub fn swiglu(x: &Tensor) -> Result<Tensor> {
    let h = x.dim(D::Minus1)? / 2;
    let gate = x.narrow(D::Minus1, h, h)?.contiguous()?.silu()?;
    Ok((gate * x.narrow(D::Minus1, 0, h)?.contiguous()?)?)
}

use crate::Result;
use candle_core::Tensor;
/// Depthwise convolution with odd kernel `k` and zero padding that keeps the length: `x` `[batch, time, c]`, `w` `[c, 1, k]`, `bias` `[c]`.
pub fn depthwise_conv1d(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (_, t, c) = x.dims3()?;
    let k = w.dim(2)?;
    let wt = w.reshape((c, k))?.t()?.contiguous()?;
    let padded = x.pad_with_zeros(1, k / 2, k / 2)?;
    let mut sum: Option<Tensor> = None;
    for j in 0..k {
        let term = padded.narrow(1, j, t)?.broadcast_mul(&wt.get(j)?)?;
        sum = Some(match sum {
            None => term,
            Some(s) => (s + term)?,
        });
    }
    let y = sum.unwrap_or(padded);
    Ok(match bias {
        Some(b) => y.broadcast_add(b)?,
        None => y,
    })
}

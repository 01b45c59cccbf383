use crate::{Result, linear};
use candle_core::Tensor;
/// Convolution whose stride is its kernel length `k`: `x` `[batch, time, in]`, `w` `[out, in, k]`, result `[batch, ⌊time/k⌋, out]`.
/// Trailing samples are dropped.
pub fn patch_conv1d(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (b, t, c) = x.dims3()?;
    let (o, _, k) = w.dims3()?;
    let n = t / k;
    let x = x.narrow(1, 0, n * k)?.contiguous()?.reshape((b, n, k * c))?;
    let w = w.permute((0, 2, 1))?.contiguous()?.reshape((o, k * c))?;
    linear(&x, &w, bias)
}
/// Convolution: `x` `[batch, time, in]`, `w` `[out, in, k]`, zero padding on both ends, result `[batch, time', out]`.
pub fn conv1d(x: &Tensor, w: &Tensor, bias: Option<&Tensor>, stride: usize, padding: usize) -> Result<Tensor> {
    let (b, t, c) = x.dims3()?;
    let (o, _, k) = w.dims3()?;
    let n = (t + 2 * padding - k) / stride + 1;
    let index: Vec<u32> = (0..n).flat_map(|i| (0..k).map(move |j| (i * stride + j) as u32)).collect();
    let index = Tensor::from_vec(index, n * k, x.device())?;
    let x = x.pad_with_zeros(1, padding, padding)?.contiguous()?.index_select(&index, 1)?.reshape((b, n, k * c))?;
    let w = w.permute((0, 2, 1))?.contiguous()?.reshape((o, k * c))?;
    linear(&x, &w, bias)
}

use crate::Result;
use candle_core::Tensor;
fn at(x: &Tensor, index: Vec<u32>) -> Result<Tensor> {
    let n = index.len();
    Ok(x.index_select(&Tensor::from_vec(index, n, x.device())?, 1)?)
}
/// Maximum over windows of time: `x` `[batch, time, c]`.
pub fn max_pool1d(x: &Tensor, kernel: usize, stride: usize, padding: usize) -> Result<Tensor> {
    let t = x.dim(1)?;
    let n = (t + 2 * padding - kernel) / stride + 1;
    let mut y: Option<Tensor> = None;
    for k in 0..kernel {
        let index = (0..n).map(|i| (i * stride + k).saturating_sub(padding).min(t - 1) as u32).collect();
        let v = at(&x.contiguous()?, index)?;
        y = Some(match y {
            None => v,
            Some(y) => y.maximum(&v)?,
        });
    }
    Ok(y.unwrap_or_else(|| x.clone()))
}
/// Mean over adjacent windows of `kernel` samples: `x` `[batch, time, c]`. With `ceil_mode` a shorter last window is kept.
pub fn avg_pool1d(x: &Tensor, kernel: usize, ceil_mode: bool) -> Result<Tensor> {
    let (b, t, c) = x.dims3()?;
    let whole = t / kernel;
    let head = x.narrow(1, 0, whole * kernel)?.contiguous()?.reshape((b, whole, kernel, c))?.mean(2)?;
    let rest = t - whole * kernel;
    if !ceil_mode || rest == 0 {
        return Ok(head);
    }
    let tail = x.narrow(1, whole * kernel, rest)?.mean_keepdim(1)?;
    Ok(Tensor::cat(&[head, tail], 1)?)
}
/// Mean over time, `[batch, time, c]` to `[batch, c]`; with `lengths` over the first `lengths[i]` steps of each example.
pub fn mean_over_time(x: &Tensor, lengths: Option<&[usize]>) -> Result<Tensor> {
    let Some(lengths) = lengths else { return Ok(x.mean(1)?) };
    let (b, t, _) = x.dims3()?;
    let mask: Vec<f64> =
        lengths.iter().flat_map(|n| (0..t).map(move |i| if i < *n { 1.0 / *n as f64 } else { 0.0 })).collect();
    let mask = Tensor::from_vec(mask, (b, t, 1), x.device())?.to_dtype(x.dtype())?;
    Ok(x.broadcast_mul(&mask)?.sum(1)?)
}
/// Maximum over time, `[batch, time, c]` to `[batch, c]`; with `lengths` over the first `lengths[i]` steps of each example.
pub fn max_over_time(x: &Tensor, lengths: Option<&[usize]>) -> Result<Tensor> {
    let Some(lengths) = lengths else { return Ok(x.max(1)?) };
    let rows = lengths
        .iter()
        .enumerate()
        .map(|(i, n)| Ok(x.narrow(0, i, 1)?.narrow(1, 0, *n)?.max(1)?))
        .collect::<Result<Vec<_>>>()?;
    Ok(Tensor::cat(&rows, 0)?)
}

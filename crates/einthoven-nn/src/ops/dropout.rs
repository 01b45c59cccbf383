use crate::{Dropout, Pass, Result};
use candle_core::Tensor;
use rand::{RngExt, SeedableRng};
/// Zeroes each element with probability `p` and scales the others by `1/(1-p)`; nothing when `pass` evaluates.
pub fn dropout(x: &Tensor, p: f64, pass: &Pass) -> Result<Tensor> {
    match pass.dropout(p) {
        Some(draw) => apply(x, &draw),
        None => Ok(x.clone()),
    }
}
pub(crate) fn apply(x: &Tensor, draw: &Dropout) -> Result<Tensor> {
    let mut stream = einthoven_random::Stream::from_seed(draw.seed);
    let keep: Vec<f64> = (0..x.elem_count())
        .map(|_| if stream.random::<f64>() < draw.rate { 0.0 } else { 1.0 / (1.0 - draw.rate) })
        .collect();
    Ok((x * Tensor::from_vec(keep, x.shape(), x.device())?.to_dtype(x.dtype())?)?)
}

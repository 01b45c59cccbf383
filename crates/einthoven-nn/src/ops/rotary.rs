use crate::Result;
use candle_core::{D, Tensor};
/// Rotary position embedding, half-split form with base 10000: `x` `[batch, heads, time, d]`, `d` even.
pub fn rotary(x: &Tensor) -> Result<Tensor> {
    let (_, _, t, d) = x.dims4()?;
    let half = d / 2;
    let angles: Vec<f64> = (0..t)
        .flat_map(|i| (0..d).map(move |j| i as f64 * 10000f64.powf(-2.0 * (j % half) as f64 / d as f64)))
        .collect();
    let angles = Tensor::from_vec(angles, (t, d), x.device())?;
    let (cos, sin) = (angles.cos()?.to_dtype(x.dtype())?, angles.sin()?.to_dtype(x.dtype())?);
    let turned = Tensor::cat(&[x.narrow(D::Minus1, half, half)?.neg()?, x.narrow(D::Minus1, 0, half)?], D::Minus1)?;
    Ok((x.broadcast_mul(&cos)? + turned.broadcast_mul(&sin)?)?)
}

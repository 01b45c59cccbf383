use crate::Result;
use candle_core::Tensor;
/// `y = x Wᵀ + b` over the last axis: `x` `[.., in]`, `w` `[out, in]`, `bias` `[out]`, result `[.., out]`.
pub fn linear(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (o, i) = w.dims2()?;
    let mut dims = x.dims().to_vec();
    let rows = x.elem_count() / i;
    if let Some(last) = dims.last_mut() {
        *last = o;
    }
    let y = x.contiguous()?.reshape((rows, i))?.matmul(&w.t()?)?;
    let y = match bias {
        Some(b) => y.broadcast_add(b)?,
        None => y,
    };
    Ok(y.reshape(dims)?)
}

use crate::Result;
use candle_core::Tensor;
/// Rows of the table `w` `[v, d]` chosen by `ids`, as `[shape.., d]`.
pub fn embedding(w: &Tensor, ids: &[u32], shape: &[usize]) -> Result<Tensor> {
    let index = Tensor::from_slice(ids, ids.len(), w.device())?;
    let mut dims = shape.to_vec();
    dims.push(w.dim(1)?);
    Ok(w.index_select(&index, 0)?.reshape(dims)?)
}

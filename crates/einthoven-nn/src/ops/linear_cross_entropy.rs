use crate::{Result, cross_entropy, linear};
use candle_core::Tensor;
/// `cross_entropy(x wᵀ, targets)` over the rows whose target is not `ignore`: `x` `[n, k]`, `w` `[v, k]`.
pub fn linear_cross_entropy(x: &Tensor, w: &Tensor, targets: &[u32], ignore: Option<u32>) -> Result<Tensor> {
    let kept: Vec<u32> = (0..targets.len() as u32).filter(|i| Some(targets[*i as usize]) != ignore).collect();
    let targets: Vec<u32> = kept.iter().map(|i| targets[*i as usize]).collect();
    let n = kept.len();
    let x = x.index_select(&Tensor::from_vec(kept, n, x.device())?, 0)?;
    cross_entropy(&linear(&x, w, None)?, &targets)
}

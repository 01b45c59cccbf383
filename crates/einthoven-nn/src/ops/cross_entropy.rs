use crate::Result;
use candle_core::Tensor;
/// Mean over rows of `-log softmax(logits)[target]`: `logits` `[n, c]`, `targets` `[n]`.
pub fn cross_entropy(logits: &Tensor, targets: &[u32]) -> Result<Tensor> {
    let shifted = logits.broadcast_sub(&logits.max_keepdim(1)?.detach())?;
    let index = Tensor::from_slice(targets, (targets.len(), 1), logits.device())?;
    let log_sum = shifted.exp()?.sum_keepdim(1)?.log()?;
    Ok((log_sum - shifted.contiguous()?.gather(&index, 1)?)?.mean_all()?)
}

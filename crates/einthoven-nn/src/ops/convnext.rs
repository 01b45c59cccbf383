use crate::{Result, depthwise_conv1d, gelu, grn, layer_norm, linear};
use candle_core::Tensor;
/// The parameters of one ConvNeXt V2 block of `c` channels and inner width `h` (`4c` as published).
#[derive(Clone, Debug)]
pub struct ConvNextBlockWeights {
    /// `[c, 1, k]`, `k` odd.
    pub depthwise_weight: Tensor,
    /// `[c]`.
    pub depthwise_bias: Tensor,
    /// `[c]`.
    pub norm_weight: Tensor,
    /// `[c]`.
    pub norm_bias: Tensor,
    /// `[h, c]`.
    pub expand_weight: Tensor,
    /// `[h]`.
    pub expand_bias: Tensor,
    /// `h` values of any shape.
    pub grn_gamma: Tensor,
    /// `h` values of any shape.
    pub grn_beta: Tensor,
    /// `[c, h]`.
    pub contract_weight: Tensor,
    /// `[c]`.
    pub contract_bias: Tensor,
}
/// One ConvNeXt V2 block in one dimension, `x` `[batch, time, c]`: depthwise convolution, layer norm over channels, linear, GELU, GRN, linear, residual.
pub fn convnext_block(x: &Tensor, w: &ConvNextBlockWeights) -> Result<Tensor> {
    let y = depthwise_conv1d(x, &w.depthwise_weight, Some(&w.depthwise_bias))?;
    let y = layer_norm(&y, &w.norm_weight, Some(&w.norm_bias), 1e-6)?;
    let y = gelu(&linear(&y, &w.expand_weight, Some(&w.expand_bias))?)?;
    let y = grn(&y, &w.grn_gamma, &w.grn_beta, 1e-6)?;
    Ok((x + linear(&y, &w.contract_weight, Some(&w.contract_bias))?)?)
}

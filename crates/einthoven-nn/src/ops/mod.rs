//! Differentiable operations, channels last. One file each.

mod activation;
mod add;
mod attention;
mod batch_norm;
mod binary_cross_entropy;
mod contrastive;
mod conv1d;
mod convnext;
mod cross_entropy;
mod depthwise;
mod dropout;
mod dropout_views;
mod embedding;
mod feed_forward;
mod grn;
mod inner_product;
mod layer_norm;
mod linear;
mod linear_cross_entropy;
mod negatives;
mod parallel_block;
mod patch_conv1d;
mod pooling;
mod rotary;
mod siglip;
mod spans;
mod time_norm;

pub use activation::{Activation, gelu, relu, silu, swiglu};
pub use add::add;
pub use attention::{Attention, cross_attention, self_attention};
pub use batch_norm::{BatchNormState, batch_norm};
pub use binary_cross_entropy::binary_cross_entropy;
pub use contrastive::{info_nce, l2_normalize};
pub use conv1d::{Conv1d, conv1d};
pub use convnext::{ConvNextBlockWeights, convnext_block};
pub use cross_entropy::cross_entropy;
pub use depthwise::depthwise_conv1d;
pub use dropout::dropout;
pub use dropout_views::dropout_views;
pub use embedding::embedding;
pub use feed_forward::{Layer, feed_forward};
pub use grn::grn;
pub use inner_product::inner_product;
pub use layer_norm::layer_norm;
pub use linear::{joint_linear, linear};
pub use linear_cross_entropy::linear_cross_entropy;
pub use negatives::Negatives;
pub use parallel_block::{ParallelBlockWeights, parallel_block};
pub use patch_conv1d::patch_conv1d;
pub use pooling::{avg_pool1d, max_over_time, max_pool1d, mean_over_spans, mean_over_time};
pub use rotary::rotary;
pub use siglip::siglip;
pub use spans::Spans;
pub use time_norm::time_norm;

use candle_core::{Device, Shape, Tensor};

use crate::cpu::view::{dense, view};
use crate::cpu::{Real, parallel};
use crate::{Error, Result};

/// Fails with what `message` says unless `condition` holds.
fn require(op: &'static str, condition: bool, message: impl FnOnce() -> String) -> Result<()> {
    if condition { Ok(()) } else { Err(Error::Operand { op, message: message() }) }
}

/// Fails if one of the operands has no elements or another element type than the first.
fn require_operands(op: &'static str, operands: &[&Tensor]) -> Result<()> {
    let dtype = operands[0].dtype();
    for operand in operands {
        require(op, operand.elem_count() > 0, || format!("an operand of shape {:?} is empty", operand.dims()))?;
        require(op, operand.dtype() == dtype, || format!("element types differ: {dtype:?} and {:?}", operand.dtype()))?;
    }
    Ok(())
}

/// `factor · x`, with gradient tracking off.
pub(crate) fn scaled<T: Real>(op: &'static str, x: &Tensor, factor: T) -> Result<Tensor> {
    const CHUNK: usize = 1 << 14;
    let x = dense(x)?;
    if factor == T::ONE {
        return Ok(x);
    }
    let values = view::<T>(op, &x)?;
    let scaled = parallel::fill(
        values.len(),
        CHUNK,
        #[inline(always)]
        |start, scaled: &mut [T]| {
            for (scaled, value) in scaled.iter_mut().zip(&values[start..]) {
                *scaled = factor * *value;
            }
        },
    );
    tensor(scaled, x.shape())
}

/// A tensor on the CPU with gradient tracking off.
fn tensor<T: Real>(values: Vec<T>, shape: impl Into<Shape>) -> Result<Tensor> {
    Ok(Tensor::from_vec(values, shape.into(), &Device::Cpu)?)
}

mod kernel;

use candle_core::Tensor;

use super::{add, depthwise, depthwise_conv1d, gelu, grn, layer_norm, linear, require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::Real;
use crate::cpu::view::{dense, view, with_element_type};
use kernel::{Operands, Size, backward, forward};

const OP: &str = "convnext_block";

/// Of layer norm and GRN, as published.
const EPS: f64 = 1e-6;

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

impl ConvNextBlockWeights {
    fn all(&self) -> [&Tensor; 10] {
        [
            &self.depthwise_weight,
            &self.depthwise_bias,
            &self.norm_weight,
            &self.norm_bias,
            &self.expand_weight,
            &self.expand_bias,
            &self.grn_gamma,
            &self.grn_beta,
            &self.contract_weight,
            &self.contract_bias,
        ]
    }
}

/// One ConvNeXt V2 block (Woo et al., CVPR 2023) in one dimension, `x` `[batch, time, c]` to the same shape:
/// depthwise convolution, layer norm over channels, linear to `h`, GELU, GRN over time, linear to `c`, residual.
///
/// Equal to the composition of [`depthwise_conv1d`](super::depthwise_conv1d), [`layer_norm`](super::layer_norm()),
/// [`linear`](super::linear()), [`gelu`](super::gelu) and [`grn`](super::grn()), but keeps only three activations for the
/// backward pass and computes the others again.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit or an operand is empty.
pub fn convnext_block(x: &Tensor, weights: &ConvNextBlockWeights) -> Result<Tensor> {
    let all = weights.all();
    require_operands(OP, &[&[x], all.as_slice()].concat())?;
    let (c, h) = (weights.norm_weight.elem_count(), weights.expand_bias.elem_count());
    let kernel = weights.depthwise_weight.dims().last().copied().unwrap_or(0);
    let fits = x.rank() == 3
        && x.dims()[2] == c
        && kernel % 2 == 1
        && weights.depthwise_weight.dims() == [c, 1, kernel]
        && weights.depthwise_bias.elem_count() == c
        && weights.norm_bias.elem_count() == c
        && weights.expand_weight.dims() == [h, c]
        && weights.grn_gamma.elem_count() == h
        && weights.grn_beta.elem_count() == h
        && weights.contract_weight.dims() == [c, h]
        && weights.contract_bias.elem_count() == c;
    require(OP, fits, || {
        let shapes: Vec<_> = all.iter().map(|weight| weight.dims()).collect();
        format!("x {:?} and weights {shapes:?} do not fit", x.dims())
    })?;
    if all.iter().any(|weight| weight.track_op() && !weight.is_variable()) {
        return composed(x, weights);
    }
    with_element_type!(OP, x.dtype(), T => run::<T>(x, weights))
}

fn run<T: Real>(x: &Tensor, weights: &ConvNextBlockWeights) -> Result<Tensor> {
    let mut inputs = vec![x];
    inputs.extend(weights.all());
    let held = inputs.iter().map(|input| dense(input)).collect::<Result<Vec<_>>>()?;
    let size = Size {
        depthwise: depthwise::Size::new(x, &weights.depthwise_weight)?,
        inner: weights.expand_bias.elem_count(),
    };
    let (y, saved) = {
        let views = held.iter().map(|t| view::<T>(OP, t)).collect::<Result<Vec<_>>>()?;
        forward(&Operands::new(&views), size)
    };
    record(OP, T::storage(y), x.shape(), &inputs, move |gradient, _| {
        let dy = view::<T>(OP, gradient)?;
        let views = held.iter().map(|t| view::<T>(OP, t)).collect::<Result<Vec<_>>>()?;
        let gradients = backward(&Operands::new(&views), &saved, &dy, size);
        let shaped = gradients.into_iter().zip(&held);
        shaped.map(|(values, like)| tensor(values, like.shape()).map(Some)).collect()
    })
}

/// The block as a composition of the operations it is made of.
fn composed(x: &Tensor, w: &ConvNextBlockWeights) -> Result<Tensor> {
    let y = depthwise_conv1d(x, &w.depthwise_weight, Some(&w.depthwise_bias))?;
    let y = layer_norm(&y, &w.norm_weight, Some(&w.norm_bias), EPS)?;
    let y = gelu(&linear(&y, &w.expand_weight, Some(&w.expand_bias))?)?;
    let y = grn(&y, &w.grn_gamma, &w.grn_beta, EPS)?;
    add(&[x, &linear(&y, &w.contract_weight, Some(&w.contract_bias))?])
}

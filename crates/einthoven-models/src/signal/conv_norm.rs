use candle_core::Tensor;
use einthoven_nn::{BatchNormState, Conv1d, Init, Pass, Scope, batch_norm, conv1d};

use crate::Result;

const MOMENTUM: f64 = 0.1;
const EPS: f64 = 1e-5;

/// A convolution without bias that keeps or divides the length, and a batch norm.
#[derive(Clone, Debug)]
pub(super) struct ConvNorm {
    weight: Tensor,
    stride: usize,
    norm_weight: Tensor,
    norm_bias: Tensor,
    statistics: BatchNormState,
}

impl ConvNorm {
    /// The convolution's parameters go below `scopes[0]`, the norm's below `scopes[1]`; the norm's gain starts at `gain`.
    pub(super) fn new(
        scopes: [&Scope; 2],
        inputs: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
        gain: f64,
    ) -> Result<Self> {
        let [convolution, norm] = scopes;
        let init = Init::Normal { std: (2.0 / (inputs * kernel) as f64).sqrt() };
        Ok(Self {
            weight: convolution.parameter("weight", (outputs, inputs, kernel), init)?,
            stride,
            norm_weight: norm.parameter("weight", outputs, Init::Constant(gain))?,
            norm_bias: norm.parameter("bias", outputs, Init::Zeros)?,
            statistics: BatchNormState {
                mean: norm.buffer("running_mean", outputs, 0.0)?,
                var: norm.buffer("running_var", outputs, 1.0)?,
            },
        })
    }

    /// `[batch, time, inputs]` to `[batch, ⌈time/stride⌉, outputs]`.
    pub(super) fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        let padding = self.weight.dim(2)? / 2;
        let x = conv1d(x, &self.weight, None, Conv1d { stride: self.stride, padding, ..Conv1d::default() })?;
        let (weight, bias) = (&self.norm_weight, &self.norm_bias);
        Ok(batch_norm(&x, weight, bias, &self.statistics, MOMENTUM, EPS, pass.is_training())?)
    }

    pub(super) fn outputs(&self) -> usize {
        self.norm_weight.elem_count()
    }
}

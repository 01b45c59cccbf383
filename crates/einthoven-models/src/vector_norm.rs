//! Batch norm of vectors.

use candle_core::Tensor;
use einthoven_nn::{BatchNormState, Init, Pass, Scope, batch_norm};

use crate::Result;

/// Batch norm of vectors `[batch, width]`, with PyTorch's names and defaults.
#[derive(Clone, Debug)]
pub(crate) struct VectorNorm {
    weight: Tensor,
    bias: Tensor,
    statistics: BatchNormState,
}

impl VectorNorm {
    pub(crate) fn new(scope: &Scope, width: usize) -> Result<Self> {
        Ok(Self {
            weight: scope.parameter("weight", width, Init::Ones)?,
            bias: scope.parameter("bias", width, Init::Zeros)?,
            statistics: BatchNormState {
                mean: scope.buffer("running_mean", width, 0.0)?,
                var: scope.buffer("running_var", width, 1.0)?,
            },
        })
    }

    /// `[batch, width]` to the same shape.
    pub(crate) fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        let x = x.unsqueeze(1)?;
        let y = batch_norm(&x, &self.weight, &self.bias, &self.statistics, 0.1, 1e-5, pass.is_training())?;
        Ok(y.squeeze(1)?)
    }
}

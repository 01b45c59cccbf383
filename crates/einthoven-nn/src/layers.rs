//! Thin structs that hold the parameters of one operation under their published names.

use candle_core::Tensor;

use crate::{ConvNextBlockWeights, Init, Layer, Result, Scope, convnext_block, embedding, layer_norm, linear};

/// `y = x Wᵀ + b`; parameters `weight` `[out, in]` and, if wanted, `bias` `[out]`.
#[derive(Clone, Debug)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Tensor,
    /// `[out]`.
    pub bias: Option<Tensor>,
}

impl Linear {
    /// A layer with `weight` drawn from `init` and a zero bias if `bias` is set.
    ///
    /// # Errors
    /// Fails when a name is taken.
    pub fn new(scope: &Scope, inputs: usize, outputs: usize, bias: bool, init: Init) -> Result<Self> {
        let weight = scope.parameter("weight", (outputs, inputs), init)?;
        let bias = if bias { Some(scope.parameter("bias", outputs, Init::Zeros)?) } else { None };
        Ok(Self { weight, bias })
    }

    /// `[.., in]` to `[.., out]`.
    ///
    /// # Errors
    /// Fails when the last axis of `x` is not `in` long.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        linear(x, &self.weight, self.bias.as_ref())
    }

    /// Its weights, for operations that take in more than one layer.
    pub fn layer(&self) -> Layer<'_> {
        Layer { weight: &self.weight, bias: self.bias.as_ref() }
    }
}

/// Normalisation over the last axis; parameters `weight` `[n]` (ones) and, if wanted, `bias` `[n]` (zeros).
#[derive(Clone, Debug)]
pub struct LayerNorm {
    /// `[n]`.
    pub weight: Tensor,
    /// `[n]`.
    pub bias: Option<Tensor>,
    /// Added to the variance.
    pub eps: f64,
}

impl LayerNorm {
    /// A layer over `width` values.
    ///
    /// # Errors
    /// Fails when a name is taken.
    pub fn new(scope: &Scope, width: usize, bias: bool, eps: f64) -> Result<Self> {
        let weight = scope.parameter("weight", width, Init::Ones)?;
        let bias = if bias { Some(scope.parameter("bias", width, Init::Zeros)?) } else { None };
        Ok(Self { weight, bias, eps })
    }

    /// `[.., n]` to the same shape.
    ///
    /// # Errors
    /// Fails when the last axis of `x` is not `n` long.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        layer_norm(x, &self.weight, self.bias.as_ref(), self.eps)
    }
}

/// A table of vectors; parameter `weight` `[count, width]`.
#[derive(Clone, Debug)]
pub struct Embedding {
    /// `[count, width]`.
    pub weight: Tensor,
}

impl Embedding {
    /// A table of `count` vectors drawn from `init`.
    ///
    /// # Errors
    /// Fails when the name is taken.
    pub fn new(scope: &Scope, count: usize, width: usize, init: Init) -> Result<Self> {
        Ok(Self { weight: scope.parameter("weight", (count, width), init)? })
    }

    /// The vectors of `ids`, as `[shape.., width]`.
    ///
    /// # Errors
    /// Fails when an id is not below `count` or `shape` does not hold as many elements as `ids`.
    pub fn forward(&self, ids: &[u32], shape: &[usize]) -> Result<Tensor> {
        embedding(&self.weight, ids, shape)
    }
}

/// One ConvNeXt V2 block under the published names `dwconv`, `norm`, `pwconv1`, `grn`, `pwconv2`.
#[derive(Clone, Debug)]
pub struct ConvNextBlock {
    /// The block's parameters.
    pub weights: ConvNextBlockWeights,
}

impl ConvNextBlock {
    /// A block of `channels` with kernels of 7, inner width `4·channels`, weights truncated normal with standard deviation 0.02.
    ///
    /// # Errors
    /// Fails when a name is taken.
    pub fn new(scope: &Scope, channels: usize) -> Result<Self> {
        let inner = 4 * channels;
        let init = Init::TruncatedNormal { std: 0.02 };
        let depthwise = scope.enter("dwconv");
        let norm = scope.enter("norm");
        let (expand, grn, contract) = (scope.enter("pwconv1"), scope.enter("grn"), scope.enter("pwconv2"));
        Ok(Self {
            weights: ConvNextBlockWeights {
                depthwise_weight: depthwise.parameter("weight", (channels, 1, 7), init)?,
                depthwise_bias: depthwise.parameter("bias", channels, Init::Zeros)?,
                norm_weight: norm.parameter("weight", channels, Init::Ones)?,
                norm_bias: norm.parameter("bias", channels, Init::Zeros)?,
                expand_weight: expand.parameter("weight", (inner, channels), init)?,
                expand_bias: expand.parameter("bias", inner, Init::Zeros)?,
                grn_gamma: grn.parameter("gamma", (1, 1, inner), Init::Zeros)?,
                grn_beta: grn.parameter("beta", (1, 1, inner), Init::Zeros)?,
                contract_weight: contract.parameter("weight", (channels, inner), init)?,
                contract_bias: contract.parameter("bias", channels, Init::Zeros)?,
            },
        })
    }

    /// `[batch, time, channels]` to the same shape.
    ///
    /// # Errors
    /// Fails when `x` has another number of channels.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        convnext_block(x, &self.weights)
    }
}

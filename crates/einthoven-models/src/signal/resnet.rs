use candle_core::Tensor;
use einthoven_nn::{Pass, Scope, add, checkpoint, mean_over_time, relu};
use serde::{Deserialize, Serialize};

use super::conv_norm::ConvNorm;
use super::{Features, SignalEncoder, channels_last, run_layer, valid_steps};
use crate::{Error, Kept, Result};

/// The shape of a [`ResNet`]; the default is ResNet-18.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResNetConfig {
    /// Blocks of three convolutions, the outer ones of kernel 1, and four times the width, instead of two convolutions.
    pub bottleneck: bool,
    /// Blocks of each stage; each stage after the first halves the length and doubles the width.
    pub layers: Vec<usize>,
    /// Inner channels of the first stage.
    pub width: usize,
}

impl Default for ResNetConfig {
    fn default() -> Self {
        Self { bottleneck: false, layers: vec![2; 4], width: 64 }
    }
}

/// A residual network in one dimension (He et al., "Deep residual learning for image recognition", CVPR 2016) as MERL (Liu et
/// al., "Zero-shot ECG classification with multimodal learning and test-time clinical knowledge enhancement", ICML 2024) has
/// it: no max pool behind the stem. Parameter names are MERL's.
///
/// The pooled vector is the mean over the time steps that are not padding.
#[derive(Clone, Debug)]
pub struct ResNet {
    leads: usize,
    stem: ConvNorm,
    stages: Vec<Vec<Block>>,
}

#[derive(Clone, Debug)]
struct Block {
    path: Vec<ConvNorm>,
    shortcut: Option<ConvNorm>,
}

impl ResNet {
    /// A network with new weights for recordings of `leads` leads.
    ///
    /// # Errors
    /// [`Error::Config`] if the numbers make no model.
    pub fn new(config: &ResNetConfig, leads: usize, scope: &Scope) -> Result<Self> {
        if leads == 0 || config.width == 0 {
            return Err(Error::config("signal.width", "leads and channels must be at least 1"));
        }
        if config.layers.is_empty() || config.layers.len() > 8 || config.layers.contains(&0) {
            return Err(Error::config("signal.layers", "1 to 8 stages, each of at least one block"));
        }
        let stem = ConvNorm::new([&scope.enter("conv1"), &scope.enter("bn1")], leads, config.width, 7, 2, 1.0)?;
        let (mut inputs, mut stages) = (config.width, Vec::with_capacity(config.layers.len()));
        for (stage, &depth) in config.layers.iter().enumerate() {
            let scope = scope.enter(format!("layer{}", stage + 1));
            let inner = config.width << stage;
            let mut blocks = Vec::with_capacity(depth);
            for index in 0..depth {
                let stride = if stage > 0 && index == 0 { 2 } else { 1 };
                let block = Block::new(&scope.enter(index), config.bottleneck, inputs, inner, stride)?;
                inputs = block.outputs();
                blocks.push(block);
            }
            stages.push(blocks);
        }
        Ok(Self { leads, stem, stages })
    }
}

impl SignalEncoder for ResNet {
    fn forward_locked(&self, x: &Tensor, valid: Option<&[usize]>, learning: usize, pass: &Pass) -> Result<Features> {
        let signals = channels_last(x, self.leads, 1, valid)?;
        let stem = self.stem.clone();
        let depth = self.stages.len();
        let mut sequence = run_layer(depth, learning, pass, |pass| {
            checkpoint(&[&signals], pass, move |inputs, pass| Ok(relu(&stem.forward(&inputs[0], pass)?)?))
        })?;
        for (above, blocks) in (0..depth).rev().zip(self.stages.clone()) {
            sequence = run_layer(above, learning, pass, |pass| {
                checkpoint(&[&sequence], pass, move |inputs, pass| {
                    blocks.iter().try_fold(inputs[0].clone(), |x, block| block.forward(&x, pass))
                })
            })?;
        }
        let lengths = valid_steps(valid, 1 << self.stages.len(), sequence.dim(1)?);
        let pooled = mean_over_time(&sequence, lengths.as_deref())?;
        Ok(Features { sequence, lengths, pooled })
    }

    fn kept(&self, samples: usize) -> Vec<Kept> {
        // Of each convolution its result, the normalised one and the rectified one.
        let mut steps = samples.div_ceil(2);
        let mut parts = vec![Kept { inside: 3 * self.stem.outputs() * steps, result: self.stem.outputs() * steps }];
        for (index, blocks) in self.stages.iter().enumerate() {
            if index > 0 {
                steps = steps.div_ceil(2);
            }
            let convolutions = blocks.iter().flat_map(|block| block.path.iter().chain(&block.shortcut));
            let inside = convolutions.map(|convolution| 3 * convolution.outputs() * steps).sum();
            parts.push(Kept { inside, result: blocks.last().map_or(0, Block::outputs) * steps });
        }
        parts
    }

    fn width(&self) -> usize {
        self.sequence_width()
    }

    fn sequence_width(&self) -> usize {
        self.stages.last().and_then(|blocks| blocks.last()).map_or(0, Block::outputs)
    }
}

impl Block {
    fn new(scope: &Scope, bottleneck: bool, inputs: usize, inner: usize, stride: usize) -> Result<Self> {
        let outputs = if bottleneck { 4 * inner } else { inner };
        // (inputs, outputs, kernel, stride) of each convolution.
        let plan = if bottleneck {
            vec![(inputs, inner, 1, 1), (inner, inner, 3, stride), (inner, outputs, 1, 1)]
        } else {
            vec![(inputs, inner, 3, stride), (inner, outputs, 3, 1)]
        };
        let path = plan.into_iter().zip(1..).map(|((inputs, outputs, kernel, stride), number)| {
            let scopes = [scope.enter(format!("conv{number}")), scope.enter(format!("bn{number}"))];
            ConvNorm::new([&scopes[0], &scopes[1]], inputs, outputs, kernel, stride, 1.0)
        });
        let path = path.collect::<Result<_>>()?;
        let shortcut = if stride == 1 && inputs == outputs {
            None
        } else {
            let scope = scope.enter("shortcut");
            Some(ConvNorm::new([&scope.enter(0), &scope.enter(1)], inputs, outputs, 1, stride, 1.0)?)
        };
        Ok(Self { path, shortcut })
    }

    fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        let mut path = x.clone();
        for (index, convolution) in self.path.iter().enumerate() {
            path = convolution.forward(&path, pass)?;
            if index + 1 < self.path.len() {
                path = relu(&path)?;
            }
        }
        let shortcut = match &self.shortcut {
            Some(convolution) => convolution.forward(x, pass)?,
            None => x.clone(),
        };
        Ok(relu(&add(&[&path, &shortcut])?)?)
    }

    fn outputs(&self) -> usize {
        self.path.last().map_or(0, ConvNorm::outputs)
    }
}

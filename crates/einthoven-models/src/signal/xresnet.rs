use candle_core::Tensor;
use einthoven_nn::{Pass, Scope, add, avg_pool1d, checkpoint, max_over_time, max_pool1d, mean_over_time, relu};
use serde::{Deserialize, Serialize};

use super::conv_norm::ConvNorm;
use super::{Features, SignalEncoder, channels_last, run_layer, valid_steps};
use crate::{Error, Kept, Result};

/// Samples per time step after the stem and the max pool.
const STEM_STRIDE: usize = 4;

/// The shape of an [`XResNet`]; the default is XResNet1d-101.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct XResNetConfig {
    /// Output channels of a block per inner channel: 4 for bottleneck blocks, 1 for plain ones.
    pub expansion: usize,
    /// Blocks of each stage.
    pub layers: Vec<usize>,
    /// Output channels of the stem's three convolutions.
    pub stem: [usize; 3],
    /// Factor on the 64 inner channels of every stage.
    pub widen: f64,
    /// Kernel of the blocks' convolutions, odd.
    pub kernel: usize,
    /// Kernel of the stem's convolutions, odd.
    pub stem_kernel: usize,
}

impl Default for XResNetConfig {
    fn default() -> Self {
        Self { expansion: 4, layers: vec![3, 4, 23, 3], stem: [32, 32, 64], widen: 1.0, kernel: 5, stem_kernel: 5 }
    }
}

/// XResNet in one dimension (He et al., "Bag of tricks for image classification with convolutional neural
/// networks", CVPR 2019), as ESI uses it: all stages have the same width. Parameter names are the published ones.
///
/// The pooled vector is the maximum and the mean over the time steps that are not padding, in this order.
#[derive(Clone, Debug)]
pub struct XResNet {
    leads: usize,
    channels: usize,
    stem: Vec<ConvNorm>,
    stages: Vec<Vec<Block>>,
}

/// A residual block: convolutions on one path, average pool and a 1×1 convolution where shapes differ on the other.
#[derive(Clone, Debug)]
struct Block {
    path: Vec<ConvNorm>,
    halve: bool,
    shortcut: Option<ConvNorm>,
}

impl XResNet {
    /// A network with new weights for recordings of `leads` leads.
    ///
    /// # Errors
    /// [`Error::Config`] if the numbers make no model.
    pub fn new(config: &XResNetConfig, leads: usize, scope: &Scope) -> Result<Self> {
        let inner = (64.0 * config.widen) as usize;
        validate(config, leads, inner)?;
        let mut inputs = leads;
        let mut stem = Vec::with_capacity(3);
        for (index, &outputs) in config.stem.iter().enumerate() {
            let stride = if index == 0 { 2 } else { 1 };
            let scope = scope.enter(index);
            stem.push(numbered(&scope, inputs, outputs, config.stem_kernel, stride, 1.0)?);
            inputs = outputs;
        }
        let channels = inner * config.expansion;
        let mut stages = Vec::with_capacity(config.layers.len());
        for (stage, &depth) in config.layers.iter().enumerate() {
            // The stem's three convolutions and the max pool come before in the published numbering.
            let scope = scope.enter(stage + 4);
            let mut blocks = Vec::with_capacity(depth);
            for index in 0..depth {
                let stride = if stage > 0 && index == 0 { 2 } else { 1 };
                blocks.push(Block::new(&scope.enter(index), config, inputs, inner, stride)?);
                inputs = channels;
            }
            stages.push(blocks);
        }
        Ok(Self { leads, channels, stem, stages })
    }

    /// The three stem convolutions and the max pool, `[batch, samples, leads]` to a quarter of the steps.
    ///
    /// # Errors
    /// Fails when `x` has other leads.
    pub fn stem(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        run_stem(&self.stem, x, pass)
    }

    /// The blocks of stage `index`, `[batch, time, channels]` in and out.
    ///
    /// # Errors
    /// Fails when `x` has other channels.
    pub fn stage(&self, index: usize, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        run_blocks(&self.stages[index], x, pass)
    }
}

fn run_stem(stem: &[ConvNorm], x: &Tensor, pass: &Pass) -> Result<Tensor> {
    let mut x = x.clone();
    for convolution in stem {
        x = relu(&convolution.forward(&x, pass)?)?;
    }
    Ok(max_pool1d(&x, 3, 2, 1)?)
}

fn run_blocks(blocks: &[Block], x: &Tensor, pass: &Pass) -> Result<Tensor> {
    let mut x = x.clone();
    for block in blocks {
        x = block.forward(&x, pass)?;
    }
    Ok(x)
}

impl SignalEncoder for XResNet {
    fn forward_locked(&self, x: &Tensor, valid: Option<&[usize]>, learning: usize, pass: &Pass) -> Result<Features> {
        let signals = channels_last(x, self.leads, 1, valid)?;
        let stem = self.stem.clone();
        let depth = self.stages.len();
        let mut sequence = run_layer(depth, learning, pass, |pass| {
            checkpoint(&[&signals], pass, move |inputs, pass| run_stem(&stem, &inputs[0], pass))
        })?;
        for (above, blocks) in (0..depth).rev().zip(self.stages.clone()) {
            sequence = run_layer(above, learning, pass, |pass| {
                checkpoint(&[&sequence], pass, move |inputs, pass| run_blocks(&blocks, &inputs[0], pass))
            })?;
        }
        let stride = STEM_STRIDE << (self.stages.len() - 1);
        let lengths = valid_steps(valid, stride, sequence.dim(1)?);
        let maximum = max_over_time(&sequence, lengths.as_deref())?;
        let mean = mean_over_time(&sequence, lengths.as_deref())?;
        let pooled = Tensor::cat(&[maximum, mean], 1)?;
        Ok(Features { sequence, lengths, pooled })
    }

    fn kept(&self, samples: usize) -> Vec<Kept> {
        let outputs = ConvNorm::outputs;
        // Of each convolution its result, the normalised one and the rectified one.
        let mut steps = samples.div_ceil(2);
        let inside: usize = self.stem.iter().map(|convolution| 3 * outputs(convolution) * steps).sum();
        steps = steps.div_ceil(2);
        let mut parts = vec![Kept { inside, result: self.stem.last().map_or(0, outputs) * steps }];
        for (index, blocks) in self.stages.iter().enumerate() {
            if index > 0 {
                steps = steps.div_ceil(2);
            }
            let convolutions = blocks.iter().flat_map(|block| block.path.iter().chain(&block.shortcut));
            let inside = convolutions.map(|convolution| 3 * outputs(convolution) * steps).sum();
            parts.push(Kept { inside, result: self.channels * steps });
        }
        parts
    }

    fn width(&self) -> usize {
        2 * self.channels
    }

    fn sequence_width(&self) -> usize {
        self.channels
    }
}

/// A convolution and its norm under the numbers of the published names.
fn numbered(scope: &Scope, inputs: usize, outputs: usize, kernel: usize, stride: usize, gain: f64) -> Result<ConvNorm> {
    ConvNorm::new([&scope.enter(0), &scope.enter(1)], inputs, outputs, kernel, stride, gain)
}

impl Block {
    fn new(scope: &Scope, config: &XResNetConfig, inputs: usize, inner: usize, stride: usize) -> Result<Self> {
        let outputs = inner * config.expansion;
        let kernel = config.kernel;
        // (inputs, outputs, kernel, stride) of each convolution.
        let plan = if config.expansion == 1 {
            vec![(inputs, inner, kernel, stride), (inner, outputs, kernel, 1)]
        } else {
            vec![(inputs, inner, 1, 1), (inner, inner, kernel, stride), (inner, outputs, 1, 1)]
        };
        let last = plan.len() - 1;
        let path = plan.into_iter().enumerate().map(|(index, (inputs, outputs, kernel, stride))| {
            // A block starts as the identity: the gain of its last norm is zero.
            let gain = if index == last { 0.0 } else { 1.0 };
            let scope = scope.enter("convs").enter(index);
            numbered(&scope, inputs, outputs, kernel, stride, gain)
        });
        let path = path.collect::<Result<_>>()?;
        let halve = stride == 2;
        let shortcut = if inputs == outputs {
            None
        } else {
            let scope = scope.enter("idpath").enter(usize::from(halve));
            Some(numbered(&scope, inputs, outputs, 1, 1, 1.0)?)
        };
        Ok(Self { path, halve, shortcut })
    }

    fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        let mut path = x.clone();
        for (index, convolution) in self.path.iter().enumerate() {
            path = convolution.forward(&path, pass)?;
            if index + 1 < self.path.len() {
                path = relu(&path)?;
            }
        }
        let mut shortcut = if self.halve { avg_pool1d(x, 2, true)? } else { x.clone() };
        if let Some(convolution) = &self.shortcut {
            shortcut = convolution.forward(&shortcut, pass)?;
        }
        Ok(relu(&add(&[&path, &shortcut])?)?)
    }
}

fn validate(config: &XResNetConfig, leads: usize, inner: usize) -> Result<()> {
    let even = |kernel: usize| kernel.is_multiple_of(2);
    let problem = if leads == 0 || config.stem.contains(&0) {
        Some(("stem", "leads and channels must be at least 1"))
    } else if !matches!(config.expansion, 1 | 4) {
        Some(("expansion", "must be 1 or 4"))
    } else if config.layers.is_empty() || config.layers.contains(&0) {
        Some(("layers", "every stage needs at least one block"))
    } else if inner == 0 {
        Some(("widen", "leaves no channel"))
    } else if even(config.kernel) {
        Some(("kernel", "must be odd"))
    } else if even(config.stem_kernel) {
        Some(("stem_kernel", "must be odd"))
    } else {
        None
    };
    match problem {
        Some((key, message)) => Err(Error::config(format!("signal.{key}"), message)),
        None => Ok(()),
    }
}

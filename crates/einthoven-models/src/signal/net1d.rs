use candle_core::Tensor;
use einthoven_nn::{Conv1d, Init, Linear, Pass, Scope, add, checkpoint, conv1d, max_pool1d, mean_over_time, silu};
use serde::{Deserialize, Serialize};

use super::{Features, SignalEncoder, channels_last, run_layer, valid_steps};
use crate::{Error, Kept, Result};

/// The shape of a [`Net1d`]; the default is ECGFounder's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Net1dConfig {
    /// Output channels of the stem.
    pub stem: usize,
    /// Channels of each stage.
    pub widths: Vec<usize>,
    /// Blocks of each stage, of which the first halves the length.
    pub layers: Vec<usize>,
    /// Kernel of the stem and of the middle convolution of the blocks.
    pub kernel: usize,
    /// Channels of a group of the middle convolution.
    pub group_width: usize,
}

impl Default for Net1dConfig {
    fn default() -> Self {
        Self {
            stem: 64,
            widths: vec![64, 160, 160, 400, 400, 1024, 1024],
            layers: vec![2, 2, 2, 3, 3, 4, 4],
            kernel: 16,
            group_width: 16,
        }
    }
}

/// Net1D (Hong et al., "Practical lessons on 12-lead ECG classification", Frontiers in Physiology 2022), in the manner of
/// RegNet (Radosavovic et al., CVPR 2020), as ECGFounder (Li et al., NEJM AI 2025) has it: grouped bottleneck blocks with
/// squeeze and excitation, no batch norm. Parameter names are the published ones.
///
/// Convolutions pad so that length divides by the stride and nothing else, an odd zero after the recording. The pooled
/// vector is the mean over the time steps that are not padding.
#[derive(Clone, Debug)]
pub struct Net1d {
    leads: usize,
    stem: Convolution,
    stages: Vec<Vec<Block>>,
}

/// A convolution with bias and as much padding as keeps `⌈time/stride⌉` steps.
#[derive(Clone, Debug)]
struct Convolution {
    weight: Tensor,
    bias: Tensor,
    stride: usize,
    groups: usize,
}

#[derive(Clone, Debug)]
struct Block {
    /// Whether it stands right behind the stem, whose activation it does not repeat.
    is_first: bool,
    halve: bool,
    path: [Convolution; 3],
    squeeze: Linear,
    excite: Linear,
}

impl Net1d {
    /// A network with new weights for recordings of `leads` leads.
    ///
    /// # Errors
    /// [`Error::Config`] if the numbers make no model.
    pub fn new(config: &Net1dConfig, leads: usize, scope: &Scope) -> Result<Self> {
        config.validate(leads)?;
        let stem = Convolution::new(&scope.enter("first_conv"), [leads, config.stem, config.kernel], 2, 1)?;
        let (mut inputs, mut stages) = (config.stem, Vec::with_capacity(config.widths.len()));
        for (stage, (&width, &depth)) in config.widths.iter().zip(&config.layers).enumerate() {
            let scope = scope.enter("stage_list").enter(stage).enter("block_list");
            let mut blocks = Vec::with_capacity(depth);
            for index in 0..depth {
                blocks.push(Block::new(
                    config,
                    &scope.enter(index),
                    inputs,
                    width,
                    [stage == 0 && index == 0, index == 0],
                )?);
                inputs = width;
            }
            stages.push(blocks);
        }
        Ok(Self { leads, stem, stages })
    }
}

impl SignalEncoder for Net1d {
    fn forward_locked(&self, x: &Tensor, valid: Option<&[usize]>, learning: usize, pass: &Pass) -> Result<Features> {
        let signals = channels_last(x, self.leads, 1, valid)?;
        let stem = self.stem.clone();
        let depth = self.stages.len();
        let mut sequence = run_layer(depth, learning, pass, |pass| {
            checkpoint(&[&signals], pass, move |inputs, _| Ok(silu(&stem.forward(&inputs[0])?)?))
        })?;
        for (above, blocks) in (0..depth).rev().zip(self.stages.clone()) {
            sequence = run_layer(above, learning, pass, |pass| {
                checkpoint(&[&sequence], pass, move |inputs, _| {
                    blocks.iter().try_fold(inputs[0].clone(), |x, block| block.forward(&x))
                })
            })?;
        }
        let lengths = valid_steps(valid, 2 << self.stages.len(), sequence.dim(1)?);
        let pooled = mean_over_time(&sequence, lengths.as_deref())?;
        Ok(Features { sequence, lengths, pooled })
    }

    fn kept(&self, samples: usize) -> Vec<Kept> {
        let mut steps = samples.div_ceil(2);
        let stem = self.stem.outputs();
        let mut parts = vec![Kept { inside: 2 * stem * steps, result: stem * steps }];
        for blocks in &self.stages {
            steps = steps.div_ceil(2);
            let width = blocks.last().map_or(0, Block::outputs);
            // Of each convolution what is padded, its result and the activated one; the scaled result and the sum.
            parts.push(Kept { inside: blocks.len() * 11 * width * steps, result: width * steps });
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

impl Convolution {
    /// `sizes`: inputs, outputs, kernel.
    fn new(scope: &Scope, sizes: [usize; 3], stride: usize, groups: usize) -> Result<Self> {
        let [inputs, outputs, kernel] = sizes;
        let scope = scope.enter("conv");
        let init = Init::Uniform { bound: 1.0 / ((inputs / groups * kernel) as f64).sqrt() };
        Ok(Self {
            weight: scope.parameter("weight", (outputs, inputs / groups, kernel), init)?,
            bias: scope.parameter("bias", outputs, init)?,
            stride,
            groups,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (time, kernel) = (x.dim(1)?, self.weight.dim(2)?);
        let padding = ((time.div_ceil(self.stride) - 1) * self.stride + kernel).saturating_sub(time);
        let x = if padding == 0 { x.clone() } else { x.pad_with_zeros(1, padding / 2, padding - padding / 2)? };
        let options = Conv1d { stride: self.stride, groups: self.groups, ..Conv1d::default() };
        Ok(conv1d(&x, &self.weight, Some(&self.bias), options)?)
    }

    fn outputs(&self) -> usize {
        self.bias.elem_count()
    }
}

impl Block {
    /// `[is_first, halve]`: whether it is the first of all, and whether it halves the length.
    fn new(config: &Net1dConfig, scope: &Scope, inputs: usize, width: usize, kind: [bool; 2]) -> Result<Self> {
        let [is_first, halve] = kind;
        let stride = if halve { 2 } else { 1 };
        let linear = |name: &str, inputs: usize, outputs| {
            Linear::new(
                &scope.enter(name),
                inputs,
                outputs,
                true,
                Init::Uniform { bound: 1.0 / (inputs as f64).sqrt() },
            )
        };
        Ok(Self {
            is_first,
            halve,
            path: [
                Convolution::new(&scope.enter("conv1"), [inputs, width, 1], 1, 1)?,
                Convolution::new(
                    &scope.enter("conv2"),
                    [width, width, config.kernel],
                    stride,
                    width / config.group_width,
                )?,
                Convolution::new(&scope.enter("conv3"), [width, width, 1], 1, 1)?,
            ],
            squeeze: linear("se_fc1", width, width / 2)?,
            excite: linear("se_fc2", width / 2, width)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut path = x.clone();
        for (index, convolution) in self.path.iter().enumerate() {
            if index > 0 || !self.is_first {
                path = silu(&path)?;
            }
            path = convolution.forward(&path)?;
        }
        let squeezed = silu(&self.squeeze.forward(&mean_over_time(&path, None)?)?)?;
        let excited = self.excite.forward(&squeezed)?;
        let gates = (excited.neg()?.exp()? + 1.0)?.recip()?;
        let path = path.broadcast_mul(&gates.unsqueeze(1)?)?;

        let mut shortcut = x.clone();
        if self.halve {
            shortcut = max_pool1d(&shortcut.pad_with_zeros(1, 0, 1)?, 2, 2, 0)?;
        }
        let more = self.outputs().saturating_sub(shortcut.dim(2)?);
        if more > 0 {
            shortcut = shortcut.pad_with_zeros(2, more / 2, more - more / 2)?;
        }
        Ok(add(&[&path, &shortcut])?)
    }

    fn outputs(&self) -> usize {
        self.path[2].outputs()
    }
}

impl Net1dConfig {
    fn validate(&self, leads: usize) -> Result<()> {
        let rising = std::iter::once(&self.stem).chain(&self.widths).is_sorted();
        let problem = if leads == 0 || self.stem == 0 {
            Some(("stem", "leads and channels must be at least 1"))
        } else if self.widths.is_empty() || self.widths.len() > 16 || self.widths.len() != self.layers.len() {
            Some(("layers", "1 to 16 stages, with a width each"))
        } else if self.layers.contains(&0) {
            Some(("layers", "every stage needs at least one block"))
        } else if !rising {
            Some(("widths", "must not fall from the stem to the last stage: shortcuts can only be widened"))
        } else if self.kernel == 0 {
            Some(("kernel", "must be at least 1"))
        } else if self.group_width == 0 || self.widths.iter().any(|width| width % self.group_width != 0 || *width < 2) {
            Some(("group_width", "must divide every width"))
        } else {
            None
        };
        match problem {
            Some((key, message)) => Err(Error::config(format!("signal.{key}"), message)),
            None => Ok(()),
        }
    }
}

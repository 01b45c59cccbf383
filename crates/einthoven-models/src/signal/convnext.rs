use candle_core::Tensor;
use einthoven_nn::{
    ConvNextBlock, Init, LayerNorm, Linear, Pass, Scope, checkpoint, layer_norm, mean_over_time, patch_conv1d,
    time_norm,
};
use serde::{Deserialize, Serialize};

use super::{Features, SignalEncoder, channels_last, run_layer, valid_steps};
use crate::{Error, Kept, Result};

const EPS: f64 = 1e-6;
const STEM_STRIDE: usize = 4;

/// Depths and widths of a ConvNeXt's four stages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum ConvNextSize {
    /// Depths 2-2-6-2, widths 40-80-160-320.
    Atto,
    /// Depths 2-2-6-2, widths 48-96-192-384.
    Femto,
    /// Depths 2-2-6-2, widths 64-128-256-512.
    Pico,
    /// Depths 2-2-8-2, widths 80-160-320-640.
    Nano,
    /// Depths 3-3-9-3, widths 96-192-384-768.
    Tiny,
    /// Depths 3-3-27-3, widths 128-256-512-1024.
    #[default]
    Base,
    /// Depths 3-3-27-3, widths 192-384-768-1536.
    Large,
    /// Depths 3-3-27-3, widths 352-704-1408-2816.
    Huge,
    /// Depths and widths of one's own.
    Custom {
        /// Blocks of each stage.
        depths: [usize; 4],
        /// Channels of each stage.
        widths: [usize; 4],
    },
}

impl ConvNextSize {
    /// Blocks of each stage.
    pub fn depths(self) -> [usize; 4] {
        match self {
            Self::Atto | Self::Femto | Self::Pico => [2, 2, 6, 2],
            Self::Nano => [2, 2, 8, 2],
            Self::Tiny => [3, 3, 9, 3],
            Self::Base | Self::Large | Self::Huge => [3, 3, 27, 3],
            Self::Custom { depths, .. } => depths,
        }
    }

    /// Channels of each stage.
    pub fn widths(self) -> [usize; 4] {
        match self {
            Self::Atto => [40, 80, 160, 320],
            Self::Femto => [48, 96, 192, 384],
            Self::Pico => [64, 128, 256, 512],
            Self::Nano => [80, 160, 320, 640],
            Self::Tiny => [96, 192, 384, 768],
            Self::Base => [128, 256, 512, 1024],
            Self::Large => [192, 384, 768, 1536],
            Self::Huge => [352, 704, 1408, 2816],
            Self::Custom { widths, .. } => widths,
        }
    }
}

/// What the norms of the stem and between the stages normalise over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelNorm {
    /// Each channel over time, with the unbiased standard deviation: as published. It removes every channel's level
    /// and amplitude, the record's voltage among them.
    Time,
    /// Each time step over its channels: a layer norm, as in the two-dimensional ConvNeXt.
    Channels,
}

/// The shape of a [`ConvNext`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConvNextConfig {
    /// Depths and widths.
    pub size: ConvNextSize,
    /// What the norms between stages normalise over; if left out, `time` in a `paper` model and `channels` otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub norm: Option<ChannelNorm>,
}

/// ConvNeXt V2 (Woo et al., CVPR 2023) in one dimension, with the parameter names of ESI's signal encoder.
///
/// A stem of stride 4 and three downsamplings of stride 2 give one time step per 32 samples. The pooled vector is the
/// normalised mean over the time steps that are not padding.
#[derive(Clone, Debug)]
pub struct ConvNext {
    leads: usize,
    widths: [usize; 4],
    stages: Vec<Stage>,
    norm: LayerNorm,
    head: Option<Linear>,
}

#[derive(Clone, Debug)]
struct Stage {
    downsampling: Downsampling,
    blocks: Vec<ConvNextBlock>,
}

/// A patch convolution and the norm after it (stem) or before it (the others).
#[derive(Clone, Debug)]
struct Downsampling {
    over: ChannelNorm,
    norm_first: bool,
    norm_weight: Tensor,
    norm_bias: Tensor,
    weight: Tensor,
    bias: Tensor,
}

impl ConvNext {
    /// A network with new weights for recordings of `leads` leads, with a classifier head of `classes` if given.
    ///
    /// # Errors
    /// [`Error::Config`] if a width is zero.
    pub fn new(config: &ConvNextConfig, leads: usize, classes: Option<usize>, scope: &Scope) -> Result<Self> {
        let (depths, widths) = (config.size.depths(), config.size.widths());
        if leads == 0 || widths.contains(&0) {
            let message = format!("{leads} leads and widths {widths:?} must all be at least 1");
            return Err(Error::config("signal.size", message));
        }
        let over = config.norm.unwrap_or(ChannelNorm::Channels);
        let mut stages = Vec::with_capacity(4);
        for stage in 0..4 {
            let place = scope.enter("downsample_layers").enter(stage);
            let (inputs, outputs) = (if stage == 0 { leads } else { widths[stage - 1] }, widths[stage]);
            let downsampling = Downsampling::new(&place, over, stage == 0, inputs, outputs)?;
            let place = scope.enter("stages").enter(stage);
            let blocks = (0..depths[stage]).map(|block| Ok(ConvNextBlock::new(&place.enter(block), outputs)?));
            stages.push(Stage { downsampling, blocks: blocks.collect::<Result<_>>()? });
        }
        let width = widths[3];
        let norm = LayerNorm::new(&scope.enter("norm"), width, true, EPS)?;
        let init = Init::TruncatedNormal { std: 0.02 };
        let head = classes.map(|classes| Linear::new(&scope.enter("head"), width, classes, true, init)).transpose()?;
        Ok(Self { leads, widths, stages, norm, head })
    }

    /// The downsampling before stage `index` (0 is the stem): `[batch, time, channels]` to fewer steps and more channels.
    ///
    /// # Errors
    /// Fails when `x` has other channels or too few time steps.
    pub fn downsample(&self, index: usize, x: &Tensor) -> Result<Tensor> {
        self.stages[index].downsampling.forward(x)
    }

    /// The blocks of stage `index`, `[batch, time, channels]` to the same shape.
    ///
    /// # Errors
    /// Fails when `x` has other channels.
    pub fn stage(&self, index: usize, x: &Tensor) -> Result<Tensor> {
        self.stages[index].run_blocks(x)
    }

    /// Class logits of pooled vectors, `[batch, width]` to `[batch, classes]`; `None` if made without a head.
    ///
    /// # Errors
    /// Fails when `pooled` is of another width.
    pub fn classify(&self, pooled: &Tensor) -> Result<Option<Tensor>> {
        Ok(self.head.as_ref().map(|head| head.forward(pooled)).transpose()?)
    }
}

impl SignalEncoder for ConvNext {
    fn forward_locked(&self, x: &Tensor, valid: Option<&[usize]>, learning: usize, pass: &Pass) -> Result<Features> {
        // The norm over time takes a standard deviation, so at least two steps must reach the last one.
        let stride = STEM_STRIDE * 8;
        let mut sequence = channels_last(x, self.leads, stride, valid)?;
        for (above, stage) in (0..self.stages.len()).rev().zip(self.stages.clone()) {
            sequence = run_layer(above, learning, pass, |pass| {
                checkpoint(&[&sequence], pass, move |inputs, _| {
                    stage.run_blocks(&stage.downsampling.forward(&inputs[0])?)
                })
            })?;
        }
        let lengths = valid_steps(valid, stride, sequence.dim(1)?);
        let pooled = run_layer(0, learning, pass, |_| {
            Ok(self.norm.forward(&mean_over_time(&sequence, lengths.as_deref())?)?)
        })?;
        Ok(Features { sequence, lengths, pooled })
    }

    fn kept(&self, samples: usize) -> Vec<Kept> {
        let (mut steps, mut inputs) = (samples / STEM_STRIDE, self.widths[0]);
        let mut parts = Vec::with_capacity(4);
        for (index, stage) in self.stages.iter().enumerate() {
            let width = self.widths[index];
            // The norm's result, before the stem's steps are halved for the first time or after its convolution.
            let normed = inputs * steps;
            if index > 0 {
                steps /= 2;
            }
            // A block: its input, the convolved one, the expanded one.
            let inside = normed + stage.blocks.len() * 6 * width * steps;
            parts.push(Kept { inside, result: width * steps });
            inputs = width;
        }
        parts
    }

    fn width(&self) -> usize {
        self.widths[3]
    }

    fn sequence_width(&self) -> usize {
        self.widths[3]
    }
}

impl Stage {
    fn run_blocks(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = x.clone();
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        Ok(x)
    }
}

impl Downsampling {
    fn new(scope: &Scope, over: ChannelNorm, stem: bool, inputs: usize, outputs: usize) -> Result<Self> {
        let (conv, norm) = if stem { (0, 1) } else { (1, 0) };
        let (conv, norm) = (scope.enter(conv), scope.enter(norm));
        let (kernel, normed) = if stem { (STEM_STRIDE, outputs) } else { (2, inputs) };
        let init = Init::TruncatedNormal { std: 0.02 };
        // A layer norm takes the gain out of a projection without bias. With one, large and small voltages look
        // different to it from the start.
        let gain_survives = stem && over == ChannelNorm::Channels;
        let bias = if gain_survives { init } else { Init::Zeros };
        Ok(Self {
            over,
            norm_first: !stem,
            norm_weight: norm.parameter("weight", (1, normed, 1), Init::Ones)?,
            norm_bias: norm.parameter("bias", (1, normed, 1), Init::Zeros)?,
            weight: conv.parameter("weight", (outputs, inputs, kernel), init)?,
            bias: conv.parameter("bias", outputs, bias)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let conv = |x: &Tensor| patch_conv1d(x, &self.weight, Some(&self.bias));
        if self.norm_first { Ok(conv(&self.norm(x)?)?) } else { self.norm(&conv(x)?) }
    }

    fn norm(&self, x: &Tensor) -> Result<Tensor> {
        let weight = self.norm_weight.flatten_all()?;
        let bias = self.norm_bias.flatten_all()?;
        Ok(match self.over {
            ChannelNorm::Time => time_norm(x, &weight, &bias, EPS)?,
            ChannelNorm::Channels => layer_norm(x, &weight, Some(&bias), EPS)?,
        })
    }
}

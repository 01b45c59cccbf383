use candle_core::Tensor;
use einthoven_nn::{
    Activation, Attention, Conv1d, Init, LayerNorm, Linear, Pass, Scope, Spans, add, checkpoint, conv1d, feed_forward,
    gelu, joint_linear, layer_norm, mean_over_time, self_attention, without_gradients,
};
use serde::{Deserialize, Serialize};

use super::{Features, SignalEncoder, channels_last, run_layer};
use crate::attended::{Tokens, attention_weights, rollout, single};
use crate::{Error, Kept, Result};

const EPS: f64 = 1e-5;
/// Kernel and stride of every convolution of the feature extractor.
const WINDOW: usize = 2;

/// The shape of a [`Wav2Vec2`]; the default is ECG-FM's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wav2Vec2Config {
    /// Channels of the feature extractor.
    pub channels: usize,
    /// Convolutions of the feature extractor, each of which halves the length.
    pub convolutions: usize,
    /// Width of the transformer.
    pub width: usize,
    /// Transformer layers.
    pub depth: usize,
    /// Attention heads; they divide the width.
    pub heads: usize,
    /// Inner width of the feed-forward parts.
    pub mlp: usize,
    /// Kernel of the convolution that tells positions apart.
    pub position_kernel: usize,
    /// Its groups; they divide the width.
    pub position_groups: usize,
}

impl Default for Wav2Vec2Config {
    fn default() -> Self {
        Self {
            channels: 256,
            convolutions: 4,
            width: 768,
            depth: 12,
            heads: 12,
            mlp: 3072,
            position_kernel: 128,
            position_groups: 16,
        }
    }
}

/// The encoder of wav2vec 2.0 (Baevski et al., NeurIPS 2020) over all leads together, as ECG-FM (McKeen et al., arXiv
/// 2408.05178) and the W2V+CMSC+RLM pretraining before it (Oh et al., CHIL 2022) have it, without what only their
/// pretraining needs (mask vector, quantizer, projections). Parameter names are those of fairseq.
///
/// As published, the norm behind the first convolution, which goes over time, and the convolution of positions see padding; attention
/// does not. The pooled vector is the mean over the time steps that are not padding.
#[derive(Clone, Debug)]
pub struct Wav2Vec2 {
    config: Wav2Vec2Config,
    leads: usize,
    convolutions: Vec<Tensor>,
    first_gain: Tensor,
    first_bias: Tensor,
    features_norm: LayerNorm,
    /// Only where the extractor's channels are not the transformer's width.
    features_projection: Option<Linear>,
    positions: Positions,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

/// A grouped convolution whose weight is a length for each tap and a direction (Salimans & Kingma, NeurIPS 2016).
#[derive(Clone, Debug)]
struct Positions {
    /// `[1, 1, kernel]`.
    lengths: Tensor,
    /// `[width, width/groups, kernel]`.
    directions: Tensor,
    bias: Tensor,
    groups: usize,
}

#[derive(Clone, Debug)]
struct Layer {
    heads: usize,
    /// Queries, keys and values.
    projections: [Linear; 3],
    attended: Linear,
    attended_norm: LayerNorm,
    expand: Linear,
    contract: Linear,
    final_norm: LayerNorm,
}

impl Wav2Vec2 {
    /// A network with new weights for recordings of `leads` leads.
    ///
    /// # Errors
    /// [`Error::Config`] if the numbers make no model.
    pub fn new(config: &Wav2Vec2Config, leads: usize, scope: &Scope) -> Result<Self> {
        config.validate(leads)?;
        let Wav2Vec2Config { channels, width, .. } = *config;
        let extractor = scope.enter("feature_extractor").enter("conv_layers");
        let mut convolutions = Vec::with_capacity(config.convolutions);
        for index in 0..config.convolutions {
            let inputs = if index == 0 { leads } else { channels };
            let init = Init::Normal { std: (2.0 / (inputs * WINDOW) as f64).sqrt() };
            convolutions.push(extractor.enter(index).enter(0).parameter("weight", (channels, inputs, WINDOW), init)?);
        }
        let first_norm = extractor.enter(0).enter(2);
        let encoder = scope.enter("encoder");
        Ok(Self {
            convolutions,
            first_gain: first_norm.parameter("weight", channels, Init::Ones)?,
            first_bias: first_norm.parameter("bias", channels, Init::Zeros)?,
            features_norm: LayerNorm::new(&scope.enter("layer_norm"), channels, true, EPS)?,
            features_projection: (channels != width)
                .then(|| linear(&scope.enter("post_extract_proj"), channels, width))
                .transpose()?,
            positions: Positions::new(config, &scope.enter("conv_pos").enter("pos_conv").enter(0))?,
            norm: LayerNorm::new(&encoder.enter("layer_norm"), width, true, EPS)?,
            layers: (0..config.depth)
                .map(|index| Layer::new(config, &encoder.enter("layers").enter(index)))
                .collect::<Result<_>>()?,
            config: config.clone(),
            leads,
        })
    }

    /// Features of the convolutions, `[batch, samples, leads]` to `[batch, time, channels]`.
    fn extract(&self, signals: &Tensor) -> Result<Tensor> {
        let mut x = signals.clone();
        for (index, weight) in self.convolutions.iter().enumerate() {
            x = conv1d(&x, weight, None, Conv1d { stride: WINDOW, ..Conv1d::default() })?;
            if index == 0 {
                let ones = Tensor::ones(x.dim(1)?, x.dtype(), x.device())?;
                let normed = layer_norm(&x.transpose(1, 2)?.contiguous()?, &ones, None, EPS)?;
                let normed = normed.transpose(1, 2)?.contiguous()?;
                x = normed.broadcast_mul(&self.first_gain)?.broadcast_add(&self.first_bias)?;
            }
            x = gelu(&x)?;
        }
        Ok(x)
    }

    fn tokens(&self, x: &Tensor, valid: Option<&[usize]>, learning: usize, pass: &Pass) -> Result<Tokens> {
        let signals = channels_last(x, self.leads, WINDOW << (self.convolutions.len() - 1), valid)?;
        let extractor = self.clone();
        let placed = run_layer(self.layers.len(), learning, pass, |pass| {
            let features = checkpoint(&[&signals], pass, move |inputs, _| extractor.extract(&inputs[0]))?;
            let mut features = self.features_norm.forward(&features)?;
            if let Some(projection) = &self.features_projection {
                features = projection.forward(&features)?;
            }
            let placed = add(&[&features, &gelu(&self.positions.forward(&features)?)?])?;
            Ok(self.norm.forward(&placed)?)
        })?;
        let (batch, steps, width) = placed.dims3()?;
        // A window counts where it lies within the recording as a whole.
        let lengths: Option<Vec<usize>> =
            valid.map(|valid| valid.iter().map(|count| (count >> self.convolutions.len()).clamp(1, steps)).collect());
        let spans = match &lengths {
            Some(lengths) => Spans::padded(lengths, steps)?,
            None => Spans::even(batch, steps)?,
        };
        Ok(Tokens { hidden: placed.reshape((batch * steps, width))?, steps, lengths, spans })
    }
}

impl SignalEncoder for Wav2Vec2 {
    fn forward_locked(&self, x: &Tensor, valid: Option<&[usize]>, learning: usize, pass: &Pass) -> Result<Features> {
        let Tokens { mut hidden, steps, lengths, spans } = self.tokens(x, valid, learning, pass)?;
        for (above, layer) in (0..self.layers.len()).rev().zip(self.layers.clone()) {
            let spans = spans.clone();
            hidden = run_layer(above, learning, pass, |pass| {
                checkpoint(&[&hidden], pass, move |inputs, _| layer.forward(&inputs[0], &spans))
            })?;
        }
        let sequence = hidden.reshape((spans.count(), steps, self.config.width))?;
        let pooled = mean_over_time(&sequence, lengths.as_deref())?;
        Ok(Features { sequence, lengths, pooled })
    }

    /// By attention rollout.
    fn attention(&self, x: &Tensor, valid: Option<&[usize]>) -> Result<Option<Vec<f64>>> {
        single(x)?;
        let tokens = without_gradients(|| self.tokens(x, valid, usize::MAX, &Pass::evaluate()))?;
        rollout(&self.layers, tokens, Layer::weights, Layer::forward).map(Some)
    }

    fn kept(&self, samples: usize) -> Vec<Kept> {
        let Wav2Vec2Config { channels, width, depth, mlp, .. } = self.config;
        let steps = samples >> self.convolutions.len();
        // Of each convolution its result and the activated one, of the first the normed one and its copies, too.
        let inside: usize = (1..=self.convolutions.len()).map(|index| 2 * channels * (samples >> index)).sum();
        let first = Kept { inside: inside + 5 * channels * (samples / WINDOW), result: steps * (channels + 5 * width) };
        let layer = || Kept { inside: steps * (9 * width + mlp), result: steps * width };
        std::iter::once(first).chain((0..depth).map(|_| layer())).collect()
    }

    fn width(&self) -> usize {
        self.config.width
    }

    fn sequence_width(&self) -> usize {
        self.config.width
    }
}

impl Positions {
    fn new(config: &Wav2Vec2Config, scope: &Scope) -> Result<Self> {
        let (width, kernel, groups) = (config.width, config.position_kernel, config.position_groups);
        let std = (4.0 / (kernel * width) as f64).sqrt();
        let weight = scope.enter("parametrizations").enter("weight");
        // The length that a tap of so many draws has.
        let length = std * ((width * width / groups) as f64).sqrt();
        Ok(Self {
            lengths: weight.parameter("original0", (1, 1, kernel), Init::Constant(length))?,
            directions: weight.parameter("original1", (width, width / groups, kernel), Init::Normal { std })?,
            bias: scope.parameter("bias", width, Init::Zeros)?,
            groups,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let lengths = self.directions.sqr()?.sum_keepdim((0, 1))?.sqrt()?;
        let weight = self.directions.broadcast_mul(&self.lengths.div(&lengths)?)?;
        let padding = weight.dim(2)? / 2;
        let y = conv1d(x, &weight, Some(&self.bias), Conv1d { padding, groups: self.groups, ..Conv1d::default() })?;
        // An even kernel gives one step too many.
        Ok(y.narrow(1, 0, x.dim(1)?)?.contiguous()?)
    }
}

impl Layer {
    fn new(config: &Wav2Vec2Config, scope: &Scope) -> Result<Self> {
        let width = config.width;
        let attention = scope.enter("self_attn");
        let projection = |name: &str| linear(&attention.enter(name), width, width);
        Ok(Self {
            heads: config.heads,
            projections: [projection("q_proj")?, projection("k_proj")?, projection("v_proj")?],
            attended: projection("out_proj")?,
            attended_norm: LayerNorm::new(&scope.enter("self_attn_layer_norm"), width, true, EPS)?,
            expand: linear(&scope.enter("fc1"), width, config.mlp)?,
            contract: linear(&scope.enter("fc2"), config.mlp, width)?,
            final_norm: LayerNorm::new(&scope.enter("final_layer_norm"), width, true, EPS)?,
        })
    }

    fn forward(&self, hidden: &Tensor, spans: &Spans) -> Result<Tensor> {
        let [queries, keys, values] = &self.projections;
        let weights: Vec<(&Tensor, &Tensor)> =
            [queries, keys, values].iter().filter_map(|layer| Some((&layer.weight, layer.bias.as_ref()?))).collect();
        let options = Attention { heads: self.heads, key_heads: self.heads, causal: false, dropout: None };
        let attended = self_attention(&joint_linear(hidden, &weights)?, spans, &options)?;
        let hidden = self.attended_norm.forward(&add(&[&self.attended.forward(&attended)?, hidden])?)?;
        let fed = feed_forward(&hidden, self.expand.layer(), self.contract.layer(), Activation::Gelu)?;
        Ok(self.final_norm.forward(&add(&[&fed, &hidden])?)?)
    }

    /// How the tokens `[tokens, width]` attend to each other.
    fn weights(&self, hidden: &Tensor) -> Result<Vec<f64>> {
        let [queries, keys, _] = &self.projections;
        attention_weights(&queries.forward(hidden)?, &keys.forward(hidden)?, self.heads, self.heads)
    }
}

fn linear(scope: &Scope, inputs: usize, outputs: usize) -> Result<Linear> {
    Ok(Linear::new(scope, inputs, outputs, true, Init::Normal { std: 0.02 })?)
}

impl Wav2Vec2Config {
    fn validate(&self, leads: usize) -> Result<()> {
        for (key, value) in [
            ("leads", leads),
            ("channels", self.channels),
            ("convolutions", self.convolutions),
            ("width", self.width),
            ("depth", self.depth),
            ("heads", self.heads),
            ("mlp", self.mlp),
            ("position_kernel", self.position_kernel),
            ("position_groups", self.position_groups),
        ] {
            if value == 0 {
                return Err(Error::config(format!("signal.{key}"), "must be at least 1"));
            }
        }
        if self.convolutions > 16 {
            return Err(Error::config("signal.convolutions", "must be at most 16"));
        }
        for (key, value) in [("heads", self.heads), ("position_groups", self.position_groups)] {
            if !self.width.is_multiple_of(value) {
                return Err(Error::config(format!("signal.{key}"), format!("must divide the width, {}", self.width)));
            }
        }
        Ok(())
    }
}

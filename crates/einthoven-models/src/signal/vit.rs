use candle_core::Tensor;
use einthoven_nn::{
    Activation, Attention, Conv1d, Init, LayerNorm, Linear, Pass, Scope, Spans, add, checkpoint, conv1d, feed_forward,
    mean_over_time, self_attention, without_gradients,
};
use serde::{Deserialize, Serialize};

use super::{Features, SignalEncoder, channels_last, run_layer, valid_steps};
use crate::attended::{Tokens, attention_weights, rollout, single};
use crate::{Error, Kept, Result};

const EPS: f64 = 1e-5;
/// Width of a head.
const HEAD: usize = 64;

/// The shape of a [`Vit`]; the default is ViT-tiny over 5,000 samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VitConfig {
    /// Width of the tokens.
    pub width: usize,
    /// Transformer blocks.
    pub depth: usize,
    /// Attention heads, 64 wide each whatever the width of the tokens.
    pub heads: usize,
    /// Inner width of the feed-forward parts.
    pub mlp: usize,
    /// Samples of a token.
    pub patch: usize,
    /// Rows of the position table: the longest recording in tokens.
    pub positions: usize,
}

impl Default for VitConfig {
    fn default() -> Self {
        Self { width: 192, depth: 12, heads: 3, mlp: 768, patch: 50, positions: 100 }
    }
}

/// A vision transformer in one dimension (Dosovitskiy et al., "An image is worth 16×16 words", ICLR 2021) as MERL (Liu et
/// al., ICML 2024) has it. Parameter names are MERL's.
///
/// The pooled vector is the mean of the tokens that are not padding, normalised.
#[derive(Clone, Debug)]
pub struct Vit {
    config: VitConfig,
    leads: usize,
    patches: Tensor,
    /// `[1, positions, width]`.
    positions: Tensor,
    blocks: Vec<Block>,
    norm: LayerNorm,
}

#[derive(Clone, Debug)]
struct Block {
    heads: usize,
    attention_norm: LayerNorm,
    queries_keys_values: Linear,
    attended: Linear,
    feed_norm: LayerNorm,
    expand: Linear,
    contract: Linear,
}

impl Vit {
    /// A network with new weights for recordings of `leads` leads.
    ///
    /// # Errors
    /// [`Error::Config`] if the numbers make no model.
    pub fn new(config: &VitConfig, leads: usize, scope: &Scope) -> Result<Self> {
        for (key, value) in [
            ("leads", leads),
            ("width", config.width),
            ("depth", config.depth),
            ("heads", config.heads),
            ("mlp", config.mlp),
            ("patch", config.patch),
            ("positions", config.positions),
        ] {
            if value == 0 {
                return Err(Error::config(format!("signal.{key}"), "must be at least 1"));
            }
        }
        let init = Init::TruncatedNormal { std: 0.02 };
        let patches = scope.enter("to_patch_embedding");
        Ok(Self {
            patches: patches.parameter("weight", (config.width, leads, config.patch), init)?,
            positions: scope.parameter("pos_embedding", (1, config.positions, config.width), init)?,
            blocks: (0..config.depth)
                .map(|index| Block::new(config, &scope.enter(format!("block{index}"))))
                .collect::<Result<_>>()?,
            norm: LayerNorm::new(&scope.enter("norm"), config.width, true, EPS)?,
            config: config.clone(),
            leads,
        })
    }

    fn tokens(&self, x: &Tensor, valid: Option<&[usize]>, learning: usize, pass: &Pass) -> Result<Tokens> {
        let VitConfig { width, patch, positions, .. } = self.config;
        let signals = channels_last(x, self.leads, patch, valid)?;
        let tokens = run_layer(self.blocks.len(), learning, pass, |_| {
            let tokens = conv1d(&signals, &self.patches, None, Conv1d { stride: patch, ..Conv1d::default() })?;
            let steps = tokens.dim(1)?;
            if steps > positions {
                let message = format!("{} samples, the model takes {} at most", x.dim(2)?, positions * patch);
                return Err(Error::input("signals", message));
            }
            Ok(tokens.broadcast_add(&self.positions.narrow(1, 0, steps)?)?)
        })?;
        let (batch, steps, _) = tokens.dims3()?;
        let lengths = valid_steps(valid, patch, steps);
        let spans = match &lengths {
            Some(lengths) => Spans::padded(lengths, steps)?,
            None => Spans::even(batch, steps)?,
        };
        Ok(Tokens { hidden: tokens.reshape((batch * steps, width))?, steps, lengths, spans })
    }
}

impl SignalEncoder for Vit {
    fn forward_locked(&self, x: &Tensor, valid: Option<&[usize]>, learning: usize, pass: &Pass) -> Result<Features> {
        let Tokens { mut hidden, steps, lengths, spans } = self.tokens(x, valid, learning, pass)?;
        for (above, block) in (0..self.blocks.len()).rev().zip(self.blocks.clone()) {
            let spans = spans.clone();
            hidden = run_layer(above, learning, pass, |pass| {
                checkpoint(&[&hidden], pass, move |inputs, _| block.forward(&inputs[0], &spans))
            })?;
        }
        let sequence = hidden.reshape((spans.count(), steps, self.config.width))?;
        let pooled = run_layer(0, learning, pass, |_| {
            Ok(self.norm.forward(&mean_over_time(&sequence, lengths.as_deref())?)?)
        })?;
        Ok(Features { sequence, lengths, pooled })
    }

    /// By attention rollout.
    fn attention(&self, x: &Tensor, valid: Option<&[usize]>) -> Result<Option<Vec<f64>>> {
        single(x)?;
        let tokens = without_gradients(|| self.tokens(x, valid, usize::MAX, &Pass::evaluate()))?;
        rollout(&self.blocks, tokens, Block::weights, Block::forward).map(Some)
    }

    fn kept(&self, samples: usize) -> Vec<Kept> {
        let VitConfig { width, depth, heads, mlp, patch, .. } = self.config;
        let steps = samples / patch;
        // Two norms, queries, keys, values, what is attended and its projection, the wide activations, two sums.
        let inside = steps * (6 * width + 4 * heads * HEAD + mlp);
        let first = Kept { inside: 2 * steps * width, result: steps * width };
        let block = || Kept { inside, result: steps * width };
        std::iter::once(first).chain((0..depth).map(|_| block())).collect()
    }

    fn width(&self) -> usize {
        self.config.width
    }

    fn sequence_width(&self) -> usize {
        self.config.width
    }
}

impl Block {
    fn new(config: &VitConfig, scope: &Scope) -> Result<Self> {
        let (width, inner) = (config.width, config.heads * HEAD);
        let linear = |scope: &Scope, inputs: usize, outputs| {
            Linear::new(scope, inputs, outputs, true, Init::Uniform { bound: 1.0 / (inputs as f64).sqrt() })
        };
        let (attention, feed) = (scope.enter("attn"), scope.enter("ff"));
        let net = feed.enter("fn").enter("net");
        Ok(Self {
            heads: config.heads,
            attention_norm: LayerNorm::new(&attention.enter("norm"), width, true, EPS)?,
            queries_keys_values: linear(&attention.enter("fn").enter("to_qkv"), width, 3 * inner)?,
            attended: linear(&attention.enter("fn").enter("to_out").enter(0), inner, width)?,
            feed_norm: LayerNorm::new(&feed.enter("norm"), width, true, EPS)?,
            expand: linear(&net.enter(0), width, config.mlp)?,
            contract: linear(&net.enter(3), config.mlp, width)?,
        })
    }

    fn forward(&self, hidden: &Tensor, spans: &Spans) -> Result<Tensor> {
        let options = Attention { heads: self.heads, key_heads: self.heads, causal: false, dropout: None };
        let qkv = self.projected(hidden)?;
        let attended = self.attended.forward(&self_attention(&qkv, spans, &options)?)?;
        let hidden = add(&[&attended, hidden])?;
        let normed = self.feed_norm.forward(&hidden)?;
        let fed = feed_forward(&normed, self.expand.layer(), self.contract.layer(), Activation::Gelu)?;
        Ok(add(&[&fed, &hidden])?)
    }

    /// Queries, keys and values side by side.
    fn projected(&self, hidden: &Tensor) -> Result<Tensor> {
        Ok(self.queries_keys_values.forward(&self.attention_norm.forward(hidden)?)?)
    }

    /// How the tokens `[tokens, width]` attend to each other.
    fn weights(&self, hidden: &Tensor) -> Result<Vec<f64>> {
        let (qkv, inner) = (self.projected(hidden)?, self.heads * HEAD);
        attention_weights(&qkv.narrow(1, 0, inner)?, &qkv.narrow(1, inner, inner)?, self.heads, self.heads)
    }
}

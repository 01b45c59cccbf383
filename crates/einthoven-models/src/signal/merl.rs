use candle_core::Tensor;
use einthoven_nn::{Attention, Init, Linear, Pass, Scope, Spans, cross_attention, linear, relu, without_gradients};
use serde::{Deserialize, Serialize};

use super::{Features, ResNet, ResNetConfig, SignalEncoder, Vit, VitConfig, run_layer};
use crate::attended::{attention_weights, single};
use crate::vector_norm::VectorNorm;
use crate::{Error, Kept, Result};

/// Attention heads of the pool.
const HEADS: usize = 4;

/// The shape of a [`Merl`] encoder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MerlConfig {
    /// The network below the head.
    pub encoder: MerlEncoder,
    /// Width of the space that signals and texts share.
    #[serde(default = "shared")]
    pub projection: usize,
    /// Time steps that the attention pool tells apart, those of the network's output; a transformer has no such pool.
    #[serde(default = "steps")]
    pub steps: usize,
    /// Inner width of a transformer's projection head; a residual network has no such head.
    #[serde(default = "shared")]
    pub hidden: usize,
}

fn shared() -> usize {
    256
}

/// Of 5,000 samples.
fn steps() -> usize {
    313
}

/// The network of a [`Merl`] encoder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MerlEncoder {
    /// A residual network, with a 1×1 convolution and an attention pool on top.
    ResNet(ResNetConfig),
    /// A vision transformer, with a projection of two layers on top.
    Vit(VitConfig),
}

/// The signal side of MERL (Liu et al., "Zero-shot ECG classification with multimodal learning and test-time clinical knowledge
/// enhancement", ICML 2024): a network and the head that leads into the space shared with texts. Parameter names are MERL's.
///
/// The pooled vector is the embedding in that space, before it is brought to length one. The attention pool takes recordings of
/// one length only and, as published, no notice of padding.
#[derive(Clone, Debug)]
pub struct Merl {
    network: Network,
    head: Head,
    projection: usize,
}

#[derive(Clone, Debug)]
enum Network {
    ResNet(ResNet),
    Vit(Vit),
}

#[derive(Clone, Debug)]
enum Head {
    Pool(Box<Pool>),
    Projection(Box<Projection>),
}

/// A learned token that attends to all time steps.
#[derive(Clone, Debug)]
struct Pool {
    reduce: Linear,
    /// `[1, 1 + steps, width]`.
    positions: Tensor,
    /// `[1, 1, width]`.
    token: Tensor,
    /// Queries, keys and values, `[3·width, width]`.
    weight: Tensor,
    bias: Tensor,
    attended: Linear,
    out: Linear,
}

#[derive(Clone, Debug)]
struct Projection {
    expand: (Linear, VectorNorm),
    contract: (Linear, VectorNorm),
}

impl Merl {
    /// An encoder with new weights for recordings of `leads` leads.
    ///
    /// # Errors
    /// [`Error::Config`] if the numbers make no model.
    pub fn new(config: &MerlConfig, leads: usize, scope: &Scope) -> Result<Self> {
        let width = config.projection;
        if width == 0 || !width.is_multiple_of(HEADS) || config.steps == 0 || config.hidden == 0 {
            let message = format!("must be a multiple of {HEADS}, and steps and hidden at least 1");
            return Err(Error::config("signal.projection", message));
        }
        let below = scope.enter("ecg_encoder");
        let (network, head) = match &config.encoder {
            MerlEncoder::ResNet(shape) => {
                let network = ResNet::new(shape, leads, &below)?;
                let head = Pool::new(scope, network.width(), width, config.steps)?;
                (Network::ResNet(network), Head::Pool(Box::new(head)))
            }
            MerlEncoder::Vit(shape) => {
                let head = Projection::new(&scope.enter("proj_e"), shape.width, config.hidden, width)?;
                (Network::Vit(Vit::new(shape, leads, &below)?), Head::Projection(Box::new(head)))
            }
        };
        Ok(Self { network, head, projection: width })
    }

    fn network(&self) -> &dyn SignalEncoder {
        match &self.network {
            Network::ResNet(network) => network,
            Network::Vit(network) => network,
        }
    }
}

impl SignalEncoder for Merl {
    fn forward_locked(&self, x: &Tensor, valid: Option<&[usize]>, learning: usize, pass: &Pass) -> Result<Features> {
        // The head is the uppermost layer.
        let features = self.network().forward_locked(x, valid, learning.saturating_sub(1), pass)?;
        let pooled = run_layer(0, learning, pass, |pass| match &self.head {
            Head::Pool(pool) => pool.forward(&features.sequence),
            Head::Projection(projection) => projection.forward(&features.pooled, pass),
        })?;
        Ok(Features { pooled, ..features })
    }

    /// The attention pool's over a residual network; a transformer's own.
    fn attention(&self, x: &Tensor, valid: Option<&[usize]>) -> Result<Option<Vec<f64>>> {
        let Head::Pool(pool) = &self.head else { return self.network().attention(x, valid) };
        single(x)?;
        let forward = || pool.weights(&self.network().forward(x, valid, &Pass::evaluate())?.sequence);
        without_gradients(forward).map(Some)
    }

    fn kept(&self, samples: usize) -> Vec<Kept> {
        let mut parts = self.network().kept(samples);
        if let (Head::Pool(pool), Some(last)) = (&self.head, parts.last_mut()) {
            // What is reduced, placed, and its keys and values.
            last.result += 5 * pool.positions.elem_count();
        }
        parts
    }

    fn width(&self) -> usize {
        self.projection
    }

    fn sequence_width(&self) -> usize {
        self.network().sequence_width()
    }
}

impl Pool {
    fn new(scope: &Scope, inputs: usize, width: usize, steps: usize) -> Result<Self> {
        let (reduce, pool) = (scope.enter("downconv"), scope.enter("att_pool_head"));
        let attention = pool.enter("mhsa");
        let bound = |inputs: usize| Init::Uniform { bound: 1.0 / (inputs as f64).sqrt() };
        let place = Init::Normal { std: 1.0 / width as f64 };
        Ok(Self {
            reduce: Linear {
                weight: reduce.parameter("weight", (width, inputs, 1), bound(inputs))?,
                bias: Some(reduce.parameter("bias", width, Init::Zeros)?),
            },
            positions: pool.parameter("positional_embedding", (1, steps + 1, width), place)?,
            token: pool.parameter("cls_token", (1, 1, width), Init::Normal { std: 1.0 })?,
            weight: attention.parameter("in_proj_weight", (3 * width, width), bound(width))?,
            bias: attention.parameter("in_proj_bias", 3 * width, Init::Zeros)?,
            attended: Linear::new(&attention.enter("out_proj"), width, width, true, bound(width))?,
            out: Linear::new(&pool.enter("c_proj"), width, width, true, bound(width))?,
        })
    }

    /// `[batch, time, channels]` to `[batch, width]`.
    fn forward(&self, sequence: &Tensor) -> Result<Tensor> {
        let (batch, rows) = (sequence.dim(0)?, self.positions.dim(1)?);
        let (q, kv) = self.projected(sequence)?;
        let options = Attention { heads: HEADS, key_heads: HEADS, causal: false, dropout: None };
        let attended = cross_attention(&q, &kv, &Spans::even(batch, 1)?, &Spans::even(batch, rows)?, &options)?;
        Ok(self.out.forward(&self.attended.forward(&attended)?)?)
    }

    /// How much of what the token gathers from one sequence `[1, time, channels]` comes from each time step; what it takes of itself
    /// is left out.
    fn weights(&self, sequence: &Tensor) -> Result<Vec<f64>> {
        let (q, kv) = self.projected(sequence)?;
        let weights = attention_weights(&q, &kv.narrow(1, 0, q.dim(1)?)?, HEADS, HEADS)?;
        let sum: f64 = weights[1..].iter().sum();
        Ok(weights[1..].iter().map(|weight| weight / sum).collect())
    }

    /// The token's query, and keys beside values of the token and all time steps.
    fn projected(&self, sequence: &Tensor) -> Result<(Tensor, Tensor)> {
        let (batch, steps, _) = sequence.dims3()?;
        let (_, rows, width) = self.positions.dims3()?;
        if steps + 1 != rows {
            let message =
                format!("{steps} time steps after the network, the attention pool takes exactly {}", rows - 1);
            return Err(Error::input("signals", message));
        }
        let reduced = linear(sequence, &self.reduce.weight.squeeze(2)?, self.reduce.bias.as_ref())?;
        let first = self.positions.narrow(1, 0, 1)?;
        // The token has its place added twice, as published: once by itself, once with all others.
        let token = (&self.token + &first)?.expand((batch, 1, width))?;
        let tokens = Tensor::cat(&[&token, &reduced], 1)?.broadcast_add(&self.positions)?;
        let query = tokens.narrow(1, 0, 1)?.reshape((batch, width))?;
        let part = |start: usize, length: usize| -> Result<(Tensor, Tensor)> {
            Ok((self.weight.narrow(0, start, length)?, self.bias.narrow(0, start, length)?))
        };
        let (of_query, of_keys) = (part(0, width)?, part(width, 2 * width)?);
        let q = linear(&query, &of_query.0, Some(&of_query.1))?;
        let kv = linear(&tokens.reshape((batch * rows, width))?, &of_keys.0, Some(&of_keys.1))?;
        Ok((q, kv))
    }
}

impl Projection {
    fn new(scope: &Scope, inputs: usize, hidden: usize, width: usize) -> Result<Self> {
        let layer = |index: usize, inputs: usize, outputs: usize| -> Result<(Linear, VectorNorm)> {
            let init = Init::Uniform { bound: 1.0 / (inputs as f64).sqrt() };
            let layer = Linear::new(&scope.enter(index), inputs, outputs, true, init)?;
            Ok((layer, VectorNorm::new(&scope.enter(index + 1), outputs)?))
        };
        Ok(Self { expand: layer(0, inputs, hidden)?, contract: layer(3, hidden, width)? })
    }

    fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        let hidden = relu(&self.expand.1.forward(&self.expand.0.forward(x)?, pass)?)?;
        self.contract.1.forward(&self.contract.0.forward(&hidden)?, pass)
    }
}

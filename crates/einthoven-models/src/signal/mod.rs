//! Signal encoders: networks that turn a recording into a sequence of features and one pooled vector.

mod conv_norm;
mod convnext;
mod layers;
mod merl;
mod net1d;
mod resnet;
mod vit;
mod wav2vec2;
mod xresnet;

use candle_core::Tensor;
use einthoven_nn::{Pass, Scope, without_gradients};
use serde::{Deserialize, Serialize};

pub use convnext::{ChannelNorm, ConvNext, ConvNextConfig, ConvNextSize};
pub use merl::{Merl, MerlConfig, MerlEncoder};
pub use net1d::{Net1d, Net1dConfig};
pub use resnet::{ResNet, ResNetConfig};
pub use vit::{Vit, VitConfig};
pub use wav2vec2::{Wav2Vec2, Wav2Vec2Config};
pub use xresnet::{XResNet, XResNetConfig};

use crate::{Error, Kept, Result};

/// What a signal encoder makes of a batch of recordings.
#[derive(Clone, Debug)]
pub struct Features {
    /// Features over time, `[batch, time, channels]`.
    pub sequence: Tensor,
    /// How many time steps of each recording are not padding; `None` if all are.
    pub lengths: Option<Vec<usize>>,
    /// One vector per recording, `[batch, width]`.
    pub pooled: Tensor,
}

/// A network that encodes recordings.
pub trait SignalEncoder {
    /// Encodes `x`, `[batch, leads, samples]`, of which the first `valid` samples of each recording are not padding.
    ///
    /// # Errors
    /// [`Error::Input`] for a recording of other leads, too few samples or a `valid` that does not fit.
    fn forward(&self, x: &Tensor, valid: Option<&[usize]>, pass: &Pass) -> Result<Features> {
        self.forward_locked(x, valid, usize::MAX, pass)
    }

    /// As [`forward`](Self::forward), where only the uppermost `learning` layers learn, as [`SignalConfig::layers_above`] counts
    /// them. Those below are locked: they run as in evaluation, so that their batch statistics rest, and leave nothing for a
    /// backward pass to do, the gradient with respect to `x` included.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    fn forward_locked(&self, x: &Tensor, valid: Option<&[usize]>, learning: usize, pass: &Pass) -> Result<Features>;

    /// How much of what the pooled vector of a single recording `[1, leads, samples]` gathers comes from each time step, as far as attention
    /// says: numbers from 0 on whose sum is 1. `None` for a network without attention.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    fn attention(&self, _x: &Tensor, _valid: Option<&[usize]>) -> Result<Option<Vec<f64>>> {
        Ok(None)
    }

    /// How many values each part of the network keeps of a recording of so many `samples` until its backward pass, from
    /// input to output.
    fn kept(&self, samples: usize) -> Vec<Kept>;

    /// Width of the pooled vector.
    fn width(&self) -> usize;

    /// Channels of the feature sequence.
    fn sequence_width(&self) -> usize;
}

/// Which signal encoder, and its shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum SignalConfig {
    /// ConvNeXt V2 in one dimension.
    ConvNext(ConvNextConfig),
    /// XResNet in one dimension.
    XResNet(XResNetConfig),
    /// A residual network as MERL's, without its head.
    ResNet(ResNetConfig),
    /// A vision transformer as MERL's, without its head.
    Vit(VitConfig),
    /// MERL's encoder with its head.
    Merl(MerlConfig),
    /// The encoder of wav2vec 2.0, as ECG-FM's.
    Wav2Vec2(Wav2Vec2Config),
    /// Net1D, as ECGFounder's.
    Net1d(Net1dConfig),
}

impl Default for SignalConfig {
    fn default() -> Self {
        Self::ConvNext(ConvNextConfig::default())
    }
}

/// A signal encoder chosen by configuration.
#[derive(Clone, Debug)]
pub enum AnyEncoder {
    /// ConvNeXt V2 in one dimension.
    ConvNext(ConvNext),
    /// XResNet in one dimension.
    XResNet(XResNet),
    /// A residual network as MERL's.
    ResNet(ResNet),
    /// A vision transformer as MERL's.
    Vit(Vit),
    /// MERL's encoder with its head.
    Merl(Merl),
    /// The encoder of wav2vec 2.0.
    Wav2Vec2(Wav2Vec2),
    /// Net1D.
    Net1d(Net1d),
}

impl AnyEncoder {
    /// The encoder of `config` for recordings of `leads` leads. A ConvNeXt whose configuration leaves the kind of norm
    /// open gets `norm`; `classes` adds the classifier head that the published one carries.
    ///
    /// # Errors
    /// [`Error::Config`] if the numbers make no model.
    pub fn new(
        config: &SignalConfig,
        leads: usize,
        norm: ChannelNorm,
        classes: Option<usize>,
        scope: &Scope,
    ) -> Result<Self> {
        Ok(match config {
            SignalConfig::ConvNext(config) => {
                let config = ConvNextConfig { norm: Some(config.norm.unwrap_or(norm)), ..*config };
                Self::ConvNext(ConvNext::new(&config, leads, classes, scope)?)
            }
            SignalConfig::XResNet(config) => Self::XResNet(XResNet::new(config, leads, scope)?),
            SignalConfig::ResNet(config) => Self::ResNet(ResNet::new(config, leads, scope)?),
            SignalConfig::Vit(config) => Self::Vit(Vit::new(config, leads, scope)?),
            SignalConfig::Merl(config) => Self::Merl(Merl::new(config, leads, scope)?),
            SignalConfig::Wav2Vec2(config) => Self::Wav2Vec2(Wav2Vec2::new(config, leads, scope)?),
            SignalConfig::Net1d(config) => Self::Net1d(Net1d::new(config, leads, scope)?),
        })
    }

    fn inner(&self) -> &dyn SignalEncoder {
        match self {
            Self::ConvNext(encoder) => encoder,
            Self::XResNet(encoder) => encoder,
            Self::ResNet(encoder) => encoder,
            Self::Vit(encoder) => encoder,
            Self::Merl(encoder) => encoder,
            Self::Wav2Vec2(encoder) => encoder,
            Self::Net1d(encoder) => encoder,
        }
    }
}

impl SignalEncoder for AnyEncoder {
    fn forward_locked(&self, x: &Tensor, valid: Option<&[usize]>, learning: usize, pass: &Pass) -> Result<Features> {
        self.inner().forward_locked(x, valid, learning, pass)
    }

    fn attention(&self, x: &Tensor, valid: Option<&[usize]>) -> Result<Option<Vec<f64>>> {
        self.inner().attention(x, valid)
    }

    fn kept(&self, samples: usize) -> Vec<Kept> {
        self.inner().kept(samples)
    }

    fn width(&self) -> usize {
        self.inner().width()
    }

    fn sequence_width(&self) -> usize {
        self.inner().sequence_width()
    }
}

/// What `layer`, which lies below `above` others of its network, makes of a pass in which the uppermost `learning` learn.
fn run_layer(
    above: usize,
    learning: usize,
    pass: &Pass,
    layer: impl FnOnce(&Pass) -> Result<Tensor>,
) -> Result<Tensor> {
    if above < learning {
        return layer(pass);
    }
    // Operations of candle take part in its graph even without gradients.
    Ok(without_gradients(|| layer(&Pass::evaluate()))?.detach())
}

/// Checks a batch of recordings and turns it channels last, `[batch, samples, leads]`.
fn channels_last(x: &Tensor, leads: usize, shortest: usize, valid: Option<&[usize]>) -> Result<Tensor> {
    let &[batch, found, samples] = x.dims() else {
        let message = format!("shape {:?}, expected [batch, leads, samples]", x.dims());
        return Err(Error::input("signals", message));
    };
    if found != leads {
        let message = format!("recordings of {found} leads, the model was made for {leads}");
        return Err(Error::input("signals", message));
    }
    if samples < shortest {
        let message = format!("{samples} samples, the model needs at least {shortest}");
        return Err(Error::input("signals", message));
    }
    if let Some(valid) = valid
        && (valid.len() != batch || valid.iter().any(|&count| count > samples))
    {
        let message = format!("{valid:?} do not fit {batch} recordings of {samples} samples");
        return Err(Error::input("valid samples", message));
    }
    Ok(x.transpose(1, 2)?.contiguous()?)
}

/// How many of `steps` time steps are not padding when each stands for `stride` samples; at least one.
fn valid_steps(valid: Option<&[usize]>, stride: usize, steps: usize) -> Option<Vec<usize>> {
    valid.map(|valid| valid.iter().map(|count| count.div_ceil(stride).clamp(1, steps)).collect())
}

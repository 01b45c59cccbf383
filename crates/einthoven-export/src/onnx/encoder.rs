//! Any signal encoder as nodes.

use einthoven_models::{ChannelNorm, SignalConfig};

use super::graph::{Graph, Value};
use super::layers::Signal;
use super::padding::Steps;
use super::{convnext, merl, net1d, resnet, vit, wav2vec2, xresnet};
use crate::Result;

/// What an encoder makes of recordings.
#[derive(Clone, Debug)]
pub struct Features {
    pub sequence: Signal,
    /// Which steps of the sequence are not padding, if the encoder was told.
    pub steps: Option<Steps>,
    /// `[batch, width]`.
    pub pooled: Value,
    pub width: usize,
}

/// The encoder of `config` over recordings `x`, with parameters below `prefix`. Unless `padded`, it takes no notice of padding.
pub fn features(
    graph: &mut Graph,
    x: Signal,
    config: &SignalConfig,
    norm: ChannelNorm,
    prefix: &str,
    padded: bool,
) -> Result<Features> {
    match config {
        SignalConfig::ConvNext(config) => convnext::features(graph, x, config, norm, prefix, padded),
        SignalConfig::XResNet(config) => xresnet::features(graph, x, config, prefix, padded),
        SignalConfig::ResNet(config) => resnet::features(graph, x, config, prefix, padded),
        SignalConfig::Vit(config) => vit::features(graph, x, config, prefix, padded),
        SignalConfig::Merl(config) => merl::features(graph, x, config, prefix, padded),
        SignalConfig::Wav2Vec2(config) => wav2vec2::features(graph, x, config, prefix, padded),
        SignalConfig::Net1d(config) => net1d::features(graph, x, config, prefix, padded),
    }
}

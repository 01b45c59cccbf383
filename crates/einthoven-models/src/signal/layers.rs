//! Which layer of an encoder a parameter belongs to, for learning rates that differ between layers.

use super::SignalConfig;
use crate::MerlEncoder;

impl SignalConfig {
    /// How many layers lie above the one that the parameter `name` of such an encoder belongs to: 0 for the uppermost.
    ///
    /// A layer is a stage of a convolutional network, a block of a transformer, and what comes before the first of them.
    pub fn layers_above(&self, name: &str) -> usize {
        let (depth, layer) = match self {
            Self::ConvNext(_) => {
                let stage = name.strip_prefix("downsample_layers.").or_else(|| name.strip_prefix("stages."));
                // The stem is the first stage's downsampling.
                (3, stage.map_or(3, number))
            }
            Self::XResNet(config) => {
                // Three convolutions and a max pool are numbered before the stages.
                (config.layers.len(), number(name).saturating_sub(3))
            }
            Self::ResNet(config) => (config.layers.len(), name.strip_prefix("layer").map_or(0, number)),
            Self::Vit(config) => match name.strip_prefix("block") {
                Some(block) => (config.depth, number(block) + 1),
                None => (config.depth, if name.starts_with("norm.") { config.depth } else { 0 }),
            },
            Self::Wav2Vec2(config) => {
                (config.depth, name.strip_prefix("encoder.layers.").map_or(0, |layer| number(layer) + 1))
            }
            Self::Net1d(config) => {
                (config.layers.len(), name.strip_prefix("stage_list.").map_or(0, |stage| number(stage) + 1))
            }
            Self::Merl(config) => {
                let Some(name) = name.strip_prefix("ecg_encoder.") else { return 0 };
                // MERL's own head lies above.
                return 1 + match &config.encoder {
                    MerlEncoder::ResNet(config) => Self::ResNet(config.clone()).layers_above(name),
                    MerlEncoder::Vit(config) => Self::Vit(config.clone()).layers_above(name),
                };
            }
        };
        depth.saturating_sub(layer)
    }
}

/// The number that a name begins with; 0 if it begins with none.
fn number(name: &str) -> usize {
    let end = name.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(name.len());
    name[..end].parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConvNextConfig, MerlConfig, Net1dConfig, ResNetConfig, VitConfig, Wav2Vec2Config, XResNetConfig};

    #[test]
    fn layers_are_counted_from_the_uppermost_down() {
        let vit = VitConfig { depth: 12, ..VitConfig::default() };
        let merl = MerlConfig { encoder: MerlEncoder::Vit(vit.clone()), projection: 256, steps: 1, hidden: 2048 };
        let wav2vec2 = SignalConfig::Wav2Vec2(Wav2Vec2Config { depth: 12, ..Wav2Vec2Config::default() });
        let xresnet = SignalConfig::XResNet(XResNetConfig::default());
        let convnext = SignalConfig::ConvNext(ConvNextConfig::default());
        let resnet = SignalConfig::ResNet(ResNetConfig { layers: vec![2; 4], ..ResNetConfig::default() });
        let net1d = SignalConfig::Net1d(Net1dConfig::default());
        let Net1dConfig { layers: stages, .. } = Net1dConfig::default();
        for (config, name, above) in [
            (&xresnet, "7.2.convs.2.1.weight", 0),
            (&xresnet, "4.0.convs.0.0.weight", 3),
            (&xresnet, "2.0.weight", 4),
            (&convnext, "norm.weight", 0),
            (&convnext, "stages.3.1.grn.gamma", 0),
            (&convnext, "stages.0.0.pwconv1.weight", 3),
            (&convnext, "downsample_layers.0.0.weight", 3),
            (&resnet, "layer4.1.bn2.bias", 0),
            (&resnet, "conv1.weight", 4),
            (&SignalConfig::Vit(vit), "block11.attn.norm.weight", 0),
            (&SignalConfig::Merl(merl.clone()), "ecg_encoder.block0.attn.norm.weight", 12),
            (&SignalConfig::Merl(merl), "proj_e.0.weight", 0),
            (&wav2vec2, "encoder.layers.11.fc1.weight", 0),
            (&wav2vec2, "feature_extractor.conv_layers.0.0.weight", 12),
            (&net1d, "stage_list.0.block_list.0.conv1.conv.weight", stages.len() - 1),
            (&net1d, "first_conv.conv.weight", stages.len()),
        ] {
            assert_eq!(config.layers_above(name), above, "{name}");
        }
    }
}

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use einthoven_nn::Parameters;
use einthoven_random::Streams;

use super::esi::xresnet;
use super::shape::State;
use super::text::is_merl_text;
use crate::{
    AnyEncoder, ChannelNorm, MerlConfig, MerlEncoder, Net1dConfig, ResNetConfig, Result, SignalConfig, VitConfig,
    Wav2Vec2Config, canonical_names,
};

/// Width of the attention heads of all published transformers here.
const HEAD: usize = 64;

/// A published system whose signal encoder can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalSystem {
    /// MERL (Liu et al., ICML 2024): a ResNet or a ViT, with the head of the whole system or without.
    Merl,
    /// xresnet1d101 and its smaller kin, of the PTB-XL benchmark (Strodthoff et al., IEEE JBHI 2021).
    XResNet1d,
    /// ECG-FM (McKeen et al., arXiv 2408.05178), pretrained or fine-tuned.
    EcgFm,
    /// ECGFounder (Li et al., NEJM AI 2025), of any leads.
    EcgFounder,
}

/// The signal encoder of a checkpoint in this crate's terms.
#[derive(Clone, Debug)]
pub struct ImportedEncoder {
    /// The shape of the encoder.
    pub config: SignalConfig,
    /// Leads of a recording.
    pub leads: usize,
    /// Its tensors, under the names of its parameters.
    pub tensors: HashMap<String, Tensor>,
    /// The names of the checkpoint's tensors that are no part of the encoder.
    pub left_out: Vec<String>,
}

impl SignalSystem {
    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Merl => "MERL",
            Self::XResNet1d => "xresnet1d",
            Self::EcgFm => "ECG-FM",
            Self::EcgFounder => "ECGFounder",
        }
    }

    /// The signal encoder of a state dict in the authors' naming.
    ///
    /// # Errors
    /// [`Error::Checkpoint`](crate::Error::Checkpoint) if a tensor that says the shape is missing. Whether the others fit
    /// shows in [`ImportedEncoder::build`].
    pub fn import(self, tensors: HashMap<String, Tensor>) -> Result<ImportedEncoder> {
        let state = State::new(self.name(), tensors);
        match self {
            Self::Merl => merl(state),
            Self::XResNet1d => xresnet1d(state),
            Self::EcgFm => ecg_fm(state),
            Self::EcgFounder => ecg_founder(state),
        }
    }
}

impl ImportedEncoder {
    /// The encoder with the checkpoint's weights.
    ///
    /// # Errors
    /// [`einthoven_nn::Error::Mismatch`] names every missing, unexpected and misshapen tensor.
    pub fn build(&self) -> Result<(Parameters, AnyEncoder)> {
        let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(0));
        let encoder = AnyEncoder::new(&self.config, self.leads, ChannelNorm::Channels, None, &parameters.root())?;
        parameters.load(&self.tensors)?;
        Ok((parameters, encoder))
    }
}

fn merl(mut state: State) -> Result<ImportedEncoder> {
    let is_whole = state.tensors.keys().any(|name| name.starts_with("ecg_encoder."));
    let prefix = if is_whole { "ecg_encoder." } else { "" };
    let mut left_out = state.leave_out(|name| {
        let of_system = is_merl_text(name) || name.starts_with("linear1.") || name.starts_with("linear2.");
        let head =
            name.strip_prefix(prefix).is_some_and(|name| name.starts_with("linear.") || name.starts_with("head."));
        of_system || head
    });
    let (encoder, leads) = if state.has(&format!("{prefix}to_patch_embedding.weight")) {
        let (config, leads) = vit(&state, prefix)?;
        (MerlEncoder::Vit(config), leads)
    } else {
        let (config, leads) = resnet(&state, prefix)?;
        (MerlEncoder::ResNet(config), leads)
    };
    let config = match encoder {
        MerlEncoder::ResNet(config) if !is_whole => SignalConfig::ResNet(config),
        MerlEncoder::Vit(config) if !is_whole => SignalConfig::Vit(config),
        MerlEncoder::ResNet(_) => SignalConfig::Merl(MerlConfig {
            encoder,
            projection: state.axis("downconv.weight", 0)?,
            steps: state.axis("att_pool_head.positional_embedding", 1)?.saturating_sub(1),
            hidden: 1,
        }),
        MerlEncoder::Vit(_) => SignalConfig::Merl(MerlConfig {
            encoder,
            projection: state.axis("proj_e.3.weight", 0)?,
            steps: 1,
            hidden: state.axis("proj_e.0.weight", 0)?,
        }),
    };
    left_out.sort();
    Ok(ImportedEncoder { config, leads, tensors: state.tensors, left_out })
}

fn resnet(state: &State, prefix: &str) -> Result<(ResNetConfig, usize)> {
    let stem = format!("{prefix}conv1.weight");
    let block = |stage: usize, index: usize| format!("{prefix}layer{}.{index}.conv1.weight", stage + 1);
    let stages = state.count(|stage| block(stage, 0));
    let config = ResNetConfig {
        bottleneck: state.has(&format!("{prefix}layer1.0.conv3.weight")),
        layers: (0..stages).map(|stage| state.count(|index| block(stage, index))).collect(),
        width: state.axis(&stem, 0)?,
    };
    Ok((config, state.axis(&stem, 1)?))
}

fn vit(state: &State, prefix: &str) -> Result<(VitConfig, usize)> {
    let patches = format!("{prefix}to_patch_embedding.weight");
    let block = |index: usize, rest: &str| format!("{prefix}block{index}.{rest}");
    let config = VitConfig {
        width: state.axis(&patches, 0)?,
        depth: state.count(|index| block(index, "attn.norm.weight")),
        heads: state.axis(&block(0, "attn.fn.to_qkv.weight"), 0)? / (3 * HEAD),
        mlp: state.axis(&block(0, "ff.fn.net.0.weight"), 0)?,
        patch: state.axis(&patches, 2)?,
        positions: state.axis(&format!("{prefix}pos_embedding"), 1)?,
    };
    Ok((config, state.axis(&patches, 1)?))
}

fn xresnet1d(mut state: State) -> Result<ImportedEncoder> {
    state.tensors = canonical_names(std::mem::take(&mut state.tensors));
    let (config, leads) = xresnet(&state, "")?;
    // The head follows the stem's three convolutions, the max pool and the stages.
    let head = format!("{}.", config.layers.len() + 4);
    let left_out = state.leave_out(|name| name.starts_with(&head));
    Ok(ImportedEncoder { config: SignalConfig::XResNet(config), leads, tensors: state.tensors, left_out })
}

fn ecg_fm(mut state: State) -> Result<ImportedEncoder> {
    // A fine-tuned classifier keeps the pretrained model under this name.
    if state.has("encoder.feature_extractor.conv_layers.0.0.weight") {
        state.rename(|name| name.strip_prefix("encoder.").map(str::to_owned));
    }
    let positions = "conv_pos.pos_conv.0";
    // Before PyTorch had parametrizations, weight norm named its tensors otherwise.
    state.rename(|name| match name.strip_prefix(positions)? {
        ".weight_g" => Some(format!("{positions}.parametrizations.weight.original0")),
        ".weight_v" => Some(format!("{positions}.parametrizations.weight.original1")),
        _ => None,
    });
    let left_out = state.leave_out(|name| {
        let parts = ["mask_emb", "quantizer.", "project_q.", "final_proj.", "proj."];
        parts.iter().any(|part| name.starts_with(part))
    });
    let convolution = |index: usize| format!("feature_extractor.conv_layers.{index}.0.weight");
    let directions = format!("{positions}.parametrizations.weight.original1");
    let layer = |index: usize| format!("encoder.layers.{index}.fc1.weight");
    let width = state.axis(&directions, 0)?;
    let config = Wav2Vec2Config {
        channels: state.axis(&convolution(0), 0)?,
        convolutions: state.count(convolution),
        width,
        depth: state.count(layer),
        heads: (width / HEAD).max(1),
        mlp: state.axis(&layer(0), 0)?,
        position_kernel: state.axis(&directions, 2)?,
        position_groups: width / state.axis(&directions, 1)?,
    };
    let leads = state.axis(&convolution(0), 1)?;
    Ok(ImportedEncoder { config: SignalConfig::Wav2Vec2(config), leads, tensors: state.tensors, left_out })
}

fn ecg_founder(mut state: State) -> Result<ImportedEncoder> {
    // The network was trained without the batch norms that it carries; one that has seen data is another network.
    if let Some(mean) = state.tensors.get("first_bn.running_mean") {
        let largest = mean.abs()?.max_all()?.to_dtype(DType::F32)?.to_scalar::<f32>()?;
        if largest != 0.0 {
            return Err(state.error(
                "first_bn.running_mean is not zero: this Net1D was trained with batch norm, which ECGFounder is not",
            ));
        }
    }
    let left_out = state.leave_out(|name| {
        let part = name.rsplit('.').nth(1).unwrap_or_default();
        name.starts_with("dense.") || matches!(part, "first_bn" | "bn1" | "bn2" | "bn3")
    });
    let stem = "first_conv.conv.weight";
    let block = |stage: usize, index: usize, layer: usize| {
        format!("stage_list.{stage}.block_list.{index}.conv{layer}.conv.weight")
    };
    let stages = state.count(|stage| block(stage, 0, 1));
    let config = Net1dConfig {
        stem: state.axis(stem, 0)?,
        widths: (0..stages).map(|stage| state.axis(&block(stage, 0, 1), 0)).collect::<Result<_>>()?,
        layers: (0..stages).map(|stage| state.count(|index| block(stage, index, 1))).collect(),
        kernel: state.axis(stem, 2)?,
        group_width: state.axis(&block(0, 0, 2), 1)?,
    };
    let leads = state.axis(stem, 1)?;
    Ok(ImportedEncoder { config: SignalConfig::Net1d(config), leads, tensors: state.tensors, left_out })
}

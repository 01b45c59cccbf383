use std::collections::HashMap;

use candle_core::Tensor;

use super::shape::State;
use super::text::bert;
use crate::{
    BertConfig, ConvNextConfig, ConvNextSize, DecoderConfig, EsiConfig, Mode, Result, SignalConfig, XResNetConfig,
    canonical_names,
};

/// An ESI checkpoint in this crate's terms.
#[derive(Clone, Debug)]
pub struct ImportedEsi {
    /// The shape of the model, in `paper` mode.
    pub config: EsiConfig,
    /// Its tensors, under the names of its parameters.
    pub tensors: HashMap<String, Tensor>,
}

/// The model of a published ESI state dict (arXiv 2405.19366), with either signal encoder and a text encoder of any size.
///
/// `text` is the configuration of the text encoder. Without it, what the tensors do not say is taken to be as in BERT-base.
///
/// # Errors
/// [`Error::Checkpoint`](crate::Error::Checkpoint) if a tensor that says the shape is missing. Whether the others fit shows
/// when they are loaded.
pub fn esi(tensors: HashMap<String, Tensor>, text: Option<&BertConfig>) -> Result<ImportedEsi> {
    let mut state = State::new("ESI", tensors);
    state.tensors = canonical_names(std::mem::take(&mut state.tensors));
    let text = bert(&state, "pretrained_text_encoder", text)?;
    let (signal, leads) = signal(&state)?;
    let decoder = decoder(&state, text.hidden_size)?;
    let latents = state.axis("img_to_latents.to_latents.weight", 0)?;
    let config = EsiConfig { mode: Mode::Paper, leads, signal, text, decoder, latents, ..EsiConfig::default() };
    config.validate()?;
    Ok(ImportedEsi { config, tensors: state.tensors })
}

fn signal(state: &State) -> Result<(SignalConfig, usize)> {
    let down = |stage: usize| format!("img_encoder.downsample_layers.{stage}.{}.weight", usize::from(stage > 0));
    if state.has("img_encoder.0.0.weight") {
        let (config, leads) = xresnet(state, "img_encoder.")?;
        return Ok((SignalConfig::XResNet(config), leads));
    }
    let leads = state.axis(&down(0), 1)?;
    let (mut depths, mut widths) = ([0; 4], [0; 4]);
    for stage in 0..4 {
        widths[stage] = state.axis(&down(stage), 0)?;
        depths[stage] = state.count(|block| format!("img_encoder.stages.{stage}.{block}.dwconv.weight"));
    }
    let size = ConvNextSize::Custom { depths, widths };
    Ok((SignalConfig::ConvNext(ConvNextConfig { size, norm: None }), leads))
}

/// The shape of an XResNet whose names start with `prefix`, and its leads.
pub(super) fn xresnet(state: &State, prefix: &str) -> Result<(XResNetConfig, usize)> {
    let mut stem = [0; 3];
    for (index, width) in stem.iter_mut().enumerate() {
        *width = state.axis(&format!("{prefix}{index}.0.weight"), 0)?;
    }
    // The stem's three convolutions and the max pool come first.
    let block =
        |stage: usize, index: usize, layer: usize| format!("{prefix}{}.{index}.convs.{layer}.0.weight", stage + 4);
    let stages = state.count(|stage| block(stage, 0, 0));
    let is_bottleneck = state.has(&block(0, 0, 2));
    let inner = state.axis(&block(0, 0, 0), 0)?;
    let config = XResNetConfig {
        expansion: if is_bottleneck { 4 } else { 1 },
        layers: (0..stages).map(|stage| state.count(|index| block(stage, index, 0))).collect(),
        stem,
        widen: inner as f64 / 64.0,
        kernel: state.axis(&block(0, 0, usize::from(is_bottleneck)), 2)?,
        stem_kernel: state.axis(&format!("{prefix}0.0.weight"), 2)?,
    };
    Ok((config, state.axis(&format!("{prefix}0.0.weight"), 1)?))
}

fn decoder(state: &State, width: usize) -> Result<DecoderConfig> {
    let block = |index: usize| format!("multimodal_layers.{index}.1.fn");
    let dim_head = state.axis(&format!("{}.to_kv.weight", block(0)), 0)? / 2;
    Ok(DecoderConfig {
        depth: state.count(|index| format!("{}.to_q.weight", block(index))),
        heads: state.axis(&format!("{}.to_q.weight", block(0)), 0)? / dim_head.max(1),
        dim_head,
        ff_mult: state.axis(&format!("{}.ff.2.weight", block(0)), 1)? / width,
    })
}

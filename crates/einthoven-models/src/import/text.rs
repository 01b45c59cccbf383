use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use einthoven_nn::Parameters;
use einthoven_random::Streams;

use super::shape::State;
use crate::{BertConfig, MerlText, MerlTextConfig, Result};

/// Width of an attention head of BERT-base.
const HEAD: usize = 64;

/// The text side of a MERL checkpoint in this crate's terms.
#[derive(Clone, Debug)]
pub struct ImportedMerlText {
    /// Its shape.
    pub config: MerlTextConfig,
    /// Its tensors, under the names of its parameters.
    pub tensors: HashMap<String, Tensor>,
}

impl ImportedMerlText {
    /// The text side with the checkpoint's weights.
    ///
    /// # Errors
    /// [`einthoven_nn::Error::Mismatch`] names every missing, unexpected and misshapen tensor.
    pub fn build(&self) -> Result<(Parameters, MerlText)> {
        let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(0));
        let text = MerlText::new(&self.config, &parameters.root())?;
        parameters.load(&self.tensors)?;
        Ok((parameters, text))
    }
}

/// The text side of a state dict of the whole MERL (Liu et al., ICML 2024).
///
/// `text` is the configuration of the text encoder. Without it, what the tensors do not say is taken to be as in BERT-base.
///
/// # Errors
/// [`Error::Checkpoint`](crate::Error::Checkpoint) if a tensor that says the shape is missing. Whether the others fit shows in
/// [`ImportedMerlText::build`].
pub fn merl_text(tensors: HashMap<String, Tensor>, text: Option<&BertConfig>) -> Result<ImportedMerlText> {
    let mut state = State::new("MERL", tensors);
    let config = MerlTextConfig {
        text: bert(&state, "lm_model", text)?,
        hidden: state.axis("proj_t.0.weight", 0)?,
        projection: state.axis("proj_t.2.weight", 0)?,
    };
    let is_constant = |name: &str| name.ends_with(".position_ids") || name.ends_with(".token_type_ids");
    state.tensors.retain(|name, _| is_merl_text(name) && !is_constant(name));
    Ok(ImportedMerlText { config, tensors: state.tensors })
}

/// Whether a tensor of a MERL checkpoint is of its text side.
pub(super) fn is_merl_text(name: &str) -> bool {
    name.starts_with("lm_model.") || name.starts_with("proj_t.")
}

/// The shape of the BERT below `prefix`; `text` says what its tensors do not.
pub(super) fn bert(state: &State, prefix: &str, text: Option<&BertConfig>) -> Result<BertConfig> {
    let embeddings = |table: &str| format!("{prefix}.embeddings.{table}_embeddings.weight");
    let layer = |index: usize, part: &str| format!("{prefix}.encoder.layer.{index}.{part}.dense.weight");
    let width = state.axis(&embeddings("word"), 1)?;
    Ok(BertConfig {
        vocab_size: state.axis(&embeddings("word"), 0)?,
        hidden_size: width,
        num_hidden_layers: state.count(|index| layer(index, "output")),
        num_attention_heads: text.map_or((width / HEAD).max(1), |text| text.num_attention_heads),
        intermediate_size: state.axis(&layer(0, "intermediate"), 0)?,
        max_position_embeddings: state.axis(&embeddings("position"), 0)?,
        type_vocab_size: state.axis(&embeddings("token_type"), 0)?,
        ..text.cloned().unwrap_or_default()
    })
}

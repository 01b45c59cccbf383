//! Which parameters a step updates, and how.

use std::collections::{BTreeMap, HashMap};

use candle_core::{Tensor, Var};
use einthoven_models::{Esi, EsiConfig, Mode, is_decayed};
use einthoven_nn::{AdamW, AdamWConfig, Gradients, ParameterGroup, Parameters};

use super::length::Length;
use crate::config::TrainConfig;
use crate::{Error, Result};

/// What the names of the text encoder's parameters begin with.
const TEXT_ENCODER: &str = "pretrained_text_encoder.";

/// AdamW over the parameters of a model.
///
/// The text encoder has an optimiser of its own, which is not asked while the encoder is locked: its weights stay as
/// they are, weight decay included, and when its turn comes its moments and bias corrections begin as those of a new
/// run, not with moments that lag behind a step count.
#[derive(Debug)]
pub(super) struct Optimizer {
    text: AdamW,
    rest: AdamW,
    /// Steps before the text encoder is updated.
    locked_steps: u64,
    parameters: Parameters,
}

impl Optimizer {
    pub fn new(model: &Esi, parameters: &Parameters, config: &TrainConfig, length: Length) -> Result<Self> {
        let [beta1, beta2] = config.betas;
        let constants = AdamWConfig { beta1, beta2, eps: config.eps };
        let (mut text, rest): (Vec<_>, Vec<_>) =
            parameters.trainable().into_iter().partition(|(name, _)| is_of_text_encoder(name));
        if config.text_learning_rate_scale == 0.0 {
            // Moments of weights that never change would be memory for nothing.
            text.clear();
        }
        Ok(Self {
            text: AdamW::new(groups(text, model, config), constants)?,
            rest: AdamW::new(groups(rest, model, config), constants)?,
            locked_steps: locked_steps(config, length)?,
            parameters: parameters.clone(),
        })
    }

    /// The parameters that the step after `done` others updates, in the order of names.
    pub fn variables(&self, done: u64) -> Vec<Var> {
        let is_updated = |name: &str| !self.is_locked(done) || !is_of_text_encoder(name);
        let parameters = self.parameters.trainable().into_iter();
        parameters.filter(|(name, _)| is_updated(name)).map(|(_, variable)| variable).collect()
    }

    /// Makes the update of the step after `done` others.
    pub fn step(&mut self, gradients: &Gradients, learning_rate: f64, done: u64) -> Result<()> {
        if !self.is_locked(done) {
            self.text.step(gradients, learning_rate)?;
        }
        Ok(self.rest.step(gradients, learning_rate)?)
    }

    /// Whether the text encoder stays as it is in the step after `done` others.
    pub fn is_locked(&self, done: u64) -> bool {
        done < self.locked_steps
    }

    /// Moments and counts of updates by name.
    pub fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut state = self.rest.state()?;
        state.extend(self.text.state()?);
        Ok(state)
    }

    /// Goes on from what [`state`](Self::state) gave.
    pub fn load_state(&mut self, state: HashMap<String, Tensor>) -> Result<()> {
        let (text, rest) = state.into_iter().partition(|(name, _)| is_of_text_encoder(name));
        self.text.load_state(&text)?;
        Ok(self.rest.load_state(&rest)?)
    }
}

/// Whether the parameter `name` is the text encoder's.
pub(crate) fn is_of_text_encoder(name: &str) -> bool {
    name.starts_with(TEXT_ENCODER)
}

/// The parameters by how they are updated. In paper mode all are decayed, as published.
fn groups(parameters: Vec<(String, Var)>, model: &Esi, config: &TrainConfig) -> Vec<ParameterGroup> {
    let EsiConfig { mode, text, .. } = model.config();
    let mut groups: Vec<ParameterGroup> = Vec::new();
    for parameter in parameters {
        let name = &parameter.0;
        let weight_decay = if *mode == Mode::Paper || is_decayed(name) { config.weight_decay } else { 0.0 };
        let learning_rate_scale = learning_rate_scale(name, text.num_hidden_layers, config);
        let alike = |group: &&mut ParameterGroup| {
            group.weight_decay == weight_decay && group.learning_rate_scale == learning_rate_scale
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.parameters.push(parameter),
            None => groups.push(ParameterGroup { parameters: vec![parameter], weight_decay, learning_rate_scale }),
        }
    }
    groups
}

/// The factor on the learning rate of the parameter `name`, of a model whose text encoder has `depth` layers.
fn learning_rate_scale(name: &str, depth: usize, config: &TrainConfig) -> f64 {
    let Some(place) = name.strip_prefix(TEXT_ENCODER) else { return 1.0 };
    let number = place.strip_prefix("encoder.layer.").and_then(|rest| rest.split('.').next());
    let layers_above = match number.and_then(|number| number.parse::<usize>().ok()) {
        Some(index) => depth.saturating_sub(index + 1),
        None if place.starts_with("embeddings.") => depth,
        None => 0,
    };
    let decay = config.text_layer_decay.unwrap_or(1.0);
    config.text_learning_rate_scale * decay.powi(i32::try_from(layers_above).unwrap_or(i32::MAX))
}

fn locked_steps(config: &TrainConfig, length: Length) -> Result<u64> {
    if config.text_learning_rate_scale == 0.0 {
        return Ok(u64::MAX);
    }
    let total = length.total;
    let steps = config.unlock_text.map_or(0, |span| span.steps(total, length.steps_per_epoch));
    if steps >= total {
        let message = format!(
            "is {steps} steps of a run of {total}; to lock the text encoder for all of it, set text_learning_rate_scale = 0"
        );
        return Err(Error::Config { key: "unlock_text", message });
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_falls_from_the_uppermost_layer_to_the_embeddings() {
        let config =
            TrainConfig { text_learning_rate_scale: 0.25, text_layer_decay: Some(0.5), ..TrainConfig::default() };
        let scale = |name: &str| learning_rate_scale(name, 12, &config);
        assert_eq!(scale("signal_encoder.encoder.layer.3.weight"), 1.0);
        assert_eq!(scale("pretrained_text_encoder.pooler.dense.weight"), 0.25);
        for layer in 0..12 {
            let name = format!("pretrained_text_encoder.encoder.layer.{layer}.output.dense.bias");
            assert_eq!(scale(&name), 0.25 * 0.5f64.powi(11 - layer), "{name}");
        }
        assert_eq!(scale("pretrained_text_encoder.embeddings.LayerNorm.weight"), 0.25 * 0.5f64.powi(12));
        let plain = TrainConfig { text_layer_decay: None, ..config };
        assert_eq!(learning_rate_scale("pretrained_text_encoder.embeddings.x", 12, &plain), 0.25);
    }
}

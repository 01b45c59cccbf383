//! Which parameters a step updates, and how.

use std::collections::{BTreeMap, HashMap};

use candle_core::{Tensor, Var};
use einthoven_models::{Esi, Mode, is_decayed};
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
        // In paper mode everything is decayed, as published.
        let decays_all = model.config().mode == Mode::Paper;
        let adam = |of_text_encoder: bool, learning_rate_scale: f64| {
            let groups = [(true, config.weight_decay), (false, 0.0)].map(|(decayed, weight_decay)| {
                let mut group = parameters.trainable();
                group.retain(|(name, _)| {
                    is_of_text_encoder(name) == of_text_encoder && (decays_all || is_decayed(name)) == decayed
                });
                ParameterGroup { parameters: group, weight_decay, learning_rate_scale }
            });
            AdamW::new(groups.into(), constants)
        };
        Ok(Self {
            text: adam(true, config.text_learning_rate_scale)?,
            rest: adam(false, 1.0)?,
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

    fn is_locked(&self, done: u64) -> bool {
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

fn is_of_text_encoder(name: &str) -> bool {
    name.starts_with(TEXT_ENCODER)
}

fn locked_steps(config: &TrainConfig, length: Length) -> Result<u64> {
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

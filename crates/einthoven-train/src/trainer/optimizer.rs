//! Which parameters a step updates, and how.

use std::collections::{BTreeMap, HashMap};

use candle_core::{Tensor, Var};
use einthoven_nn::{AdamW, AdamWConfig, Gradients, ParameterGroup, Parameters};

use super::length::Length;
use crate::config::TrainConfig;
use crate::objective::{Objective, PretrainedPart};
use crate::{Error, Result};

/// AdamW over the parameters of a model.
///
/// The pretrained part has an optimiser of its own, which is not asked while the part is locked: its weights stay as
/// they are, weight decay included, and when its turn comes its moments and bias corrections begin as those of a new
/// run, not with moments that lag behind a step count.
#[derive(Debug)]
pub(super) struct Optimizer {
    pretrained: AdamW,
    rest: AdamW,
    part: PretrainedPart,
    /// Steps before the pretrained part is updated.
    locked_steps: u64,
    /// All that are ever updated, in the order of names.
    updated: Vec<(String, Var)>,
}

impl Optimizer {
    pub fn new(
        objective: &impl Objective,
        parameters: &Parameters,
        config: &TrainConfig,
        length: Length,
    ) -> Result<Self> {
        let [beta1, beta2] = config.betas;
        let constants = AdamWConfig { beta1, beta2, eps: config.eps };
        let part = objective.pretrained_part(config);
        let mut updated = parameters.trainable();
        updated.retain(|(name, _)| !objective.is_locked(name, config));
        let (pretrained, rest): (Vec<_>, Vec<_>) = updated.iter().cloned().partition(|(name, _)| part.contains(name));
        Ok(Self {
            pretrained: AdamW::new(groups(pretrained, objective, config), constants)?,
            rest: AdamW::new(groups(rest, objective, config), constants)?,
            part,
            locked_steps: locked_steps(&part, length)?,
            updated,
        })
    }

    /// The parameters that the step after `done` others updates, in the order of names.
    pub fn variables(&self, done: u64) -> Vec<Var> {
        let is_updated = |name: &str| !self.is_locked(done) || !self.part.contains(name);
        self.updated.iter().filter(|(name, _)| is_updated(name)).map(|(_, variable)| variable.clone()).collect()
    }

    /// Makes the update of the step after `done` others.
    pub fn step(&mut self, gradients: &Gradients, learning_rate: f64, done: u64) -> Result<()> {
        if !self.is_locked(done) {
            self.pretrained.step(gradients, learning_rate)?;
        }
        Ok(self.rest.step(gradients, learning_rate)?)
    }

    /// Whether the pretrained part stays as it is in the step after `done` others.
    pub fn is_locked(&self, done: u64) -> bool {
        done < self.locked_steps
    }

    /// Moments and counts of updates by name.
    pub fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut state = self.rest.state()?;
        state.extend(self.pretrained.state()?);
        Ok(state)
    }

    /// Goes on from what [`state`](Self::state) gave.
    pub fn load_state(&mut self, state: HashMap<String, Tensor>) -> Result<()> {
        let (pretrained, rest) = state.into_iter().partition(|(name, _)| self.part.contains(name));
        self.pretrained.load_state(&pretrained)?;
        Ok(self.rest.load_state(&rest)?)
    }
}

/// The parameters by how they are updated.
fn groups(parameters: Vec<(String, Var)>, objective: &impl Objective, config: &TrainConfig) -> Vec<ParameterGroup> {
    let part = objective.pretrained_part(config);
    let mut groups: Vec<ParameterGroup> = Vec::new();
    for parameter in parameters {
        let name = &parameter.0;
        let weight_decay = if objective.is_decayed(name) { config.weight_decay } else { 0.0 };
        let learning_rate_scale =
            if part.contains(name) { learning_rate_scale(&part, objective.layers_above(name)) } else { 1.0 };
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

/// The factor on the learning rate of a layer of the pretrained part below so many others.
fn learning_rate_scale(part: &PretrainedPart, layers_above: usize) -> f64 {
    let decay = part.layer_decay.unwrap_or(1.0);
    part.learning_rate_scale * decay.powi(i32::try_from(layers_above).unwrap_or(i32::MAX))
}

fn locked_steps(part: &PretrainedPart, length: Length) -> Result<u64> {
    if part.is_always_locked() {
        return Ok(u64::MAX);
    }
    let total = length.total;
    let steps = part.unlock.map_or(0, |span| span.steps(total, length.steps_per_epoch));
    if steps >= total {
        let (name, [key, scale]) = (part.name, part.keys);
        let message =
            format!("is {steps} steps of a run of {total}; to lock the {name} for all of it, set {scale} = 0");
        return Err(Error::Config { key, message });
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_falls_from_layer_to_layer() {
        let part = PretrainedPart {
            name: "encoder",
            prefix: "encoder.",
            learning_rate_scale: 0.25,
            layer_decay: Some(0.5),
            unlock: None,
            keys: ["encoder.unlock", "encoder.learning_rate_scale"],
        };
        assert_eq!([0, 1, 12].map(|above| learning_rate_scale(&part, above)), [0.25, 0.125, 0.25 * 0.5f64.powi(12)]);
        assert_eq!(learning_rate_scale(&PretrainedPart { layer_decay: None, ..part }, 12), 0.25);
    }
}

//! Which parameters a step updates, and how.

use std::collections::{BTreeMap, HashMap};

use candle_core::{Tensor, Var};
use einthoven_nn::{AdamW, AdamWConfig, Gradients, ParameterGroup, Parameters};

use super::length::Length;
use super::unlock::Unlock;
use crate::Result;
use crate::config::TrainConfig;
use crate::objective::{Objective, PretrainedPart, Tower};

/// AdamW over the parameters of a model.
///
/// What is locked has no gradient, so it stays as it is, weight decay included: when a layer's turn comes, its moments and bias
/// corrections begin as those of a new run, not with moments that lag behind a step count.
#[derive(Debug)]
pub(super) struct Optimizer {
    adamw: AdamW,
    unlocks: Vec<Unlock>,
    /// All that are ever updated, in the order of names.
    variables: Vec<Var>,
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
        let mut updated = parameters.trainable();
        updated.retain(|(name, _)| !objective.is_locked(name, config));
        let unlock = |part: PretrainedPart| {
            let layers = updated.iter().filter(|(name, _)| part.contains(name));
            let layers = layers.map(|(name, _)| objective.layers_above(name) + 1).max().unwrap_or(0);
            Unlock::new(part, layers, length)
        };
        let unlocks = objective.pretrained_parts(config).into_iter().map(unlock).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            variables: updated.iter().map(|(_, variable)| variable.clone()).collect(),
            adamw: AdamW::new(groups(updated, objective, config), constants)?,
            unlocks,
        })
    }

    /// The parameters that are ever updated, in the order of names.
    pub fn variables(&self) -> &[Var] {
        &self.variables
    }

    /// Updates what has a gradient.
    pub fn step(&mut self, gradients: &Gradients, learning_rate: f64) -> Result<()> {
        Ok(self.adamw.step(gradients, learning_rate)?)
    }

    /// How many of an encoder's uppermost layers learn in the step after `done` others.
    pub fn learning_layers(&self, tower: Tower, done: u64) -> usize {
        let unlock = self.unlocks.iter().find(|unlock| unlock.tower() == tower);
        unlock.map_or(usize::MAX, |unlock| unlock.learning_layers(done))
    }

    /// Moments and counts of updates by name.
    pub fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        Ok(self.adamw.state()?)
    }

    /// Goes on from what [`state`](Self::state) gave.
    pub fn load_state(&mut self, state: &HashMap<String, Tensor>) -> Result<()> {
        Ok(self.adamw.load_state(state)?)
    }
}

/// The parameters by how they are updated.
fn groups(parameters: Vec<(String, Var)>, objective: &impl Objective, config: &TrainConfig) -> Vec<ParameterGroup> {
    let parts = objective.pretrained_parts(config);
    let mut groups: Vec<ParameterGroup> = Vec::new();
    for parameter in parameters {
        let name = &parameter.0;
        let weight_decay = if objective.is_decayed(name) { config.weight_decay } else { 0.0 };
        let part = parts.iter().find(|part| part.contains(name));
        let learning_rate_scale = part.map_or(1.0, |part| learning_rate_scale(part, objective.layers_above(name)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_falls_from_layer_to_layer() {
        let part = PretrainedPart {
            tower: Tower::Signal,
            prefix: "encoder.",
            learning_rate_scale: 0.25,
            layer_decay: Some(0.5),
            unlock: None,
            unlock_every: None,
            keys: ["encoder.unlock", "encoder.learning_rate_scale"],
        };
        assert_eq!([0, 1, 12].map(|above| learning_rate_scale(&part, above)), [0.25, 0.125, 0.25 * 0.5f64.powi(12)]);
        assert_eq!(learning_rate_scale(&PretrainedPart { layer_decay: None, ..part }, 12), 0.25);
    }
}

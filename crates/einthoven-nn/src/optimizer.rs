use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Device, Tensor, Var};
use serde::{Deserialize, Serialize};

use crate::{Error, Gradients, Result};

/// The constants of [`AdamW`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamWConfig {
    /// Decay of the mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of squared gradients.
    pub beta2: f64,
    /// Added to the root of the mean of squares.
    pub eps: f64,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8 }
    }
}

/// Parameters that share optimiser settings.
#[derive(Clone, Debug)]
pub struct ParameterGroup {
    /// Full names and variables.
    pub parameters: Vec<(String, Var)>,
    /// Decoupled weight decay per unit of learning rate.
    pub weight_decay: f64,
    /// Factor on the learning rate of a step.
    pub learning_rate_scale: f64,
}

/// Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled weight decay regularization",
/// ICLR 2019), number for number as `torch.optim.AdamW` computes it.
///
/// With `t` the count of updates of a parameter `p` with gradient `g`:
/// `p *= 1 - lr·decay`, `m = β₁m + (1-β₁)g`, `v = β₂v + (1-β₂)g²`,
/// `p -= lr/(1-β₁ᵗ) · m / (√v/√(1-β₂ᵗ) + ε)`.
/// A parameter without a gradient stays as it is, decay and count included.
#[derive(Debug)]
pub struct AdamW {
    config: AdamWConfig,
    slots: Vec<Slot>,
}

#[derive(Debug)]
struct Slot {
    name: String,
    variable: Var,
    weight_decay: f64,
    learning_rate_scale: f64,
    step: u64,
    mean: Tensor,
    square: Tensor,
}

impl AdamW {
    /// An optimiser of the groups' parameters with all moments zero.
    ///
    /// # Errors
    /// [`Error::Duplicate`] if a name is in the groups twice.
    pub fn new(groups: Vec<ParameterGroup>, config: AdamWConfig) -> Result<Self> {
        let mut slots: Vec<Slot> = Vec::new();
        for group in groups {
            for (name, variable) in group.parameters {
                if slots.iter().any(|slot| slot.name == name) {
                    return Err(Error::Duplicate { name });
                }
                slots.push(Slot {
                    name,
                    weight_decay: group.weight_decay,
                    learning_rate_scale: group.learning_rate_scale,
                    step: 0,
                    mean: variable.zeros_like()?,
                    square: variable.zeros_like()?,
                    variable,
                });
            }
        }
        Ok(Self { config, slots })
    }

    /// Updates every parameter that has a gradient, with learning rate `learning_rate` times its group's factor.
    ///
    /// # Errors
    /// Fails when a gradient does not fit its parameter.
    pub fn step(&mut self, gradients: &Gradients, learning_rate: f64) -> Result<()> {
        let AdamWConfig { beta1, beta2, eps } = self.config;
        for slot in &mut self.slots {
            let Some(gradient) = gradients.get(&slot.variable) else {
                continue;
            };
            slot.step += 1;
            let rate = learning_rate * slot.learning_rate_scale;
            let correction1 = 1.0 - beta1.powf(slot.step as f64);
            let correction2 = 1.0 - beta2.powf(slot.step as f64);
            slot.mean = ((&slot.mean * beta1)? + (gradient * (1.0 - beta1))?)?;
            slot.square = ((&slot.square * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
            let denominator = ((slot.square.sqrt()? / correction2.sqrt())? + eps)?;
            let update = ((&slot.mean / &denominator)? * (rate / correction1))?;
            let decayed = (slot.variable.as_detached_tensor() * (1.0 - rate * slot.weight_decay))?;
            slot.variable.set(&(decayed - update)?)?;
        }
        Ok(())
    }

    /// Everything needed to continue: `<name>.exp_avg`, `<name>.exp_avg_sq` and `<name>.step` of every parameter.
    ///
    /// # Errors
    /// Fails when the tensor library does.
    pub fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut state = BTreeMap::new();
        for slot in &self.slots {
            state.insert(format!("{}.exp_avg", slot.name), slot.mean.clone());
            state.insert(format!("{}.exp_avg_sq", slot.name), slot.square.clone());
            let step = Tensor::new(slot.step as i64, &Device::Cpu)?;
            state.insert(format!("{}.step", slot.name), step);
        }
        Ok(state)
    }

    /// Continues from what [`AdamW::state`] returned.
    ///
    /// # Errors
    /// [`Error::Mismatch`] names every missing, unexpected and misshapen tensor; nothing is changed then.
    pub fn load_state(&mut self, state: &HashMap<String, Tensor>) -> Result<()> {
        let mut present = self.state()?;
        let (mut missing, mut misshapen) = (Vec::new(), Vec::new());
        for (name, held) in &present {
            match state.get(name) {
                None => missing.push(name.clone()),
                Some(tensor) if tensor.shape() != held.shape() => {
                    misshapen.push((name.clone(), held.shape().clone(), tensor.shape().clone()));
                }
                Some(_) => {}
            }
        }
        let mut unexpected: Vec<String> = state.keys().filter(|name| !present.contains_key(*name)).cloned().collect();
        unexpected.sort();
        if !(missing.is_empty() && misshapen.is_empty() && unexpected.is_empty()) {
            return Err(Error::Mismatch { missing, unexpected, misshapen });
        }
        for (name, held) in &mut present {
            *held = state[name].to_dtype(held.dtype())?.copy()?;
        }
        for slot in &mut self.slots {
            slot.mean = present[&format!("{}.exp_avg", slot.name)].clone();
            slot.square = present[&format!("{}.exp_avg_sq", slot.name)].clone();
            let step = present[&format!("{}.step", slot.name)].to_dtype(DType::I64)?;
            slot.step = step.to_scalar::<i64>()?.max(0) as u64;
        }
        Ok(())
    }
}

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, DType, Device, InplaceOp2, Layout, Shape, Tensor, Var};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::cpu::{Real, parallel};
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
    moments: Moments,
}

/// Means of gradients and of their squares, in the parameter's element type.
#[derive(Debug)]
enum Moments {
    F32 { mean: Vec<f32>, square: Vec<f32> },
    F64 { mean: Vec<f64>, square: Vec<f64> },
}

impl AdamW {
    /// An optimiser of the groups' parameters with all moments zero.
    ///
    /// # Errors
    /// [`Error::Duplicate`] if a name is in the groups twice, [`Error::ElementType`] if a parameter is neither `f32` nor `f64`.
    pub fn new(groups: Vec<ParameterGroup>, config: AdamWConfig) -> Result<Self> {
        let mut names = HashSet::new();
        let mut slots = Vec::new();
        for group in groups {
            for (name, variable) in group.parameters {
                if !names.insert(name.clone()) {
                    return Err(Error::Duplicate { name });
                }
                let len = variable.elem_count();
                let moments = match variable.dtype() {
                    DType::F32 => Moments::F32 { mean: vec![0.0; len], square: vec![0.0; len] },
                    DType::F64 => Moments::F64 { mean: vec![0.0; len], square: vec![0.0; len] },
                    found => return Err(Error::ElementType { op: OP, found }),
                };
                let ParameterGroup { weight_decay, learning_rate_scale, .. } = group;
                slots.push(Slot { name, variable, weight_decay, learning_rate_scale, step: 0, moments });
            }
        }
        Ok(Self { config, slots })
    }

    /// Updates every parameter that has a gradient, with learning rate `learning_rate` times its group's factor.
    ///
    /// # Errors
    /// [`Error::Operand`] when a gradient does not fit its parameter; the parameters before it are updated then.
    pub fn step(&mut self, gradients: &Gradients, learning_rate: f64) -> Result<()> {
        for slot in &mut self.slots {
            let Some(gradient) = gradients.get(&slot.variable) else { continue };
            if gradient.shape() != slot.variable.shape() || gradient.dtype() != slot.variable.dtype() {
                let (found, name) = (gradient.dims(), &slot.name);
                let message = format!("gradient {found:?} does not fit parameter `{name}` {:?}", slot.variable.dims());
                return Err(Error::Operand { op: OP, message });
            }
            slot.step += 1;
            let factors = Factors::new(&self.config, slot, learning_rate);
            let moments = Mutex::new(&mut slot.moments);
            slot.variable.inplace_op2(&gradient.contiguous()?, &Update { factors, moments })?;
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
            let shape = slot.variable.shape();
            let (mean, square) = match &slot.moments {
                Moments::F32 { mean, square } => {
                    (Tensor::from_slice(mean, shape, &Device::Cpu)?, Tensor::from_slice(square, shape, &Device::Cpu)?)
                }
                Moments::F64 { mean, square } => {
                    (Tensor::from_slice(mean, shape, &Device::Cpu)?, Tensor::from_slice(square, shape, &Device::Cpu)?)
                }
            };
            state.insert(format!("{}.exp_avg", slot.name), mean);
            state.insert(format!("{}.exp_avg_sq", slot.name), square);
            state.insert(format!("{}.step", slot.name), Tensor::new(slot.step as i64, &Device::Cpu)?);
        }
        Ok(state)
    }

    /// Continues from what [`AdamW::state`] returned.
    ///
    /// # Errors
    /// [`Error::Mismatch`] names every missing, unexpected and misshapen tensor; nothing is changed then.
    pub fn load_state(&mut self, state: &HashMap<String, Tensor>) -> Result<()> {
        let mut wanted = BTreeMap::new();
        for slot in &self.slots {
            wanted.insert(format!("{}.exp_avg", slot.name), slot.variable.shape().clone());
            wanted.insert(format!("{}.exp_avg_sq", slot.name), slot.variable.shape().clone());
            wanted.insert(format!("{}.step", slot.name), Shape::from(()));
        }
        let (mut missing, mut misshapen) = (Vec::new(), Vec::new());
        for (name, shape) in &wanted {
            match state.get(name) {
                None => missing.push(name.clone()),
                Some(tensor) if tensor.shape() != shape => {
                    misshapen.push((name.clone(), shape.clone(), tensor.shape().clone()));
                }
                Some(_) => {}
            }
        }
        let mut unexpected: Vec<String> = state.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
        unexpected.sort();
        if !(missing.is_empty() && misshapen.is_empty() && unexpected.is_empty()) {
            return Err(Error::Mismatch { missing, unexpected, misshapen });
        }
        let mut read = Vec::with_capacity(self.slots.len());
        for slot in &self.slots {
            let values = |suffix: &str| state[&format!("{}.{suffix}", slot.name)].flatten_all();
            let step = state[&format!("{}.step", slot.name)].to_dtype(DType::I64)?.to_scalar::<i64>()?;
            let moments = match &slot.moments {
                Moments::F32 { .. } => Moments::F32 {
                    mean: values("exp_avg")?.to_dtype(DType::F32)?.to_vec1()?,
                    square: values("exp_avg_sq")?.to_dtype(DType::F32)?.to_vec1()?,
                },
                Moments::F64 { .. } => Moments::F64 {
                    mean: values("exp_avg")?.to_dtype(DType::F64)?.to_vec1()?,
                    square: values("exp_avg_sq")?.to_dtype(DType::F64)?.to_vec1()?,
                },
            };
            read.push((step.max(0) as u64, moments));
        }
        for (slot, (step, moments)) in self.slots.iter_mut().zip(read) {
            slot.step = step;
            slot.moments = moments;
        }
        Ok(())
    }
}

const OP: &str = "adamw";

/// What one update multiplies by.
#[derive(Clone, Copy)]
struct Factors {
    beta1: f64,
    beta2: f64,
    eps: f64,
    /// `1 - lr · decay`.
    keep: f64,
    /// `lr / (1 - β₁ᵗ)`.
    rate: f64,
    /// `√(1 - β₂ᵗ)`.
    root: f64,
}

impl Factors {
    fn new(config: &AdamWConfig, slot: &Slot, learning_rate: f64) -> Self {
        let AdamWConfig { beta1, beta2, eps } = *config;
        let rate = learning_rate * slot.learning_rate_scale;
        let steps = slot.step as f64;
        Self {
            beta1,
            beta2,
            eps,
            keep: 1.0 - rate * slot.weight_decay,
            rate: rate / (1.0 - beta1.powf(steps)),
            root: (1.0 - beta2.powf(steps)).sqrt(),
        }
    }

    /// Updates one stretch of a parameter.
    #[inline(always)]
    fn apply<T: Real>(&self, p: &mut [T], g: &[T], mean: &mut [T], square: &mut [T]) {
        let (beta1, beta2, eps) = (T::of(self.beta1), T::of(self.beta2), T::of(self.eps));
        let (rest1, rest2) = (T::of(1.0 - self.beta1), T::of(1.0 - self.beta2));
        let (keep, rate, inverse_root) = (T::of(self.keep), T::of(self.rate), T::of(1.0 / self.root));
        for (((p, g), m), v) in p.iter_mut().zip(g).zip(mean).zip(square) {
            *m = beta1.fma(*m, rest1 * *g);
            *v = beta2.fma(*v, rest2 * *g * *g);
            let denominator = v.sqrt().fma(inverse_root, eps);
            *p = *p * keep - rate * (*m / denominator);
        }
    }

    fn apply_all<T: Real>(&self, p: &mut [T], g: &[T], mean: &mut [T], square: &mut [T]) {
        const CHUNK: usize = 1 << 14;
        let chunks = p
            .par_chunks_mut(CHUNK)
            .zip(g.par_chunks(CHUNK))
            .zip(mean.par_chunks_mut(CHUNK))
            .zip(square.par_chunks_mut(CHUNK));
        chunks.for_each(|(((p, g), m), v)| {
            parallel::vectorised(
                #[inline(always)]
                || self.apply(p, g, m, v),
            );
        });
    }
}

/// One update of one parameter in place.
struct Update<'a> {
    factors: Factors,
    moments: Mutex<&'a mut Moments>,
}

impl InplaceOp2 for Update<'_> {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        parameter: &mut CpuStorage,
        layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<()> {
        let offsets = layout.contiguous_offsets().zip(gradient_layout.contiguous_offsets());
        let Some(((start, end), (from, to))) = offsets else {
            return Err(candle_core::Error::RequiresContiguous { op: OP });
        };
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        match (parameter, gradient, &mut **moments) {
            (CpuStorage::F32(p), CpuStorage::F32(g), Moments::F32 { mean, square }) => {
                self.factors.apply_all(&mut p[start..end], &g[from..to], mean, square);
                Ok(())
            }
            (CpuStorage::F64(p), CpuStorage::F64(g), Moments::F64 { mean, square }) => {
                self.factors.apply_all(&mut p[start..end], &g[from..to], mean, square);
                Ok(())
            }
            _ => Err(candle_core::Error::msg("element types of parameter, gradient and moments differ")),
        }
    }
}

//! The moving average of the weights.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use candle_core::op::BackpropOp;
use candle_core::{CpuStorage, InplaceOp1, Layout, Storage, Tensor};
use einthoven_nn::Parameters;
use rayon::prelude::*;

use crate::config::EmaConfig;
use crate::{Error, Result};

/// Values per task of the threads.
const CHUNK: usize = 1 << 14;

/// The exponential moving average of a model's parameters and buffers over the steps of a run (Polyak and Juditsky
/// 1992; Tarvainen and Valpola, arXiv 1703.01780).
///
/// It begins as the first weights. The `t`-th step, counted from 0, makes it `a += (1 - d)(p - a)` with
/// `d = min(decay, (1 + t) / (10 + t))`: while there are few weights to average, the first ones are soon forgotten.
/// Buffers are averaged alike, so that the batch statistics belong to the averaged weights.
#[derive(Debug)]
pub(super) struct Average {
    decay: f64,
    /// By name, like [`Parameters::tensors`].
    values: BTreeMap<String, CpuStorage>,
}

impl Average {
    /// The average of nothing but the present weights.
    pub fn new(config: &EmaConfig, parameters: &Parameters) -> Result<Self> {
        let mut values = BTreeMap::new();
        for (name, tensor) in parameters.tensors() {
            let (storage, layout) = tensor.storage_and_layout();
            let storage = match &*storage {
                Storage::Cpu(storage) if is_whole(storage, layout) => storage.clone(),
                _ => return Err(unsupported(&name)),
            };
            values.insert(name, storage);
        }
        Ok(Self { decay: config.decay, values })
    }

    /// Takes in the weights after the step that follows `done` others.
    pub fn update(&mut self, parameters: &Parameters, done: u64) -> Result<()> {
        let rest = 1.0 - self.decay.min((1.0 + done as f64) / (10.0 + done as f64));
        let tensors = parameters.tensors();
        let weights: Vec<_> = tensors.values().map(Tensor::storage_and_layout).collect();
        let mut tasks = Vec::new();
        for ((name, average), (storage, _)) in self.values.iter_mut().zip(&weights) {
            match (average, &**storage) {
                (CpuStorage::F32(a), Storage::Cpu(CpuStorage::F32(p))) => {
                    tasks.extend(a.chunks_mut(CHUNK).zip(p.chunks(CHUNK)).map(|(a, p)| Task::F32(a, p)));
                }
                (CpuStorage::F64(a), Storage::Cpu(CpuStorage::F64(p))) => {
                    tasks.extend(a.chunks_mut(CHUNK).zip(p.chunks(CHUNK)).map(|(a, p)| Task::F64(a, p)));
                }
                _ => return Err(unsupported(name)),
            }
        }
        tasks.into_par_iter().for_each(|task| task.run(rest));
        Ok(())
    }

    /// Puts the average in the place of the weights and the weights in the place of the average. Nothing is copied; a
    /// second call undoes it.
    pub fn exchange(&mut self, parameters: &Parameters) -> Result<()> {
        for (average, tensor) in self.values.values_mut().zip(parameters.tensors().values()) {
            tensor.inplace_op1(&Exchange(Mutex::new(average)))?;
        }
        Ok(())
    }

    /// A copy of the averages by name.
    pub fn tensors(&self, parameters: &Parameters) -> BTreeMap<String, Tensor> {
        let tensor = |storage: &CpuStorage, like: &Tensor| {
            Tensor::from_storage(Storage::Cpu(storage.clone()), like.shape(), BackpropOp::none(), false)
        };
        let averages = self.values.iter().zip(parameters.tensors().into_values());
        averages.map(|((name, storage), like)| (name.clone(), tensor(storage, &like))).collect()
    }
}

/// A stretch of the average, and the weights it takes in.
enum Task<'a> {
    F32(&'a mut [f32], &'a [f32]),
    F64(&'a mut [f64], &'a [f64]),
}

impl Task<'_> {
    fn run(self, rest: f64) {
        match self {
            Self::F32(averages, weights) => {
                let rest = rest as f32;
                averages.iter_mut().zip(weights).for_each(|(a, p)| *a += rest * (p - *a));
            }
            Self::F64(averages, weights) => {
                averages.iter_mut().zip(weights).for_each(|(a, p)| *a += rest * (p - *a));
            }
        }
    }
}

/// Exchanges what a tensor holds for the value inside.
struct Exchange<'a>(Mutex<&'a mut CpuStorage>);

impl InplaceOp1 for Exchange<'_> {
    fn name(&self) -> &'static str {
        "exchange"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        if !is_whole(storage, layout) {
            return Err(candle_core::Error::RequiresContiguous { op: self.name() });
        }
        std::mem::swap(storage, *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }
}

/// Whether a tensor is all that its memory holds, in order, and of a type that can be averaged.
fn is_whole(storage: &CpuStorage, layout: &Layout) -> bool {
    let len = match storage {
        CpuStorage::F32(values) => values.len(),
        CpuStorage::F64(values) => values.len(),
        _ => return false,
    };
    layout.contiguous_offsets() == Some((0, len))
}

fn unsupported(name: &str) -> Error {
    Error::Config { key: "ema", message: format!("`{name}` is not an f32 or f64 parameter on the CPU") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};
    use einthoven_nn::Init;
    use einthoven_random::Streams;

    fn values(tensor: &Tensor) -> Vec<f64> {
        tensor.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
    }

    /// A parameter that takes several tasks, and a buffer.
    fn parameters(dtype: DType) -> Parameters {
        let parameters = Parameters::new(dtype, &Device::Cpu, Streams::new(5));
        parameters.root().parameter("weight", (3, CHUNK), Init::Normal { std: 1.0 }).unwrap();
        parameters.root().buffer("mean", 2, 4.0).unwrap();
        parameters
    }

    fn set(parameters: &Parameters, values: &BTreeMap<String, Tensor>) {
        parameters.load(&values.clone().into_iter().collect()).unwrap();
    }

    /// Weights of one step after another.
    fn weights(parameters: &Parameters, step: u64) -> BTreeMap<String, Tensor> {
        let factor = 1.0 + (step as f64).sin();
        parameters.tensors().into_iter().map(|(name, tensor)| (name, tensor.affine(factor, 0.5).unwrap())).collect()
    }

    #[test]
    fn it_is_the_weighted_mean_of_all_weights_since_the_first() {
        for (dtype, tolerance) in [(DType::F32, 1e-6), (DType::F64, 1e-14)] {
            let parameters = parameters(dtype);
            let mut average = Average::new(&EmaConfig { decay: 0.6 }, &parameters).unwrap();
            let mut expected: Vec<Vec<f64>> = parameters.tensors().values().map(values).collect();
            for step in 0..20 {
                set(&parameters, &weights(&parameters, step));
                average.update(&parameters, step).unwrap();
                // 1/10, 2/11, 3/12, … until the decay is smaller.
                let decay = if step < 13 { (1 + step) as f64 / (10 + step) as f64 } else { 0.6 };
                for (expected, tensor) in expected.iter_mut().zip(parameters.tensors().values()) {
                    for (expected, value) in expected.iter_mut().zip(values(tensor)) {
                        *expected = decay * *expected + (1.0 - decay) * value;
                    }
                }
            }
            for (tensor, expected) in average.tensors(&parameters).values().zip(&expected) {
                for (value, expected) in values(tensor).iter().zip(expected) {
                    assert!((value - expected).abs() <= tolerance * (1.0 + expected.abs()), "{value} {expected}");
                }
            }
        }
    }

    #[test]
    fn exchanged_twice_everything_is_as_before() {
        let parameters = parameters(DType::F32);
        let follower = parameters.trainable()[0].1.as_tensor().clone();
        let mut average = Average::new(&EmaConfig { decay: 0.5 }, &parameters).unwrap();
        set(&parameters, &weights(&parameters, 1));
        let first = values(&average.tensors(&parameters)["weight"]);
        let second = values(&follower);
        assert_ne!(first, second);
        average.exchange(&parameters).unwrap();
        assert_eq!(values(&follower), first);
        assert_eq!(values(&parameters.tensors()["mean"]), [4.0, 4.0]);
        assert_eq!(values(&average.tensors(&parameters)["weight"]), second);
        average.exchange(&parameters).unwrap();
        assert_eq!(values(&follower), second);
        assert_eq!(values(&parameters.tensors()["mean"]), values(&weights_of_mean()));
    }

    /// What `weights` makes of the buffer at step 1.
    fn weights_of_mean() -> Tensor {
        let mean = Tensor::full(4f32, 2, &Device::Cpu).unwrap();
        mean.affine(1.0 + 1f64.sin(), 0.5).unwrap()
    }

    #[test]
    fn weights_that_stay_are_their_own_average() {
        let parameters = parameters(DType::F32);
        let before = values(&parameters.tensors()["weight"]);
        let mut average = Average::new(&EmaConfig { decay: 0.999 }, &parameters).unwrap();
        (0..50).for_each(|step| average.update(&parameters, step).unwrap());
        assert_eq!(values(&average.tensors(&parameters)["weight"]), before);
    }

    #[test]
    fn a_type_that_cannot_be_averaged_is_refused_by_name() {
        let parameters = Parameters::new(DType::F16, &Device::Cpu, Streams::new(5));
        parameters.root().parameter("weight", 2, Init::Zeros).unwrap();
        let error = Average::new(&EmaConfig { decay: 0.5 }, &parameters).unwrap_err();
        assert_eq!(error.to_string(), "train.ema: `weight` is not an f32 or f64 parameter on the CPU");
    }
}

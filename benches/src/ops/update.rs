//! A step of AdamW.

use std::collections::BTreeMap;
use std::time::Instant;

use candle_core::{DType, Device, Tensor, Var};
use einthoven::nn::{AdamW, AdamWConfig, Gradients, Init, ParameterGroup, Parameters, backward};
use einthoven::random::Streams;

use super::Subject;
use crate::Result;

/// Matrices that are updated.
const COUNT: usize = 30;
/// Their shape: 30 million parameters in all.
const SHAPE: (usize, usize) = (1000, 1000);
const RATE: f64 = 1e-3;

/// The optimiser with parameters and their gradients.
pub struct Update {
    parameters: Vec<(String, Var)>,
    gradients: Gradients,
    optimizer: AdamW,
}

impl Update {
    pub fn new() -> Result<Self> {
        let made = Parameters::new(DType::F32, &Device::Cpu, Streams::new(1));
        let root = made.root();
        for i in 0..COUNT {
            root.parameter(&format!("{i:02}"), SHAPE, Init::Normal { std: 0.1 })?;
        }
        let parameters = made.trainable();
        let mut loss = Tensor::new(0f32, &Device::Cpu)?;
        for (name, variable) in &parameters {
            let gradient = root.enter("gradient").parameter(name, SHAPE, Init::Normal { std: 0.1 })?.detach();
            loss = (loss + (variable.as_tensor() * gradient)?.sum_all()?)?;
        }
        let gradients = backward(&loss)?;
        let group = ParameterGroup { parameters: parameters.clone(), weight_decay: 0.01, learning_rate_scale: 1.0 };
        let optimizer = AdamW::new(vec![group], AdamWConfig::default())?;
        Ok(Self { parameters, gradients, optimizer })
    }
}

impl Subject for Update {
    fn inputs(&self) -> BTreeMap<String, Tensor> {
        let pair = |(name, variable): &(String, Var)| {
            let gradient = self.gradients.get(variable).cloned();
            let value = (format!("parameter.{name}"), variable.as_detached_tensor());
            [Some(value), gradient.map(|gradient| (format!("gradient.{name}"), gradient))]
        };
        self.parameters.iter().flat_map(pair).flatten().collect()
    }

    fn results(&mut self) -> Result<BTreeMap<String, Tensor>> {
        self.optimizer.step(&self.gradients, RATE)?;
        Ok(self.parameters.iter().map(|(name, variable)| (name.clone(), variable.as_detached_tensor())).collect())
    }

    fn time(&mut self) -> Result<[f64; 2]> {
        let start = Instant::now();
        self.optimizer.step(&self.gradients, RATE)?;
        let seconds = start.elapsed().as_secs_f64();
        Ok([0.0, seconds])
    }
}

//! An operation with its inputs.

use std::collections::BTreeMap;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use einthoven::nn::{Gradients, Init, MatmulPrecision, Parameters, backward, inner_product, set_matmul_precision};
use einthoven::random::Streams;

use super::Subject;
use crate::Result;

/// The computation.
pub type Run = Box<dyn Fn(&[Tensor]) -> Result<Tensor>>;

/// A random input.
pub struct Input {
    shape: Vec<usize>,
    std: f64,
    learns: bool,
}

/// What an operation works on, of deviation 1.
pub fn data(shape: &[usize]) -> Input {
    Input { shape: shape.to_vec(), std: 1.0, learns: true }
}

/// Weights, of deviation 0.1.
pub fn weight(shape: &[usize]) -> Input {
    Input { std: 0.1, ..data(shape) }
}

impl Input {
    /// The same input without a gradient.
    pub fn fixed(self) -> Self {
        Self { learns: false, ..self }
    }
}

/// The operation on its inputs.
pub struct Operation<'a> {
    run: &'a Run,
    precision: MatmulPrecision,
    inputs: Vec<Tensor>,
    /// The gradient of the result, in one row.
    seed: Tensor,
}

impl<'a> Operation<'a> {
    pub fn new(inputs: &[Input], run: &'a Run, precision: MatmulPrecision) -> Result<Self> {
        let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(1));
        let root = parameters.root();
        let inputs = inputs.iter().enumerate().map(|(i, input)| {
            let tensor = root.parameter(&i.to_string(), input.shape.as_slice(), Init::Normal { std: input.std })?;
            Ok(if input.learns { tensor } else { tensor.detach() })
        });
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let count = run(&inputs)?.elem_count();
        let seed = root.parameter("seed", (1, count), Init::Normal { std: 1.0 })?.detach();
        Ok(Self { run, precision, inputs, seed })
    }

    /// The same inputs for another computation.
    pub fn done_by<'b>(&self, run: &'b Run) -> Operation<'b> {
        Operation { run, precision: MatmulPrecision::F32, inputs: self.inputs.clone(), seed: self.seed.clone() }
    }

    fn learning(&self) -> impl Iterator<Item = (usize, &Tensor)> {
        self.inputs.iter().enumerate().filter(|(_, input)| input.is_variable())
    }

    /// The result's inner product with the seed, which costs little.
    fn scalar(&self, y: &Tensor) -> Result<Tensor> {
        Ok(inner_product(y, &self.seed.reshape(y.shape())?)?)
    }

    fn passes(&self) -> Result<(Tensor, Gradients, [f64; 2])> {
        set_matmul_precision(self.precision)?;
        let start = Instant::now();
        let y = (self.run)(&self.inputs)?;
        let forward = start.elapsed().as_secs_f64();
        let loss = self.scalar(&y)?;
        let start = Instant::now();
        let gradients = backward(&loss)?;
        Ok((y, gradients, [forward, forward + start.elapsed().as_secs_f64()]))
    }
}

impl Subject for Operation<'_> {
    fn inputs(&self) -> BTreeMap<String, Tensor> {
        let inputs = self.inputs.iter().enumerate().map(|(i, input)| {
            let kind = if input.is_variable() { "learns" } else { "fixed" };
            (format!("{kind}.{i}"), input.detach())
        });
        inputs.chain([("seed".to_owned(), self.seed.clone())]).collect()
    }

    fn results(&mut self) -> Result<BTreeMap<String, Tensor>> {
        let (y, gradients, _) = self.passes()?;
        let mut results = BTreeMap::from([("y".to_owned(), y)]);
        for (i, input) in self.learning() {
            let gradient = gradients.get(input).ok_or_else(|| format!("input {i} gets no gradient"))?;
            results.insert(format!("gradient.{i}"), gradient.clone());
        }
        Ok(results)
    }

    fn time(&mut self) -> Result<[f64; 2]> {
        Ok(self.passes()?.2)
    }
}

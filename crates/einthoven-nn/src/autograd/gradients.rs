use std::collections::HashMap;

use candle_core::{Tensor, TensorId, Var};

use crate::Result;
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel, rows};
use crate::ops::scaled;

/// Elements per task of loops over gradients.
const CHUNK: usize = 1 << 14;

/// The gradients of a loss by variable.
#[derive(Debug, Default)]
pub struct Gradients {
    by_variable: HashMap<TensorId, Tensor>,
}

impl Gradients {
    /// The gradient of the variable behind `variable`, if the loss depends on it.
    pub fn get(&self, variable: &Tensor) -> Option<&Tensor> {
        self.by_variable.get(&variable.id())
    }

    /// Takes out the gradient of the variable behind `variable`, if the loss depends on it.
    pub fn take(&mut self, variable: &Tensor) -> Option<Tensor> {
        self.by_variable.remove(&variable.id())
    }

    /// Adds the gradients of another loss, as when one step sums several batches.
    ///
    /// # Errors
    /// Fails when the shapes of one variable's gradients differ.
    pub fn accumulate(&mut self, other: Gradients) -> Result<()> {
        for (id, gradient) in other.by_variable {
            self.add(id, &gradient)?;
        }
        Ok(())
    }

    /// Multiplies every gradient by `factor`.
    ///
    /// # Errors
    /// Fails when the tensor library does.
    pub fn scale(&mut self, factor: f64) -> Result<()> {
        for gradient in self.by_variable.values_mut() {
            *gradient = with_element_type!("scale", gradient.dtype(), T => {
                scaled("scale", gradient, T::of(factor))
            })?;
        }
        Ok(())
    }

    /// The Euclidean norm over the gradients of `variables`, summed in `f64` in the order given.
    ///
    /// # Errors
    /// Fails when the tensor library does.
    pub fn norm<'a>(&self, variables: impl IntoIterator<Item = &'a Var>) -> Result<f64> {
        let mut sum = 0.0;
        for variable in variables {
            if let Some(gradient) = self.get(variable) {
                sum += sum_of_squares(gradient)?;
            }
        }
        Ok(sum.sqrt())
    }

    /// Scales all gradients down such that the norm over `variables` is at most `limit`, as
    /// `torch.nn.utils.clip_grad_norm_` does, and returns the norm before.
    ///
    /// # Errors
    /// Fails when the tensor library does.
    pub fn clip_to_norm<'a>(&mut self, variables: impl IntoIterator<Item = &'a Var>, limit: f64) -> Result<f64> {
        let norm = self.norm(variables)?;
        let factor = limit / (norm + 1e-6);
        if factor < 1.0 {
            self.scale(factor)?;
        }
        Ok(norm)
    }

    /// Adds to the gradient of the variable `id`.
    pub(super) fn add(&mut self, id: TensorId, gradient: &Tensor) -> candle_core::Result<()> {
        let sum = match self.by_variable.get(&id) {
            Some(held) => (held + gradient)?,
            None => gradient.clone(),
        };
        self.by_variable.insert(id, sum);
        Ok(())
    }
}

fn sum_of_squares(gradient: &Tensor) -> Result<f64> {
    let gradient = dense(gradient)?;
    with_element_type!("norm", gradient.dtype(), T => {
        let values = view::<T>("norm", &gradient)?;
        let sums = parallel::sum_rows::<f64>(
            values.len().div_ceil(CHUNK),
            CHUNK,
            1,
            #[inline(always)]
            |row, sums| {
                let chunk = &values[row * CHUNK..((row + 1) * CHUNK).min(values.len())];
                sums[0] += rows::sum_of_squares(chunk);
            },
        );
        Ok(sums[0])
    })
}

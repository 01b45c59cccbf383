use candle_core::{Tensor, Var};

use crate::autograd::{attach, collect, is_untracked, with_gradients};
use crate::cpu::Real;
use crate::cpu::view::{dense, view, with_element_type};
use crate::{Error, Pass, Result, backward, inner_product, without_gradients};

const OP: &str = "checkpoint";

/// Activation checkpointing (Chen et al. 2016, arXiv 1604.06174): what `body` makes of `inputs`, of which nothing is kept but
/// the inputs and the result. The backward pass runs `body` again.
///
/// It does so where [`pass`](Pass::with_checkpointing) asks for it; else `body` is simply run. Value and gradients are
/// the same bits either way, the gradients of parameters that `body` uses included: dropout draws the same both times, and
/// running statistics move once. `body` must depend on nothing that changes before the backward pass, and at most three of
/// the `inputs` may be results of operations.
///
/// # Errors
/// Those of `body`; [`Error::Operand`] if its result is not on the CPU.
pub fn checkpoint<E>(
    inputs: &[&Tensor],
    pass: &Pass,
    body: impl Fn(&[Tensor], &Pass) -> Result<Tensor, E> + Send + Sync + 'static,
) -> Result<Tensor, E>
where
    E: From<Error> + std::error::Error + Send + Sync + 'static,
{
    if is_untracked() || !pass.is_checkpointing() {
        let inputs: Vec<Tensor> = inputs.iter().map(|input| (*input).clone()).collect();
        return body(&inputs, pass);
    }
    let constants: Vec<Tensor> = inputs.iter().map(|input| input.detach()).collect();
    let before = pass.stream();
    let output = without_gradients(|| body(&constants, pass))?;
    let again = move |inputs: &[Tensor]| {
        let repeat = before.clone().map_or_else(Pass::evaluate, Pass::train);
        body(inputs, &repeat).map_err(|error| Error::Tensor(candle_core::Error::wrap(error)))
    };
    Ok(record_again(inputs, constants, &output, again)?)
}

/// Attaches `output`, which `again` makes of the tracked `inputs`, or their values, `constants`.
fn record_again(
    inputs: &[&Tensor],
    constants: Vec<Tensor>,
    output: &Tensor,
    again: impl Fn(&[Tensor]) -> Result<Tensor> + Send + Sync + 'static,
) -> Result<Tensor> {
    let output = dense(output)?;
    let storage = with_element_type!(OP, output.dtype(), T => Ok(T::storage(view::<T>(OP, &output)?.to_vec())))?;
    // Parameters in the body need the backward pass even if no input does.
    attach(OP, storage, output.shape(), inputs, true, move |gradient, wanted| {
        let variables = constants.iter().map(Var::from_tensor).collect::<candle_core::Result<Vec<_>>>()?;
        // The body shall see results of an operation, as at first, and not variables, whose gradients go another way.
        let result = |(variable, wanted): (&Var, &bool)| {
            if *wanted { variable.reshape(variable.shape()) } else { Ok(variable.as_detached_tensor()) }
        };
        let inputs = variables.iter().zip(wanted).map(result).collect::<candle_core::Result<Vec<_>>>()?;
        let mut gradients = with_gradients(|| backward(&inner_product(&again(&inputs)?, gradient)?))?;
        let of_inputs = variables.iter().zip(wanted).map(|(variable, wanted)| match gradients.take(variable) {
            None if *wanted => Ok(Some(variable.zeros_like()?)),
            gradient => Ok(gradient),
        });
        let of_inputs = of_inputs.collect::<Result<Vec<_>>>()?;
        collect(gradients)?;
        Ok(of_inputs)
    })
}

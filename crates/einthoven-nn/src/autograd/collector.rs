//! The gradients that a backward pass has come to and not used up.

use std::cell::RefCell;
use std::collections::HashMap;

use candle_core::{Tensor, TensorId};

use super::Gradients;
use crate::{Error, Result};

thread_local! {
    /// What `backward` has come to on this thread.
    static COLLECTOR: RefCell<Option<Collector>> = const { RefCell::new(None) };
}

#[derive(Default)]
struct Collector {
    /// Gradients of variables that operations of this crate depend on.
    variables: Gradients,
    /// Gradients of values that are not used up yet, by their node.
    pending: HashMap<TensorId, Tensor>,
}

/// Runs a backward pass of candle, and returns the gradients of variables that went beside it.
pub(super) fn collecting<R>(backward: impl FnOnce() -> R) -> (R, Gradients) {
    let outer = COLLECTOR.replace(Some(Collector::default()));
    let result = backward();
    let collected = COLLECTOR.replace(outer);
    (result, collected.unwrap_or_default().variables)
}

/// Hands gradients of variables to the backward pass at hand.
pub(crate) fn collect(gradients: Gradients) -> Result<()> {
    with_collector("backward", |collector| collector.variables.accumulate(gradients))
}

fn with_collector<R>(op: &'static str, body: impl FnOnce(&mut Collector) -> Result<R>) -> Result<R> {
    COLLECTOR.with_borrow_mut(|collector| body(collector.as_mut().ok_or(Error::OutsideBackward { op })?))
}

/// Adds to the gradient of a variable.
pub(super) fn add_to_variable(op: &'static str, variable: TensorId, gradient: &Tensor) -> Result<()> {
    with_collector(op, |collector| Ok(collector.variables.add(variable, gradient)?))
}

/// Adds to the gradient that waits at a node.
pub(super) fn deposit(op: &'static str, node: TensorId, gradient: Tensor) -> Result<()> {
    with_collector(op, |collector| {
        let sum = match collector.pending.remove(&node) {
            Some(held) => (held + gradient)?,
            None => gradient,
        };
        collector.pending.insert(node, sum);
        Ok(())
    })
}

/// Takes the gradient that waits at a node.
pub(super) fn withdraw(op: &'static str, node: TensorId) -> Result<Tensor> {
    with_collector(op, |collector| {
        let missing = || Error::Operand { op, message: "no gradient has reached its result".to_owned() };
        collector.pending.remove(&node).ok_or_else(missing)
    })
}

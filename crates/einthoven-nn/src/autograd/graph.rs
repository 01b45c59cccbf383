//! How the operations of this crate take part in candle's graph.
//!
//! candle adds every gradient to a tensor of zeros, keeps the arguments of an operation as long as its result, and allows
//! custom operations three arguments. The first two cost passes over memory and the memory itself. So a result computed here
//! is two tensors: its *node*, one number, whose arguments are the nodes of the inputs; and its *value*, whose only
//! argument is its node. Operations of this crate lead from node to node. candle brings them into the right order
//! and passes numbers along, while the gradients go from node to node beside it. An operation of candle sees
//! the value, and what it makes of it has an *entry* node when it comes back.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use candle_core::op::BackpropOp;
use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, DType, Device, Layout, Shape, Storage, Tensor, TensorId, Var,
};

use super::collector::{add_to_variable, deposit, withdraw};
use super::is_untracked;
use crate::{Error, Result};

/// The nodes of the values that are alive, by the value's id.
static NODES: LazyLock<Mutex<HashMap<TensorId, Tensor>>> = LazyLock::new(Mutex::default);

/// Computes the gradients of an operation's inputs from the gradient of its output.
///
/// It may be called more than once (two losses can share a graph), so it must not consume what it saved.
/// The second argument says for each input whether its gradient is wanted.
pub(crate) trait Backward: Fn(&Tensor, &[bool]) -> Result<Vec<Option<Tensor>>> + Send + Sync + 'static {}

impl<F> Backward for F where F: Fn(&Tensor, &[bool]) -> Result<Vec<Option<Tensor>>> + Send + Sync + 'static {}

/// Attaches a computed result to the graph, with the function that computes its gradients.
pub(crate) fn record(
    op: &'static str,
    output: CpuStorage,
    shape: impl Into<Shape>,
    inputs: &[&Tensor],
    backward: impl Backward,
) -> Result<Tensor> {
    attach(op, output, shape, inputs, false, backward)
}

/// As [`record`]; if `always`, even if no input is tracked.
pub(crate) fn attach(
    op: &'static str,
    output: CpuStorage,
    shape: impl Into<Shape>,
    inputs: &[&Tensor],
    always: bool,
    backward: impl Backward,
) -> Result<Tensor> {
    let shape = shape.into();
    let mut arguments = Vec::new();
    let mut roles = Vec::with_capacity(inputs.len());
    for input in inputs {
        roles.push(if is_untracked() || !input.track_op() {
            Role::Constant
        } else if input.is_variable() {
            Role::Variable(input.id())
        } else {
            arguments.push(node_of(input)?);
            Role::Argument
        });
    }
    if arguments.is_empty() {
        if !always && roles.iter().all(|role| matches!(role, Role::Constant)) {
            return Ok(Tensor::from_storage(Storage::Cpu(output), shape, BackpropOp::none(), false));
        }
        // Some tracked argument is needed for candle to call the backward pass at all.
        arguments.push(Var::zeros((), DType::F32, &Device::Cpu)?.as_tensor().clone());
    }
    let needs = roles.iter().map(|role| !matches!(role, Role::Constant)).collect();
    let operation = Operation { op, roles, needs, backward: Box::new(backward) };
    let node = match arguments.as_slice() {
        [a] => a.apply_op1(operation)?,
        [a, b] => a.apply_op2(b, operation)?,
        [a, b, c] => a.apply_op3(b, c, operation)?,
        more => {
            let message = format!("{} inputs are results of operations, at most 3 can be", more.len());
            return Err(Error::Operand { op, message });
        }
    };
    let id = Arc::new(OnceLock::new());
    let value = Value { op, output: Mutex::new(Some((output, shape))), id: id.clone() };
    let value = node.apply_op1(value)?;
    nodes().insert(value.id(), node);
    // It is set here only, once.
    let _ = id.set(value.id());
    Ok(value)
}

/// The node of an operation's result.
fn node_of(value: &Tensor) -> Result<Tensor> {
    let known = nodes().get(&value.id()).cloned();
    match known {
        Some(node) => Ok(node),
        None => Ok(value.apply_op1(Entry)?),
    }
}

fn nodes() -> MutexGuard<'static, HashMap<TensorId, Tensor>> {
    NODES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One number: what nodes hold and pass along.
fn number() -> (CpuStorage, Shape) {
    (CpuStorage::F32(vec![0.0]), Shape::from(()))
}

/// What an input of a recorded operation is.
#[derive(Clone, Copy)]
enum Role {
    /// Needs no gradient.
    Constant,
    /// A variable, whose gradient goes to the collector.
    Variable(TensorId),
    /// A result, whose gradient goes to its node.
    Argument,
}

/// What makes a node: the backward pass of an operation.
struct Operation {
    op: &'static str,
    roles: Vec<Role>,
    needs: Vec<bool>,
    backward: Box<dyn Backward>,
}

impl Operation {
    /// Takes the gradient that waits at `node` back to its inputs.
    fn go_back(&self, node: &Tensor, arguments: &[&Tensor]) -> Result<()> {
        let op = self.op;
        let gradient = withdraw(op, node.id())?;
        let gradients = (self.backward)(&gradient.contiguous()?, &self.needs)?;
        let mut arguments = arguments.iter();
        for (role, gradient) in self.roles.iter().zip(gradients) {
            let Some(gradient) = gradient else {
                match role {
                    Role::Constant => continue,
                    _ => {
                        let message = "its backward pass left out a gradient".to_owned();
                        return Err(Error::Operand { op, message });
                    }
                }
            };
            match role {
                Role::Constant => {}
                Role::Variable(id) => add_to_variable(op, *id, &gradient)?,
                Role::Argument => {
                    if let Some(argument) = arguments.next() {
                        deposit(op, argument.id(), gradient)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// As [`go_back`](Self::go_back), for candle: the numbers that it passes along.
    fn numbers(&self, node: &Tensor, arguments: &[&Tensor], number: &Tensor) -> candle_core::Result<Option<Tensor>> {
        self.go_back(node, arguments).map_err(candle_core::Error::wrap)?;
        Ok(Some(number.clone()))
    }
}

impl CustomOp1 for Operation {
    fn name(&self) -> &'static str {
        self.op
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        Ok(number())
    }

    fn bwd(&self, a: &Tensor, node: &Tensor, number: &Tensor) -> candle_core::Result<Option<Tensor>> {
        self.numbers(node, &[a], number)
    }
}

impl CustomOp2 for Operation {
    fn name(&self) -> &'static str {
        self.op
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        Ok(number())
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        node: &Tensor,
        number: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let number = self.numbers(node, &[a, b], number)?;
        Ok((number.clone(), number))
    }
}

impl CustomOp3 for Operation {
    fn name(&self) -> &'static str {
        self.op
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        Ok(number())
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        node: &Tensor,
        number: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let number = self.numbers(node, &[a, b, c], number)?;
        Ok((number.clone(), number.clone(), number))
    }
}

/// What makes a value of its node.
struct Value {
    op: &'static str,
    output: Mutex<Option<(CpuStorage, Shape)>>,
    id: Arc<OnceLock<TensorId>>,
}

impl CustomOp1 for Value {
    fn name(&self) -> &'static str {
        self.op
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let output = self.output.lock().unwrap_or_else(PoisonError::into_inner).take();
        output.ok_or_else(|| candle_core::Error::msg("output taken twice"))
    }

    /// Called where candle's operations use the value, or it is the loss.
    fn bwd(&self, node: &Tensor, _: &Tensor, gradient: &Tensor) -> candle_core::Result<Option<Tensor>> {
        deposit(self.op, node.id(), gradient.clone()).map_err(candle_core::Error::wrap)?;
        Ok(Some(node.detach()))
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        let node = self.id.get().and_then(|id| nodes().remove(id));
        // Not before the lock is free again: more values may go with it.
        drop(node);
    }
}

/// What makes a node of a tensor that candle computed.
struct Entry;

impl CustomOp1 for Entry {
    fn name(&self) -> &'static str {
        "entry"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        Ok(number())
    }

    fn bwd(&self, _: &Tensor, node: &Tensor, _: &Tensor) -> candle_core::Result<Option<Tensor>> {
        Ok(Some(withdraw(self.name(), node.id()).map_err(candle_core::Error::wrap)?))
    }
}

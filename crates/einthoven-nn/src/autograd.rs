use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Shape, Tensor, TensorId, Var};

use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel, rows};
use crate::ops::scaled;
use crate::{Error, Result};

/// Elements per task of loops over gradients.
const CHUNK: usize = 1 << 14;

thread_local! {
    /// Where operations put the gradients of parameters while `backward` runs on this thread.
    static COLLECTOR: RefCell<Option<Gradients>> = const { RefCell::new(None) };
    /// Whether operations leave no trace for a backward pass.
    static UNTRACKED: Cell<bool> = const { Cell::new(false) };
}

/// The gradients of a loss by variable.
#[derive(Debug, Default)]
pub struct Gradients {
    by_variable: HashMap<TensorId, Tensor>,
}

/// The gradients of the scalar `loss` with respect to every variable that it depends on.
///
/// Use this instead of `Tensor::backward`, which would lose what the operations of this crate hand over
/// besides candle's graph; they return an error when called outside.
///
/// # Errors
/// Fails when `loss` is not a scalar or an operation's backward pass fails.
pub fn backward(loss: &Tensor) -> Result<Gradients> {
    if loss.elem_count() != 1 {
        let message = format!("the loss must be one number, its shape is {:?}", loss.dims());
        return Err(Error::Operand { op: "backward", message });
    }
    let outer = COLLECTOR.replace(Some(Gradients::default()));
    #[allow(clippy::disallowed_methods)] // the one place where the collector is in force
    let store = loss.backward();
    let collected = COLLECTOR.replace(outer);
    let store = store?;
    let mut gradients = collected.unwrap_or_default();
    for id in store.get_ids() {
        if let Some(gradient) = store.get_id(*id) {
            gradients.add(*id, gradient)?;
        }
    }
    Ok(gradients)
}

/// Runs `body` such that the operations of this crate record nothing for a backward pass.
///
/// Validation saves time and memory this way. Nor do running statistics move, so that a pass made twice, without
/// gradients and with them, moves them once.
pub fn without_gradients<R>(body: impl FnOnce() -> R) -> R {
    untracked(true, body)
}

/// Runs `body` such that the operations of this crate record what a backward pass needs, wherever it is called.
pub(crate) fn with_gradients<R>(body: impl FnOnce() -> R) -> R {
    untracked(false, body)
}

fn untracked<R>(untracked: bool, body: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            UNTRACKED.set(self.0);
        }
    }
    let _restore = Restore(UNTRACKED.replace(untracked));
    body()
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

    fn add(&mut self, id: TensorId, gradient: &Tensor) -> candle_core::Result<()> {
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

/// Computes the gradients of an operation's inputs from the gradient of its output.
///
/// It may be called more than once (two losses can share a graph), so it must not consume what it saved.
/// The second argument says for each input whether its gradient is wanted.
pub(crate) trait Backward: Fn(&Tensor, &[bool]) -> Result<Vec<Option<Tensor>>> + Send + Sync + 'static {}

impl<F> Backward for F where F: Fn(&Tensor, &[bool]) -> Result<Vec<Option<Tensor>>> + Send + Sync + 'static {}

/// Whether operations leave no trace: a backward pass is not to follow.
pub(crate) fn is_untracked() -> bool {
    UNTRACKED.get()
}

/// Whether a result computed from `inputs` has to be recorded for a backward pass.
pub(crate) fn is_tracked(inputs: &[&Tensor]) -> bool {
    !UNTRACKED.get() && inputs.iter().any(|input| input.track_op())
}

/// Attaches a computed result to candle's graph, with the function that computes its gradients.
///
/// candle's custom operations take at most three inputs and add every gradient to a tensor of zeros.
/// Gradients of variables therefore go to the collector of [`backward`], and only inputs that are
/// themselves results become inputs of the custom operation.
pub(crate) fn record(
    op: &'static str,
    output: CpuStorage,
    shape: impl Into<Shape>,
    inputs: &[&Tensor],
    backward: impl Backward,
) -> Result<Tensor> {
    attach(op, output, shape, inputs, None, backward)
}

/// Hands gradients to the collector of the backward pass at hand.
pub(crate) fn collect(gradients: Gradients) -> Result<()> {
    COLLECTOR.with_borrow_mut(|collector| collector.as_mut().map_or(Ok(()), |held| held.accumulate(gradients)))
}

/// As [`record`]; with an `anchor`, a variable that gets no gradient, even if no input is tracked.
pub(crate) fn attach(
    op: &'static str,
    output: CpuStorage,
    shape: impl Into<Shape>,
    inputs: &[&Tensor],
    anchor: Option<&Tensor>,
    backward: impl Backward,
) -> Result<Tensor> {
    let shape = shape.into();
    let mut arguments = Vec::new();
    let mut roles = Vec::with_capacity(inputs.len());
    for input in inputs {
        roles.push(if UNTRACKED.get() || !input.track_op() {
            Role::Constant
        } else if input.is_variable() {
            Role::Variable(input.id())
        } else {
            arguments.push((*input).clone());
            Role::Argument
        });
    }
    if arguments.is_empty() {
        // Some tracked argument is needed for candle to call the backward pass at all.
        let variable = inputs.iter().zip(&roles).find(|(_, role)| matches!(role, Role::Variable(_)));
        match variable.map(|(variable, _)| *variable).or(anchor) {
            Some(variable) => arguments.push(variable.clone()),
            None => {
                return Ok(Tensor::from_storage(
                    candle_core::Storage::Cpu(output),
                    shape,
                    candle_core::op::BackpropOp::none(),
                    false,
                ));
            }
        }
    }
    let needs = roles.iter().map(|role| !matches!(role, Role::Constant)).collect();
    let output = Mutex::new(Some(output));
    let graft = Graft { op, output, shape, roles, needs, backward: Box::new(backward) };
    let result = match arguments.as_slice() {
        [a] => a.apply_op1(graft),
        [a, b] => a.apply_op2(b, graft),
        [a, b, c] => a.apply_op3(b, c, graft),
        more => {
            let message = format!("{} inputs are results of operations, at most 3 can be", more.len());
            return Err(Error::Operand { op, message });
        }
    };
    Ok(result?)
}

/// What an input of a recorded operation is.
#[derive(Clone, Copy)]
enum Role {
    /// Needs no gradient.
    Constant,
    /// A variable, whose gradient goes to the collector.
    Variable(TensorId),
    /// A result, whose gradient goes back to candle.
    Argument,
}

/// A node of candle's graph that stands for a result computed beforehand.
struct Graft {
    op: &'static str,
    output: Mutex<Option<CpuStorage>>,
    shape: Shape,
    roles: Vec<Role>,
    needs: Vec<bool>,
    backward: Box<dyn Backward>,
}

impl Graft {
    fn take_output(&self) -> candle_core::Result<(CpuStorage, Shape)> {
        let output = self.output.lock().unwrap_or_else(PoisonError::into_inner).take();
        let storage = output.ok_or_else(|| candle_core::Error::msg("output taken twice"))?;
        Ok((storage, self.shape.clone()))
    }

    /// The gradients of the arguments, in order; those of variables are collected on the way.
    fn gradients(&self, gradient: &Tensor) -> Result<Vec<Tensor>> {
        if COLLECTOR.with_borrow(Option::is_none) {
            return Err(Error::OutsideBackward { op: self.op });
        }
        let gradients = (self.backward)(&gradient.contiguous()?, &self.needs)?;
        let mut arguments = Vec::new();
        for (role, gradient) in self.roles.iter().zip(gradients) {
            match (role, gradient) {
                (Role::Constant, _) => {}
                (Role::Variable(id), Some(gradient)) => COLLECTOR
                    .with_borrow_mut(|collector| collector.as_mut().map_or(Ok(()), |held| held.add(*id, &gradient)))?,
                (Role::Argument, Some(gradient)) => arguments.push(gradient),
                (_, None) => {
                    let message = "its backward pass left out a gradient".to_owned();
                    return Err(Error::Operand { op: self.op, message });
                }
            }
        }
        Ok(arguments)
    }

    fn arguments(&self, gradient: &Tensor) -> candle_core::Result<std::vec::IntoIter<Tensor>> {
        Ok(self.gradients(gradient).map_err(candle_core::Error::wrap)?.into_iter())
    }
}

impl CustomOp1 for Graft {
    fn name(&self) -> &'static str {
        self.op
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        self.take_output()
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, g: &Tensor) -> candle_core::Result<Option<Tensor>> {
        Ok(self.arguments(g)?.next())
    }
}

impl CustomOp2 for Graft {
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
        self.take_output()
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        g: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let mut gradients = self.arguments(g)?;
        Ok((gradients.next(), gradients.next()))
    }
}

impl CustomOp3 for Graft {
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
        self.take_output()
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        g: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let mut gradients = self.arguments(g)?;
        Ok((gradients.next(), gradients.next(), gradients.next()))
    }
}

//! The backward pass.

mod collector;
mod gradients;
mod graph;

use std::cell::Cell;

use candle_core::Tensor;

pub(crate) use collector::collect;
pub use gradients::Gradients;
pub(crate) use graph::{attach, record};

use crate::{Error, Result};

thread_local! {
    /// Whether operations leave no trace for a backward pass.
    static UNTRACKED: Cell<bool> = const { Cell::new(false) };
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
    let (store, mut gradients) = collector::collecting(|| {
        #[allow(clippy::disallowed_methods)] // the one place where gradients are collected
        loss.backward()
    });
    let store = store?;
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

/// Whether operations leave no trace: a backward pass is not to follow.
pub(crate) fn is_untracked() -> bool {
    UNTRACKED.get()
}

/// Whether a result computed from `inputs` has to be recorded for a backward pass.
pub(crate) fn is_tracked(inputs: &[&Tensor]) -> bool {
    !UNTRACKED.get() && inputs.iter().any(|input| input.track_op())
}

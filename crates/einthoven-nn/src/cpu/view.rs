//! Tensors as slices.

use std::marker::PhantomData;
use std::ops::{Deref, Range};

use candle_core::{Storage, Tensor};

use super::Real;
use crate::{Error, Result};

/// The values of a contiguous CPU tensor, in order.
pub(crate) struct View<G, T> {
    guard: G,
    range: Range<usize>,
    element: PhantomData<T>,
}

/// A contiguous tensor with the values of `x`, outside any graph. Copies only if it has to.
pub(crate) fn dense(x: &Tensor) -> Result<Tensor> {
    Ok(x.detach().contiguous()?)
}

/// Borrows the values of `x`, which must be contiguous and of type `T`.
pub(crate) fn view<'a, T: Real>(op: &'static str, x: &'a Tensor) -> Result<View<impl Deref<Target = Storage> + 'a, T>> {
    if x.dtype() != T::DTYPE {
        return Err(Error::ElementType { op, found: x.dtype() });
    }
    let (guard, layout) = x.storage_and_layout();
    let Some((start, end)) = layout.contiguous_offsets() else {
        let message = "needs a contiguous tensor".to_owned();
        return Err(Error::Operand { op, message });
    };
    match &*guard {
        Storage::Cpu(storage) => drop(storage.as_slice::<T>()?),
        _ => {
            let message = "only tensors on the CPU are supported".to_owned();
            return Err(Error::Operand { op, message });
        }
    }
    Ok(View { guard, range: start..end, element: PhantomData })
}

impl<G: Deref<Target = Storage>, T: Real> Deref for View<G, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &*self.guard {
            Storage::Cpu(storage) => match storage.as_slice::<T>() {
                Ok(values) => &values[self.range.clone()],
                Err(_) => &[],
            },
            _ => &[],
        }
    }
}

/// Runs the body with the type alias `$t` standing for the element type of a tensor.
macro_rules! with_element_type {
    ($op:expr, $dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            candle_core::DType::F32 => {
                type $t = f32;
                $body
            }
            candle_core::DType::F64 => {
                type $t = f64;
                $body
            }
            found => Err($crate::Error::ElementType { op: $op, found }),
        }
    };
}
pub(crate) use with_element_type;

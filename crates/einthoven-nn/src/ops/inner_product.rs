use candle_core::Tensor;

use super::{require, require_operands, scaled};
use crate::Result;
use crate::autograd::record;
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel};

const OP: &str = "inner_product";

/// `Σ x·y` over two tensors of one shape, a scalar.
///
/// With a constant `y`, it carries on the backward pass of a loss that was computed elsewhere and whose gradient in `x` is `y`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes differ or an operand is empty.
pub fn inner_product(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    require_operands(OP, &[x, y])?;
    require(OP, x.dims() == y.dims(), || format!("shapes {:?} and {:?} differ", x.dims(), y.dims()))?;
    with_element_type!(OP, x.dtype(), T => run::<T>(x, y))
}

fn run<T: Real>(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    let (xs, ys) = (dense(x)?, dense(y)?);
    let sum = {
        let (x, y) = (view::<T>(OP, &xs)?, view::<T>(OP, &ys)?);
        parallel::dot(&x, &y)
    };
    record(OP, T::storage(vec![sum]), (), &[x, y], move |gradient, wanted| {
        let outer = view::<T>(OP, gradient)?[0];
        let times = |other: &Tensor, wanted: bool| wanted.then(|| scaled(OP, other, outer)).transpose();
        Ok(vec![times(&ys, wanted[0])?, times(&xs, wanted[1])?])
    })
}

use candle_core::Tensor;

use super::{require, require_operands, tensor};
use crate::autograd::record;
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel};
use crate::{Dropout, Pass, Result};

const OP: &str = "dropout";

/// Elements that share one random stream.
const PART: usize = 1 << 14;

/// Zeroes each element with probability `p` and multiplies the others by `1/(1-p)`; nothing when `pass` evaluates.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when `p` is not below one or `x` is empty.
pub fn dropout(x: &Tensor, p: f64, pass: &Pass) -> Result<Tensor> {
    require_operands(OP, &[x])?;
    require(OP, p < 1.0, || format!("probability {p} would drop everything"))?;
    match pass.dropout(p) {
        Some(draw) => with_element_type!(OP, x.dtype(), T => run::<T>(x, draw)),
        None => Ok(x.clone()),
    }
}

fn run<T: Real>(x: &Tensor, draw: Dropout) -> Result<Tensor> {
    let y = apply::<T>(&view(OP, &dense(x)?)?, &draw);
    let shape = x.shape().clone();
    record(OP, T::storage(y), x.shape(), &[x], move |gradient, _| {
        let dx = apply::<T>(&view(OP, gradient)?, &draw);
        Ok(vec![Some(tensor(dx, &shape)?)])
    })
}

fn apply<T: Real>(x: &[T], draw: &Dropout) -> Vec<T> {
    let scale = T::of(draw.scale());
    parallel::fill(
        x.len(),
        PART,
        #[inline(always)]
        |start, y: &mut [T]| {
            let mut keeps = draw.keeps(start / PART);
            for (y, x) in y.iter_mut().zip(&x[start..]) {
                if keeps() {
                    *y = *x * scale;
                }
            }
        },
    )
}

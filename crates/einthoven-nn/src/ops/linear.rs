use candle_core::Tensor;

use super::{require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::matrix::{Matrix, Threads, product, product_into};
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel};

const OP: &str = "linear";

/// `y = x Wᵀ + b` over the last axis: `x` `[.., in]`, `w` `[out, in]`, `bias` `[out]`, result `[.., out]`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit or an operand is empty.
pub fn linear(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let mut inputs = vec![x, w];
    inputs.extend(bias);
    require_operands(OP, &inputs)?;
    let fits =
        w.rank() == 2 && x.dims().last() == w.dims().last() && bias.is_none_or(|bias| bias.dims() == &w.dims()[..1]);
    require(OP, fits, || {
        let bias = bias.map(|bias| bias.dims());
        format!("x {:?}, weight {:?}, bias {bias:?} do not fit", x.dims(), w.dims())
    })?;
    with_element_type!(OP, x.dtype(), T => run::<T>(x, w, bias))
}

fn run<T: Real>(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (outputs, inner) = w.dims2()?;
    let size = Size { rows: x.elem_count() / inner, inner, outputs };
    let (xs, ws) = (dense(x)?, dense(w)?);
    let y = match bias {
        Some(bias) => {
            let bias = dense(bias)?;
            affine::<T>(size, &view(OP, &xs)?, &view(OP, &ws)?, Some(&view(OP, &bias)?))
        }
        None => affine::<T>(size, &view(OP, &xs)?, &view(OP, &ws)?, None),
    };
    let mut shape = x.dims().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = outputs;
    }
    let x_shape = x.shape().clone();
    let mut inputs = vec![x, w];
    inputs.extend(bias);
    record(OP, T::storage(y), shape, &inputs, move |gradient, needs| {
        let dy = view::<T>(OP, gradient)?;
        let dx =
            if needs[0] { Some(tensor(input_gradient(size, &dy, &view(OP, &ws)?), x_shape.clone())?) } else { None };
        let dw =
            if needs[1] { Some(tensor(weight_gradient(size, &dy, &view(OP, &xs)?), (outputs, inner))?) } else { None };
        let mut gradients = vec![dx, dw];
        if let Some(&need) = needs.get(2) {
            let db = if need { Some(tensor(column_sums(&dy, outputs), outputs)?) } else { None };
            gradients.push(db);
        }
        Ok(gradients)
    })
}

/// The sizes of `y[rows, outputs] = x[rows, inner] · w[outputs, inner]ᵀ`.
#[derive(Clone, Copy)]
pub(super) struct Size {
    pub rows: usize,
    pub inner: usize,
    pub outputs: usize,
}

/// `x wᵀ + bias`.
pub(super) fn affine<T: Real>(size: Size, x: &[T], w: &[T], bias: Option<&[T]>) -> Vec<T> {
    let Size { rows, inner, outputs } = size;
    let (a, b) = (Matrix::rows(x, inner), Matrix::rows(w, inner).t());
    let Some(bias) = bias else {
        return product((rows, inner, outputs), a, b);
    };
    let mut y = parallel::fill_rows(
        rows,
        outputs,
        #[inline(always)]
        |_, y: &mut [T]| y.copy_from_slice(bias),
    );
    product_into((rows, inner, outputs), &mut y, outputs, true, a, b, T::ONE, Threads::All);
    y
}

/// `dy w`.
pub(super) fn input_gradient<T: Real>(size: Size, dy: &[T], w: &[T]) -> Vec<T> {
    let Size { rows, inner, outputs } = size;
    product((rows, outputs, inner), Matrix::rows(dy, outputs), Matrix::rows(w, inner))
}

/// `dyᵀ x`.
pub(super) fn weight_gradient<T: Real>(size: Size, dy: &[T], x: &[T]) -> Vec<T> {
    let Size { rows, inner, outputs } = size;
    product((outputs, rows, inner), Matrix::rows(dy, outputs).t(), Matrix::rows(x, inner))
}

/// The sums of the columns of a matrix `width` wide.
pub(super) fn column_sums<T: Real>(values: &[T], width: usize) -> Vec<T> {
    parallel::sum_rows(
        values.len() / width,
        width,
        width,
        #[inline(always)]
        |row, sums: &mut [T]| {
            for (sum, value) in sums.iter_mut().zip(&values[row * width..][..width]) {
                *sum += *value;
            }
        },
    )
}

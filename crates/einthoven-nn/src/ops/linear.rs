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

/// Several linear layers of one input, their outputs side by side: `x` `[.., in]`, layer `i` a weight `[outᵢ, in]` and a bias
/// `[outᵢ]`, result `[.., Σ outᵢ]`.
///
/// One product is faster than several, and the input gets one gradient instead of a sum.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when there is no layer, the shapes do not fit or an operand is empty.
pub fn joint_linear(x: &Tensor, layers: &[(&Tensor, &Tensor)]) -> Result<Tensor> {
    const OP: &str = "joint_linear";
    let inputs: Vec<&Tensor> = std::iter::once(x).chain(layers.iter().flat_map(|(w, bias)| [*w, *bias])).collect();
    require_operands(OP, &inputs)?;
    let fits = !layers.is_empty()
        && layers
            .iter()
            .all(|(w, bias)| w.rank() == 2 && x.dims().last() == w.dims().last() && bias.dims() == &w.dims()[..1]);
    require(OP, fits, || {
        let shapes: Vec<_> = inputs[1..].iter().map(|weight| weight.dims()).collect();
        format!("x {:?} and layers {shapes:?} do not fit", x.dims())
    })?;
    with_element_type!(OP, x.dtype(), T => run_joint::<T>(OP, &inputs))
}

fn run_joint<T: Real>(op: &'static str, inputs: &[&Tensor]) -> Result<Tensor> {
    let x = inputs[0];
    let joined = |first: usize| -> Result<Vec<T>> {
        let mut values = Vec::new();
        for part in inputs[first..].iter().step_by(2) {
            values.extend_from_slice(&view::<T>(op, &dense(part)?)?);
        }
        Ok(values)
    };
    let (w, bias) = (joined(1)?, joined(2)?);
    let size = Size { rows: x.elem_count() * bias.len() / w.len(), inner: w.len() / bias.len(), outputs: bias.len() };
    let xs = dense(x)?;
    let y = affine(size, &view(op, &xs)?, &w, Some(&bias));
    let mut shape = x.dims().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = size.outputs;
    }
    let shapes: Vec<_> = inputs[1..].iter().map(|part| part.shape().clone()).collect();
    record(op, T::storage(y), shape, inputs, move |gradient, _| {
        let dy = view::<T>(op, gradient)?;
        let dx = tensor(input_gradient(size, &dy, &w), xs.shape())?;
        let dw = weight_gradient(size, &dy, &view::<T>(op, &xs)?);
        let db = column_sums(&dy, size.outputs);
        let mut gradients = vec![Some(dx)];
        let (mut w_at, mut b_at) = (0, 0);
        for (index, shape) in shapes.iter().enumerate() {
            let (source, at) = if index % 2 == 0 { (&dw, &mut w_at) } else { (&db, &mut b_at) };
            gradients.push(Some(tensor(source[*at..*at + shape.elem_count()].to_vec(), shape)?));
            *at += shape.elem_count();
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

/// The most weights of a product that each thread computes for rows of its own. More are packed once, for all threads.
const FEW_WEIGHTS: usize = 1 << 15;

/// Rows of a task, and of a partial sum, where each thread has rows of its own.
const ROWS: usize = 128;

impl Size {
    /// Whether threads share the work by rows: there are many, and few weights.
    fn is_tall(self) -> bool {
        self.rows > ROWS && self.inner * self.outputs <= FEW_WEIGHTS
    }
}

/// `x wᵀ + bias`.
pub(super) fn affine<T: Real>(size: Size, x: &[T], w: &[T], bias: Option<&[T]>) -> Vec<T> {
    let Size { rows, inner, outputs } = size;
    let w = Matrix::rows(w, inner).t();
    if size.is_tall() {
        return parallel::fill(rows * outputs, ROWS * outputs, |start, y: &mut [T]| {
            let (first, count) = (start / outputs, y.len() / outputs);
            if let Some(bias) = bias {
                y.chunks_exact_mut(outputs).for_each(|y| y.copy_from_slice(bias));
            }
            let x = Matrix::rows(&x[first * inner..][..count * inner], inner);
            product_into((count, inner, outputs), y, outputs, bias.is_some(), x, w, T::ONE, Threads::One);
        });
    }
    let x = Matrix::rows(x, inner);
    let Some(bias) = bias else {
        return product((rows, inner, outputs), x, w);
    };
    let mut y = parallel::fill_rows(
        rows,
        outputs,
        #[inline(always)]
        |_, y: &mut [T]| y.copy_from_slice(bias),
    );
    product_into((rows, inner, outputs), &mut y, outputs, true, x, w, T::ONE, Threads::All);
    y
}

/// `dy w`.
pub(super) fn input_gradient<T: Real>(size: Size, dy: &[T], w: &[T]) -> Vec<T> {
    let Size { rows, inner, outputs } = size;
    let w = Matrix::rows(w, inner);
    if size.is_tall() {
        return parallel::fill(rows * inner, ROWS * inner, |start, dx: &mut [T]| {
            let (first, count) = (start / inner, dx.len() / inner);
            let dy = Matrix::rows(&dy[first * outputs..][..count * outputs], outputs);
            product_into((count, outputs, inner), dx, inner, false, dy, w, T::ONE, Threads::One);
        });
    }
    product((rows, outputs, inner), Matrix::rows(dy, outputs), w)
}

/// `dyᵀ x`.
pub(super) fn weight_gradient<T: Real>(size: Size, dy: &[T], x: &[T]) -> Vec<T> {
    let Size { rows, inner, outputs } = size;
    if size.is_tall() {
        return parallel::sum_parts(rows, ROWS.max(rows.div_ceil(64)), outputs * inner, |part, dw: &mut [T]| {
            let dy = Matrix::rows(&dy[part.start * outputs..part.end * outputs], outputs).t();
            let x = Matrix::rows(&x[part.start * inner..part.end * inner], inner);
            product_into((outputs, part.len(), inner), dw, inner, true, dy, x, T::ONE, Threads::One);
        });
    }
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

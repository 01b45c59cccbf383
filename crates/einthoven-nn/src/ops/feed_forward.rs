use candle_core::Tensor;

use super::linear::{Size, affine, column_sums, input_gradient};
use super::{Activation, require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::matrix::{Matrix, product};
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel};

const OP: &str = "feed_forward";

/// The weights of a linear layer.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// `[out, in]`.
    pub weight: &'a Tensor,
    /// `[out]`.
    pub bias: Option<&'a Tensor>,
}

/// The feed-forward part of a transformer: `contract(activation(expand(x)))`, `x` `[.., c]`, result `[.., c']`.
///
/// Equal to the composition of [`linear`](super::linear()) and [`gelu`](super::gelu) or [`swiglu`](super::swiglu), but the wide
/// activations have no gradient tensors of their own, and only those before the activation are kept for the backward pass.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit or an operand is empty.
pub fn feed_forward(x: &Tensor, expand: Layer<'_>, contract: Layer<'_>, activation: Activation) -> Result<Tensor> {
    let mut inputs = vec![x, expand.weight, contract.weight];
    inputs.extend(expand.bias);
    inputs.extend(contract.bias);
    require_operands(OP, &inputs)?;
    let (w1, w2) = (expand.weight.dims(), contract.weight.dims());
    let fits = w1.len() == 2
        && w2.len() == 2
        && x.dims().last() == Some(&w1[1])
        && (activation == Activation::Gelu || w1[0].is_multiple_of(2))
        && activation.outputs(w1[0]) == w2[1]
        && expand.bias.is_none_or(|bias| bias.dims() == &w1[..1])
        && contract.bias.is_none_or(|bias| bias.dims() == &w2[..1]);
    require(OP, fits, || {
        let shapes: Vec<_> = inputs[1..].iter().map(|weight| weight.dims()).collect();
        format!("x {:?} and weights {shapes:?} do not fit", x.dims())
    })?;
    with_element_type!(OP, x.dtype(), T => run::<T>(&inputs, expand, contract, activation))
}

fn run<T: Real>(inputs: &[&Tensor], expand: Layer<'_>, contract: Layer<'_>, activation: Activation) -> Result<Tensor> {
    let x = inputs[0];
    let (wide, inner) = expand.weight.dims2()?;
    let (outputs, narrow) = contract.weight.dims2()?;
    let rows = x.elem_count() / inner;
    let (first, second) = (Size { rows, inner, outputs: wide }, Size { rows, inner: narrow, outputs });
    let (xs, w1, w2) = (dense(x)?, dense(expand.weight)?, dense(contract.weight)?);
    let expanded = layer::<T>(first, &xs, &w1, expand.bias)?;
    let y = {
        let activated = parallel::fill_rows(
            rows,
            narrow,
            #[inline(always)]
            |row, y: &mut [T]| activation.row(&expanded[row * wide..][..wide], y),
        );
        let activated = tensor(activated, (rows, narrow))?;
        layer::<T>(second, &activated, &w2, contract.bias)?
    };
    let mut shape = x.dims().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = outputs;
    }
    let biases = (expand.bias.is_some(), contract.bias.is_some());
    record(OP, T::storage(y), shape, inputs, move |gradient, _| {
        let (dy, x) = (view::<T>(OP, gradient)?, view::<T>(OP, &xs)?);
        let (w1, w2) = (view::<T>(OP, &w1)?, view::<T>(OP, &w2)?);
        let slopes = input_gradient(second, &dy, &w2);
        // The gradient before the activation and the activation again, side by side.
        let width = wide + narrow;
        let (both, d_expand_bias) = parallel::fill_rows_and_sum(
            rows,
            width,
            if biases.0 { wide } else { 0 },
            #[inline(always)]
            |row, both: &mut [T], sums: &mut [T]| {
                let (d, y) = both.split_at_mut(wide);
                let (x, dy) = (&expanded[row * wide..][..wide], &slopes[row * narrow..][..narrow]);
                activation.row_back(x, dy, d, Some(y));
                for (sum, d) in sums.iter_mut().zip(d) {
                    *sum += *d;
                }
            },
        );
        drop(slopes);
        let (d, activated) = (Matrix::strided(&both, width), Matrix::strided(&both[wide..], width));
        let dw2 = product((outputs, rows, narrow), Matrix::rows(&dy, outputs).t(), activated);
        let dw1 = product((wide, rows, inner), d.t(), Matrix::rows(&x, inner));
        let dx = product((rows, wide, inner), d, Matrix::rows(&w1, inner));
        let mut gradients = vec![
            Some(tensor(dx, xs.shape())?),
            Some(tensor(dw1, (wide, inner))?),
            Some(tensor(dw2, (outputs, narrow))?),
        ];
        if biases.0 {
            gradients.push(Some(tensor(d_expand_bias, wide)?));
        }
        if biases.1 {
            gradients.push(Some(tensor(column_sums(&dy, outputs), outputs)?));
        }
        Ok(gradients)
    })
}

fn layer<T: Real>(size: Size, x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<Vec<T>> {
    let (x, w) = (view::<T>(OP, x)?, view::<T>(OP, w)?);
    match bias {
        Some(bias) => Ok(affine(size, &x, &w, Some(&view(OP, &dense(bias)?)?))),
        None => Ok(affine(size, &x, &w, None)),
    }
}

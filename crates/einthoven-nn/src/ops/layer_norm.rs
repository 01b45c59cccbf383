use candle_core::Tensor;

use super::{require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel, rows};

const OP: &str = "layer_norm";

/// Layer normalisation over the last axis (Ba et al., arXiv 1607.06450): `(x - mean)/√(var + eps) · weight + bias`
/// with the population variance.
///
/// With `h = (x - mean)·r`, `r = 1/√(var + eps)` and `g = dy·weight` the gradient is
/// `dx = r·(g - mean(g) - h·mean(g·h))`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit or an operand is empty.
pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, eps: f64) -> Result<Tensor> {
    let mut inputs = vec![x, weight];
    inputs.extend(bias);
    require_operands(OP, &inputs)?;
    let width = weight.elem_count();
    let fits = x.dims().last() == Some(&width) && bias.is_none_or(|b| b.elem_count() == width);
    require(OP, fits, || {
        let bias = bias.map(|bias| bias.dims());
        format!("x {:?}, weight {:?}, bias {bias:?} do not fit", x.dims(), weight.dims())
    })?;
    with_element_type!(OP, x.dtype(), T => run::<T>(x, weight, bias, T::of(eps)))
}

fn run<T: Real>(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, eps: T) -> Result<Tensor> {
    let (xs, ws) = (dense(x)?, dense(weight)?);
    let width = ws.elem_count();
    let zeros;
    let held;
    let held_view;
    let bias_values: &[T] = match bias {
        Some(bias) => {
            held = dense(bias)?;
            held_view = view::<T>(OP, &held)?;
            &held_view
        }
        None => {
            zeros = vec![T::ZERO; width];
            &zeros
        }
    };
    let (y, statistics) = {
        let (x, w) = (view::<T>(OP, &xs)?, view::<T>(OP, &ws)?);
        let statistics = statistics(&x, width, eps);
        (normalise(&x, &statistics, &w, bias_values), statistics)
    };
    let bias_shape = bias.map(|bias| bias.shape().clone());
    let mut inputs = vec![x, weight];
    inputs.extend(bias);
    record(OP, T::storage(y), x.shape(), &inputs, move |gradient, _| {
        let dy = view::<T>(OP, gradient)?;
        let (dx, sums) = input_gradient(&view::<T>(OP, &xs)?, &statistics, &view(OP, &ws)?, &dy);
        let mut gradients = vec![Some(tensor(dx, xs.shape())?), Some(tensor(sums[..width].to_vec(), ws.shape())?)];
        if let Some(shape) = &bias_shape {
            gradients.push(Some(tensor(sums[width..].to_vec(), shape)?));
        }
        Ok(gradients)
    })
}

/// Mean and `1/√(var + eps)` of each row, one pair after another.
pub(super) fn statistics<T: Real>(x: &[T], width: usize, eps: T) -> Vec<T> {
    let scale = T::of(1.0 / width as f64);
    let count = x.len() / width;
    parallel::fill(
        2 * count,
        2 * parallel::rows_per_chunk(width),
        #[inline(always)]
        |start, pairs: &mut [T]| {
            for (i, pair) in pairs.chunks_exact_mut(2).enumerate() {
                let x = &x[(start / 2 + i) * width..][..width];
                let mean = rows::sum(x) * scale;
                let variance = rows::squares_about(x, mean) * scale;
                pair[0] = mean;
                pair[1] = T::ONE / (variance + eps).sqrt();
            }
        },
    )
}

/// `(x - mean)·r·weight + bias` per row.
pub(super) fn normalise<T: Real>(x: &[T], statistics: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
    let width = weight.len();
    parallel::fill_rows(
        x.len() / width,
        width,
        #[inline(always)]
        |row, y: &mut [T]| {
            let (mean, r) = (statistics[2 * row], statistics[2 * row + 1]);
            let x = &x[row * width..][..width];
            for (((y, x), w), b) in y.iter_mut().zip(x).zip(weight).zip(bias) {
                *y = ((*x - mean) * r).fma(*w, *b);
            }
        },
    )
}

/// The gradient of `x`, and those of weight and bias one after the other.
pub(super) fn input_gradient<T: Real>(x: &[T], statistics: &[T], weight: &[T], dy: &[T]) -> (Vec<T>, Vec<T>) {
    let width = weight.len();
    let scale = T::of(1.0 / width as f64);
    parallel::fill_rows_and_sum(
        x.len() / width,
        width,
        2 * width,
        #[inline(always)]
        |row, dx: &mut [T], sums: &mut [T]| {
            let (mean, r) = (statistics[2 * row], statistics[2 * row + 1]);
            let (x, dy) = (&x[row * width..][..width], &dy[row * width..][..width]);
            let (d_weight, d_bias) = sums.split_at_mut(width);
            for (((dw, db), x), dy) in d_weight.iter_mut().zip(d_bias).zip(x).zip(dy) {
                *dw = dy.fma((*x - mean) * r, *dw);
                *db += *dy;
            }
            let (sum_g, sum_gh) = rows::sum_pairs(
                x,
                dy,
                weight,
                #[inline(always)]
                |x, dy, w| {
                    let g = dy * w;
                    (g, g * ((x - mean) * r))
                },
            );
            let (mean_g, mean_gh) = (sum_g * scale, sum_gh * scale);
            for (((dx, x), dy), w) in dx.iter_mut().zip(x).zip(dy).zip(weight) {
                let h = (*x - mean) * r;
                *dx = r * (*dy * *w - mean_g - h * mean_gh);
            }
        },
    )
}

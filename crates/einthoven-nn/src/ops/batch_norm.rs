use candle_core::Tensor;

use super::{require, require_operands, tensor};
use crate::autograd::{is_untracked, record};
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel};
use crate::{Buffer, Result};

const OP: &str = "batch_norm";

/// Running statistics of a batch normalisation, `[c]` each.
#[derive(Clone, Debug)]
pub struct BatchNormState {
    /// Running mean.
    pub mean: Buffer,
    /// Running unbiased variance.
    pub var: Buffer,
}

/// Batch normalisation (Ioffe and Szegedy, 2015) over batch and time: `(x - mean)/√(var + eps) · weight + bias`.
///
/// `x` `[batch, time, c]`, `weight`, `bias` `[c]`. When `training`, mean and population variance are the batch's and
/// the running statistics move towards them by `momentum` (the variance in its unbiased form), unless nothing is
/// recorded ([`without_gradients`](crate::without_gradients)); otherwise the running statistics are used.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit, an operand is empty or a training batch holds one value per channel.
pub fn batch_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    state: &BatchNormState,
    momentum: f64,
    eps: f64,
    training: bool,
) -> Result<Tensor> {
    require_operands(OP, &[x, weight, bias, &state.mean.get(), &state.var.get()])?;
    let fits = x.rank() == 3 && {
        let channels = [x.dims()[2]];
        [weight, bias].iter().all(|t| t.dims() == channels)
            && [&state.mean, &state.var].iter().all(|t| t.get().dims() == channels)
            && (!training || x.dims()[0] * x.dims()[1] > 1)
    };
    require(OP, fits, || {
        let (x, weight, bias) = (x.dims(), weight.dims(), bias.dims());
        format!("x {x:?} (two values per channel in training), weight {weight:?}, bias {bias:?} and state do not fit")
    })?;
    with_element_type!(OP, x.dtype(), T => {
        run::<T>(x, weight, bias, state, momentum, eps, training)
    })
}

fn run<T: Real>(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    state: &BatchNormState,
    momentum: f64,
    eps: f64,
    training: bool,
) -> Result<Tensor> {
    let channels = weight.elem_count();
    let count = x.elem_count() / channels;
    let (xs, ws) = (dense(x)?, dense(weight)?);
    let (means, variances) = if training {
        let (means, variances) = moments(&view::<T>(OP, &xs)?, channels);
        if !is_untracked() {
            let unbiased = T::of(count as f64 / (count as f64 - 1.0));
            let unbiased = variances.iter().map(|v| *v * unbiased).collect();
            move_towards(&state.mean, means.clone(), momentum)?;
            move_towards(&state.var, unbiased, momentum)?;
        }
        (means, variances)
    } else {
        let (mean, var) = (dense(&state.mean.get())?, dense(&state.var.get())?);
        (view::<T>(OP, &mean)?.to_vec(), view::<T>(OP, &var)?.to_vec())
    };
    let inverses: Vec<T> = variances.into_iter().map(|v| T::ONE / (v + T::of(eps)).sqrt()).collect();
    let y = {
        let (x, w) = (view::<T>(OP, &xs)?, view::<T>(OP, &ws)?);
        let scales: Vec<T> = w.iter().zip(&inverses).map(|(w, r)| *w * *r).collect();
        let bias = dense(bias)?;
        let bias = view::<T>(OP, &bias)?;
        parallel::fill_rows(
            count,
            channels,
            #[inline(always)]
            |row, y: &mut [T]| {
                let x = &x[row * channels..][..channels];
                for ((((y, x), m), s), b) in y.iter_mut().zip(x).zip(&means).zip(&scales).zip(&*bias) {
                    *y = (*x - *m).fma(*s, *b);
                }
            },
        )
    };
    let bias_shape = bias.shape().clone();
    record(OP, T::storage(y), x.shape(), &[x, weight, bias], move |gradient, _| {
        let (x, w, dy) = (view::<T>(OP, &xs)?, view::<T>(OP, &ws)?, view::<T>(OP, gradient)?);
        let sums = parallel::sum_rows(
            count,
            channels,
            2 * channels,
            #[inline(always)]
            |row, sums: &mut [T]| {
                let (products, plain) = sums.split_at_mut(channels);
                let (x, dy) = (&x[row * channels..][..channels], &dy[row * channels..][..channels]);
                for ((((p, s), x), dy), m) in products.iter_mut().zip(plain).zip(x).zip(dy).zip(&means) {
                    *p = dy.fma(*x - *m, *p);
                    *s += *dy;
                }
            },
        );
        let (products, plain) = sums.split_at(channels);
        let products: Vec<T> = products.iter().zip(&inverses).map(|(p, r)| *p * *r).collect();
        // With the running statistics, mean and variance do not depend on x.
        let share = if training { T::of(1.0 / count as f64) } else { T::ZERO };
        // dx = w·r·(dy - share·(Σdy + (x - mean)·r·Σdy·(x - mean)·r)), as a·dy + b·(x - mean) + c.
        let a: Vec<T> = w.iter().zip(&inverses).map(|(w, r)| *w * *r).collect();
        let b: Vec<T> = a.iter().zip(&products).zip(&inverses).map(|((a, p), r)| -share * *a * *p * *r).collect();
        let c: Vec<T> = a.iter().zip(plain).map(|(a, s)| -share * *a * *s).collect();
        let dx = parallel::fill_rows(
            count,
            channels,
            #[inline(always)]
            |row, dx: &mut [T]| {
                let (x, dy) = (&x[row * channels..][..channels], &dy[row * channels..][..channels]);
                let coefficients = a.iter().zip(&b).zip(&c).zip(&means);
                for (((dx, x), dy), (((a, b), c), m)) in dx.iter_mut().zip(x).zip(dy).zip(coefficients) {
                    *dx = dy.fma(*a, (*x - *m).fma(*b, *c));
                }
            },
        );
        Ok(vec![
            Some(tensor(dx, xs.shape())?),
            Some(tensor(products, ws.shape())?),
            Some(tensor(plain.to_vec(), &bias_shape)?),
        ])
    })
}

/// Means and population variances of the columns of `x`.
fn moments<T: Real>(x: &[T], channels: usize) -> (Vec<T>, Vec<T>) {
    let count = x.len() / channels;
    let scale = T::of(1.0 / count as f64);
    let mut means = super::linear::column_sums(x, channels);
    for mean in &mut means {
        *mean *= scale;
    }
    let mut variances = parallel::sum_rows(
        count,
        channels,
        channels,
        #[inline(always)]
        |row, sums: &mut [T]| {
            for ((sum, x), m) in sums.iter_mut().zip(&x[row * channels..][..channels]).zip(&means) {
                let d = *x - *m;
                *sum = d.fma(d, *sum);
            }
        },
    );
    for variance in &mut variances {
        *variance *= scale;
    }
    (means, variances)
}

fn move_towards<T: Real>(buffer: &Buffer, target: Vec<T>, momentum: f64) -> Result<()> {
    let held = dense(&buffer.get())?;
    let momentum = T::of(momentum);
    let moved = view::<T>(OP, &held)?
        .iter()
        .zip(target)
        .map(|(held, target)| (T::ONE - momentum) * *held + momentum * target)
        .collect();
    buffer.set(&tensor::<T>(moved, held.shape())?)
}

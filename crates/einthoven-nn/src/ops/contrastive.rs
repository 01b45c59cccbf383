use candle_core::Tensor;
use rayon::prelude::*;

use super::{Negatives, require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::matrix::{Matrix, product};
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel, rows};

/// `x / max(‖x‖₂, eps)` over the last axis.
///
/// With `y = x/n`, `dx = (dy - y·Σ y·dy)/n`; where the norm is below `eps`, `dx = dy/eps`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when `x` is empty.
pub fn l2_normalize(x: &Tensor, eps: f64) -> Result<Tensor> {
    const OP: &str = "l2_normalize";
    require_operands(OP, &[x])?;
    with_element_type!(OP, x.dtype(), T => normalize::<T>(OP, x, T::of(eps)))
}

fn normalize<T: Real>(op: &'static str, x: &Tensor, eps: T) -> Result<Tensor> {
    let width = x.dims().last().copied().unwrap_or(1);
    let count = x.elem_count() / width;
    let xs = dense(x)?;
    let y = {
        let x = view::<T>(op, &xs)?;
        parallel::fill_rows(
            count,
            width,
            #[inline(always)]
            |row, y: &mut [T]| {
                let x = &x[row * width..][..width];
                let inverse = T::ONE / rows::dot(x, x).sqrt().larger(eps);
                for (y, x) in y.iter_mut().zip(x) {
                    *y = *x * inverse;
                }
            },
        )
    };
    record(op, T::storage(y), x.shape(), &[x], move |gradient, _| {
        let (x, dy) = (view::<T>(op, &xs)?, view::<T>(op, gradient)?);
        let dx = parallel::fill_rows(
            count,
            width,
            #[inline(always)]
            |row, dx: &mut [T]| {
                let (x, dy) = (&x[row * width..][..width], &dy[row * width..][..width]);
                let norm = rows::dot(x, x).sqrt();
                let inverse = T::ONE / norm.larger(eps);
                let along = if norm > eps { rows::dot(x, dy) * inverse * inverse } else { T::ZERO };
                for ((dx, x), dy) in dx.iter_mut().zip(x).zip(dy) {
                    *dx = (*dy - *x * along) * inverse;
                }
            },
        );
        Ok(vec![Some(tensor(dx, xs.shape())?)])
    })
}

const OP: &str = "info_nce";

/// Elements per task of loops over pairs.
const CHUNK: usize = 1 << 14;

/// The symmetric contrastive loss of CLIP (Radford et al., 2021) over matching rows of `text` and `signal`.
///
/// `text`, `signal` `[n, d]`, normalised by the caller; `logit_scale` one number that multiplies the similarities. The
/// loss is the mean of the cross-entropies of rows and of columns of `logit_scale · text · signalᵀ` against the
/// diagonal; `negatives` says which pairs are left out of both.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit or an operand is empty.
pub fn info_nce<'a>(
    text: &Tensor,
    signal: &Tensor,
    logit_scale: &Tensor,
    negatives: impl Into<Negatives<'a>>,
) -> Result<Tensor> {
    let negatives = negatives.into();
    require_operands(OP, &[text, signal, logit_scale])?;
    let fits = text.rank() == 2
        && text.dims() == signal.dims()
        && logit_scale.elem_count() == 1
        && negatives.fits(text.dims()[0]);
    require(OP, fits, || {
        let (text, signal, scale) = (text.dims(), signal.dims(), logit_scale.dims());
        let groups = negatives.groups.map(<[u32]>::len);
        format!("text {text:?}, signal {signal:?}, scale {scale:?}, groups {groups:?} do not fit")
    })?;
    with_element_type!(OP, text.dtype(), T => run::<T>(text, signal, logit_scale, negatives))
}

fn run<T: Real>(text: &Tensor, signal: &Tensor, logit_scale: &Tensor, negatives: Negatives<'_>) -> Result<Tensor> {
    let (n, width) = text.dims2()?;
    let (ts, ss, scale) = (dense(text)?, dense(signal)?, dense(logit_scale)?);
    let factor = view::<T>(OP, &scale)?[0];
    let (loss, slopes) = {
        let (t, s) = (view::<T>(OP, &ts)?, view::<T>(OP, &ss)?);
        let left_out = negatives.left_out(&t, n, width);
        let mut logits = product((n, width, n), Matrix::rows(&t, width), Matrix::rows(&s, width).t());
        mask_and_scale(&mut logits, factor, left_out.as_deref());
        let (by_text, by_signal) = (log_sums_of_rows(&logits, n), log_sums_of_columns(&logits, n));
        let loss: f64 =
            (0..n).map(|i| (by_text[i] - logits[i * n + i] + by_signal[i] - logits[i * n + i]).wide()).sum();
        let slopes = slopes(&logits, n, &by_text, &by_signal);
        (T::of(loss * 0.5 / n as f64), slopes)
    };
    let scale_shape = logit_scale.shape().clone();
    let inputs = [text, signal, logit_scale];
    record(OP, T::storage(vec![loss]), (), &inputs, move |gradient, _| {
        let outer = view::<T>(OP, gradient)?[0];
        let (t, s) = (view::<T>(OP, &ts)?, view::<T>(OP, &ss)?);
        let ([d_text, d_signal], d_scale) = pair_gradients(&slopes, (outer, factor), [&t, &s], n, width);
        Ok(vec![
            Some(tensor(d_text, (n, width))?),
            Some(tensor(d_signal, (n, width))?),
            Some(tensor(vec![d_scale], &scale_shape)?),
        ])
    })
}

/// The gradients of texts and signals, `[n, width]` each, and of the factor of their cosines, from the `slopes` `[n, n]` of a loss in
/// its logits, and from the gradient of the loss.
pub(super) fn pair_gradients<T: Real>(
    slopes: &[T],
    (outer, factor): (T, T),
    [texts, signals]: [&[T]; 2],
    n: usize,
    width: usize,
) -> ([Vec<T>; 2], T) {
    let slopes = Matrix::rows(slopes, n);
    let mut of_texts = product((n, n, width), slopes, Matrix::rows(signals, width));
    let mut of_signals = product((n, n, width), slopes.t(), Matrix::rows(texts, width));
    let of_factor = outer * parallel::dot(texts, &of_texts);
    for gradient in of_texts.iter_mut().chain(&mut of_signals) {
        *gradient *= outer * factor;
    }
    ([of_texts, of_signals], of_factor)
}

/// Multiplies the cosines by `factor`; pairs left out become so negative that they count nothing in any sum.
fn mask_and_scale<T: Real>(cosines: &mut [T], factor: T, left_out: Option<&[bool]>) {
    cosines.par_chunks_mut(CHUNK).enumerate().for_each(|(index, cosines)| {
        for cosine in &mut *cosines {
            *cosine *= factor;
        }
        for (cosine, out) in cosines.iter_mut().zip(left_out.into_iter().flat_map(|all| &all[index * CHUNK..])) {
            if *out {
                *cosine = T::of(-1e30);
            }
        }
    });
}

/// `log Σ exp` of each row of `logits` `[n, n]`.
fn log_sums_of_rows<T: Real>(logits: &[T], n: usize) -> Vec<T> {
    parallel::fill_rows(
        n,
        1,
        #[inline(always)]
        |row, sum: &mut [T]| sum[0] = rows::log_sum_exp(&logits[row * n..][..n]),
    )
}

/// `log Σ exp` of each column of `logits` `[n, n]`, which are read by rows, some columns at a time.
fn log_sums_of_columns<T: Real>(logits: &[T], n: usize) -> Vec<T> {
    const COLUMNS: usize = 64;
    // A sum of many terms is taken in parts, so that it rounds less.
    const PART: usize = 64;
    parallel::fill(
        n,
        COLUMNS,
        #[inline(always)]
        |first, sums: &mut [T]| {
            let width = sums.len();
            let columns = |row: usize| &logits[row * n + first..][..width];
            let mut largest = [T::NEG_INFINITY; COLUMNS];
            for row in 0..n {
                for (largest, logit) in largest.iter_mut().zip(columns(row)) {
                    *largest = largest.larger(*logit);
                }
            }
            for start in (0..n).step_by(PART) {
                let mut part = [T::ZERO; COLUMNS];
                for row in start..(start + PART).min(n) {
                    for ((part, logit), largest) in part.iter_mut().zip(columns(row)).zip(&largest) {
                        *part += (*logit - *largest).exp();
                    }
                }
                for (sum, part) in sums.iter_mut().zip(&part) {
                    *sum += *part;
                }
            }
            for (sum, largest) in sums.iter_mut().zip(&largest) {
                *sum = *largest + sum.ln();
            }
        },
    )
}

/// The slope of the loss in the logits: (row softmax + column softmax - 2 · identity) / 2n.
fn slopes<T: Real>(logits: &[T], n: usize, by_row: &[T], by_column: &[T]) -> Vec<T> {
    let share = T::of(0.5 / n as f64);
    parallel::fill_rows(
        n,
        n,
        #[inline(always)]
        |row, slopes: &mut [T]| {
            let own = by_row[row];
            for ((slope, logit), other) in slopes.iter_mut().zip(&logits[row * n..][..n]).zip(by_column) {
                *slope = share * ((*logit - own).exp() + (*logit - *other).exp());
            }
            slopes[row] -= T::of(2.0) * share;
        },
    )
}

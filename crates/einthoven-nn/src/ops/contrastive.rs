use candle_core::Tensor;

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
    let (loss, cosines, slopes) = {
        let (t, s) = (view::<T>(OP, &ts)?, view::<T>(OP, &ss)?);
        let left_out = negatives.left_out(&t, n, width);
        let cosines = product((n, width, n), Matrix::rows(&t, width), Matrix::rows(&s, width).t());
        let (by_text, text_loss) = softmax_rows(&cosines, n, factor, left_out.as_deref(), false);
        let (by_signal, signal_loss) = softmax_rows(&cosines, n, factor, left_out.as_deref(), true);
        // The slope of the loss in the logits: (row softmax + column softmax - 2 · identity) / 2n.
        let mut slopes = by_text;
        let share = T::of(0.5 / n as f64);
        for row in 0..n {
            for column in 0..n {
                let twice = if row == column { T::of(2.0) } else { T::ZERO };
                let sum = slopes[row * n + column] + by_signal[column * n + row] - twice;
                slopes[row * n + column] = sum * share;
            }
        }
        (T::of((text_loss + signal_loss) * 0.5 / n as f64), cosines, slopes)
    };
    let scale_shape = logit_scale.shape().clone();
    let inputs = [text, signal, logit_scale];
    record(OP, T::storage(vec![loss]), (), &inputs, move |gradient, _| {
        let outer = view::<T>(OP, gradient)?[0];
        let (t, s) = (view::<T>(OP, &ts)?, view::<T>(OP, &ss)?);
        let slopes: Vec<T> = slopes.iter().map(|slope| *slope * outer).collect();
        let d_scale = rows::dot(&slopes, &cosines);
        let slopes: Vec<T> = slopes.into_iter().map(|slope| slope * factor).collect();
        let [d_text, d_signal] = pair_gradients(&slopes, [&t, &s], n, width);
        Ok(vec![
            Some(tensor(d_text, (n, width))?),
            Some(tensor(d_signal, (n, width))?),
            Some(tensor(vec![d_scale], &scale_shape)?),
        ])
    })
}

/// The gradients of texts and signals, `[n, width]` each, from the `slopes` of a loss in their cosines, `[n, n]`.
pub(super) fn pair_gradients<T: Real>(
    slopes: &[T],
    [texts, signals]: [&[T]; 2],
    n: usize,
    width: usize,
) -> [Vec<T>; 2] {
    let d = Matrix::rows(slopes, n);
    let of_texts = product((n, n, width), d, Matrix::rows(signals, width));
    let of_signals = product((n, n, width), d.t(), Matrix::rows(texts, width));
    [of_texts, of_signals]
}

/// The softmax of each row of `factor · cosines` (of its transpose if `transpose` is set) without the pairs left out,
/// and the sum of the cross-entropies against the diagonal.
fn softmax_rows<T: Real>(
    cosines: &[T],
    n: usize,
    factor: T,
    left_out: Option<&[bool]>,
    transpose: bool,
) -> (Vec<T>, f64) {
    let mut losses = vec![0.0; n];
    let mut logits = vec![T::ZERO; n * n];
    for (row, (logits, loss)) in logits.chunks_exact_mut(n).zip(&mut losses).enumerate() {
        for (column, logit) in logits.iter_mut().enumerate() {
            let at = if transpose { column * n + row } else { row * n + column };
            let out = left_out.is_some_and(|left_out| left_out[row * n + column]);
            *logit = if out { T::NEG_INFINITY } else { factor * cosines[at] };
        }
        let target = logits[row];
        *loss = (rows::log_sum_exp(logits) - target).wide();
        rows::softmax(logits);
    }
    (logits, losses.into_iter().sum())
}

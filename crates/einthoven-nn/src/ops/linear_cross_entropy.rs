use candle_core::Tensor;

use super::{require, require_operands, scaled, tensor};
use crate::Result;
use crate::autograd::{is_tracked, record};
use crate::cpu::matrix::{Matrix, Threads, product_into};
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel, rows};

const OP: &str = "linear_cross_entropy";

/// The most logits in memory at a time.
const CHUNK: usize = 1 << 24;

/// The mean over rows of `-log softmax(x wᵀ)[target]`, rows whose target is `ignore` left out.
///
/// `x` `[n, k]`, `w` `[v, k]`, `targets` `[n]`, a scalar. The logits exist for a few rows at a time, and the gradients
/// are computed along with them.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit, an operand is empty, every row is left out or a target is
/// not below `v`.
pub fn linear_cross_entropy(x: &Tensor, w: &Tensor, targets: &[u32], ignore: Option<u32>) -> Result<Tensor> {
    require_operands(OP, &[x, w])?;
    let fits = x.rank() == 2 && w.rank() == 2 && x.dims()[1] == w.dims()[1] && x.dims()[0] == targets.len();
    require(OP, fits, || {
        let (x, w) = (x.dims(), w.dims());
        format!("x {x:?}, weight {w:?} and {} targets do not fit", targets.len())
    })?;
    let classes = w.dims()[0];
    let kept: Vec<usize> = (0..targets.len()).filter(|row| Some(targets[*row]) != ignore).collect();
    require(OP, !kept.is_empty(), || "every target is to be ignored".to_owned())?;
    let highest = kept.iter().map(|row| targets[*row] as usize).max().unwrap_or(0);
    require(OP, highest < classes, || format!("target {highest} of {classes} classes"))?;
    with_element_type!(OP, x.dtype(), T => run::<T>(x, w, targets, &kept))
}

fn run<T: Real>(x: &Tensor, w: &Tensor, targets: &[u32], kept: &[usize]) -> Result<Tensor> {
    let (all, inner) = x.dims2()?;
    let classes = w.dim(0)?;
    let (xs, ws) = (dense(x)?, dense(w)?);
    let ws = view::<T>(OP, &ws)?;
    let xs: Vec<T> = {
        let xs = view::<T>(OP, &xs)?;
        kept.iter().flat_map(|row| xs[row * inner..][..inner].iter().copied()).collect()
    };
    let count = kept.len();
    let share = T::of(1.0 / count as f64);
    let (wants_dx, wants_dw) = (is_tracked(&[x]), is_tracked(&[w]));
    let mut dx = vec![T::ZERO; if wants_dx { count * inner } else { 0 }];
    let mut dw = vec![T::ZERO; if wants_dw { classes * inner } else { 0 }];
    // Chunks of equal size, so that the last is not a sliver.
    let chunks = (count * classes).div_ceil(CHUNK).clamp(1, count);
    let step = count.div_ceil(chunks);
    let mut logits = vec![T::ZERO; step * classes];
    let mut total = 0.0;
    for first in (0..count).step_by(step) {
        let rows_here = step.min(count - first);
        let x = &xs[first * inner..][..rows_here * inner];
        let logits = &mut logits[..rows_here * classes];
        let (a, b) = (Matrix::rows(x, inner), Matrix::rows(&ws, inner));
        let size = (rows_here, inner, classes);
        product_into(size, logits, classes, false, a, b.t(), T::ONE, Threads::All);
        // Each row of logits becomes the row of their gradients.
        let losses = parallel::update_rows_and_sum(
            logits,
            classes,
            1,
            #[inline(always)]
            |row, logits: &mut [T], loss: &mut [T]| {
                let target = targets[kept[first + row]] as usize;
                let shift = rows::log_sum_exp(logits);
                loss[0] += shift - logits[target];
                if wants_dx || wants_dw {
                    for logit in logits.iter_mut() {
                        *logit = share * (*logit - shift).exp();
                    }
                    logits[target] -= share;
                }
            },
        );
        total += losses[0].wide();
        let d = Matrix::rows(logits, classes);
        if wants_dx {
            let dx = &mut dx[first * inner..][..rows_here * inner];
            let size = (rows_here, classes, inner);
            product_into(size, dx, inner, false, d, b, T::ONE, Threads::All);
        }
        if wants_dw {
            let size = (classes, rows_here, inner);
            product_into(size, &mut dw, inner, first > 0, d.t(), a, T::ONE, Threads::All);
        }
    }
    let dx = wants_dx.then(|| tensor(spread(dx, kept, all, inner), (all, inner))).transpose()?;
    let dw = wants_dw.then(|| tensor(dw, (classes, inner))).transpose()?;
    let loss = T::of(total / count as f64);
    record(OP, T::storage(vec![loss]), (), &[x, w], move |gradient, _| {
        let factor = view::<T>(OP, gradient)?[0];
        let times = |held: &Option<Tensor>| held.as_ref().map(|held| scaled(OP, held, factor)).transpose();
        Ok(vec![times(&dx)?, times(&dw)?])
    })
}

/// Puts the kept rows back into a matrix of `all` rows that is zero elsewhere.
fn spread<T: Real>(values: Vec<T>, kept: &[usize], all: usize, width: usize) -> Vec<T> {
    if kept.len() == all {
        return values;
    }
    let mut whole = vec![T::ZERO; all * width];
    for (row, values) in kept.iter().zip(values.chunks_exact(width)) {
        whole[row * width..][..width].copy_from_slice(values);
    }
    whole
}

use candle_core::Tensor;

use super::{require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel, rows};

const OP: &str = "cross_entropy";

/// Mean over rows of `-log softmax(logits)[target]`: `logits` `[n, c]`, `targets` `[n]`, a scalar.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit, an operand is empty or a target is not below `c`.
pub fn cross_entropy(logits: &Tensor, targets: &[u32]) -> Result<Tensor> {
    require_operands(OP, &[logits])?;
    let fits = logits.rank() == 2 && logits.dims()[0] == targets.len();
    require(OP, fits, || format!("logits {:?} and {} targets do not fit", logits.dims(), targets.len()))?;
    let classes = logits.dims()[1];
    let highest = targets.iter().max().copied().unwrap_or(0) as usize;
    require(OP, highest < classes, || format!("target {highest} of {classes} classes"))?;
    with_element_type!(OP, logits.dtype(), T => run::<T>(logits, targets))
}

fn run<T: Real>(logits: &Tensor, targets: &[u32]) -> Result<Tensor> {
    let (count, classes) = logits.dims2()?;
    let xs = dense(logits)?;
    let log_sums = {
        let x = view::<T>(OP, &xs)?;
        parallel::fill(
            count,
            parallel::rows_per_chunk(classes),
            #[inline(always)]
            |start, sums: &mut [T]| {
                for (i, sum) in sums.iter_mut().enumerate() {
                    *sum = rows::log_sum_exp(&x[(start + i) * classes..][..classes]);
                }
            },
        )
    };
    let total: f64 = {
        let x = view::<T>(OP, &xs)?;
        let losses = log_sums.iter().zip(targets).enumerate();
        losses.map(|(row, (sum, t))| (*sum - x[row * classes + *t as usize]).wide()).sum()
    };
    let targets = targets.to_vec();
    let loss = T::of(total / count as f64);
    record(OP, T::storage(vec![loss]), (), &[logits], move |gradient, _| {
        let x = view::<T>(OP, &xs)?;
        let scale = view::<T>(OP, gradient)?[0] * T::of(1.0 / count as f64);
        let dx = parallel::fill_rows(
            count,
            classes,
            #[inline(always)]
            |row, dx: &mut [T]| {
                let shift = log_sums[row];
                for (dx, x) in dx.iter_mut().zip(&x[row * classes..]) {
                    *dx = scale * (*x - shift).exp();
                }
                dx[targets[row] as usize] -= scale;
            },
        );
        Ok(vec![Some(tensor(dx, (count, classes))?)])
    })
}

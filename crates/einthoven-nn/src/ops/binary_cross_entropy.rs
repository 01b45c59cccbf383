use candle_core::Tensor;

use super::siglip::softplus;
use super::{require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel};

const OP: &str = "binary_cross_entropy";

/// Mean binary cross-entropy of logits, the loss of several labels that may be true together.
///
/// `logits` `[n, c]`, `targets` `n · c` answers in the same order. With `x` a logit and `y` its target as 1 or 0, the loss is
/// the mean of `log(1 + eˣ) - y x`; its gradient in `x` is `(σ(x) - y) / (n c)`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when there is not one target for each logit, or the logits are empty or not `[n, c]`.
pub fn binary_cross_entropy(logits: &Tensor, targets: &[bool]) -> Result<Tensor> {
    require_operands(OP, &[logits])?;
    require(OP, logits.rank() == 2 && logits.elem_count() == targets.len(), || {
        format!("logits {:?} and {} targets do not fit", logits.dims(), targets.len())
    })?;
    with_element_type!(OP, logits.dtype(), T => run::<T>(logits, targets))
}

fn run<T: Real>(logits: &Tensor, targets: &[bool]) -> Result<Tensor> {
    let width = logits.dims()[1];
    let share = T::of(1.0 / targets.len() as f64);
    let mut slopes = view::<T>(OP, &dense(logits)?)?.to_vec();
    // Each row of logits becomes the row of slopes of the loss in them.
    let sums = parallel::update_rows_and_sum(
        &mut slopes,
        width,
        1,
        #[inline(always)]
        |row, values: &mut [T], sum: &mut [T]| {
            for (value, &target) in values.iter_mut().zip(&targets[row * width..]) {
                // What is lost is log(1 + exp(miss)).
                let (miss, sign) = if target { (-*value, -share) } else { (*value, share) };
                sum[0] += softplus(miss);
                *value = sign * miss.sigmoid();
            }
        },
    );
    let shape = logits.shape().clone();
    record(OP, T::storage(vec![sums[0] * share]), (), &[logits], move |gradient, _| {
        let outer = view::<T>(OP, gradient)?[0];
        Ok(vec![Some(tensor(slopes.iter().map(|&slope| outer * slope).collect(), &shape)?)])
    })
}

use candle_core::Tensor;

use super::contrastive::pair_gradients;
use super::{Negatives, require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::matrix::{Matrix, product};
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel, rows};

const OP: &str = "siglip";

/// The sigmoid contrastive loss of SigLIP (Zhai et al., arXiv 2303.15343) over matching rows of `text` and `signal`.
///
/// `text`, `signal` `[n, d]`, normalised by the caller; `logit_scale` and `logit_bias` one number each. With
/// `l = logit_scale · text · signalᵀ + logit_bias`, the loss is `-1/n · Σ log σ(±l)` over the pairs, with a plus for those
/// that match and a minus for the `negatives`. Each pair counts by itself: there is no softmax over the batch.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit or an operand is empty.
pub fn siglip<'a>(
    text: &Tensor,
    signal: &Tensor,
    logit_scale: &Tensor,
    logit_bias: &Tensor,
    negatives: impl Into<Negatives<'a>>,
) -> Result<Tensor> {
    let negatives = negatives.into();
    require_operands(OP, &[text, signal, logit_scale, logit_bias])?;
    let numbers = logit_scale.elem_count() == 1 && logit_bias.elem_count() == 1;
    let fits = numbers && text.rank() == 2 && text.dims() == signal.dims() && negatives.fits(text.dims()[0]);
    require(OP, fits, || {
        let (text, signal) = (text.dims(), signal.dims());
        let (scale, bias, groups) = (logit_scale.dims(), logit_bias.dims(), negatives.groups.map(<[u32]>::len));
        format!("text {text:?}, signal {signal:?}, scale {scale:?}, bias {bias:?}, groups {groups:?} do not fit")
    })?;
    with_element_type!(OP, text.dtype(), T => run::<T>(text, signal, logit_scale, logit_bias, negatives))
}

fn run<T: Real>(
    text: &Tensor,
    signal: &Tensor,
    logit_scale: &Tensor,
    logit_bias: &Tensor,
    negatives: Negatives<'_>,
) -> Result<Tensor> {
    let (n, width) = text.dims2()?;
    let (ts, ss, scale) = (dense(text)?, dense(signal)?, dense(logit_scale)?);
    let factor = view::<T>(OP, &scale)?[0];
    let bias = view::<T>(OP, &dense(logit_bias)?)?[0];
    let (loss, slopes) = {
        let (t, s) = (view::<T>(OP, &ts)?, view::<T>(OP, &ss)?);
        let left_out = negatives.left_out(&t, n, width);
        let mut slopes = product((n, width, n), Matrix::rows(&t, width), Matrix::rows(&s, width).t());
        let share = T::of(1.0 / n as f64);
        // Each row of cosines becomes the row of slopes of the loss in the logits.
        let sums = parallel::update_rows_and_sum(
            &mut slopes,
            n,
            1,
            #[inline(always)]
            |row, values: &mut [T], sum: &mut [T]| {
                for (column, value) in values.iter_mut().enumerate() {
                    if left_out.as_ref().is_some_and(|left_out| left_out[row * n + column]) {
                        *value = T::ZERO;
                        continue;
                    }
                    let logit = value.fma(factor, bias);
                    // What the pair loses is log(1 + exp(miss)).
                    let (miss, sign) = if row == column { (-logit, -share) } else { (logit, share) };
                    sum[0] += softplus(miss);
                    *value = sign * miss.sigmoid();
                }
            },
        );
        (sums[0] * share, slopes)
    };
    let (scale_shape, bias_shape) = (logit_scale.shape().clone(), logit_bias.shape().clone());
    let inputs = [text, signal, logit_scale, logit_bias];
    record(OP, T::storage(vec![loss]), (), &inputs, move |gradient, _| {
        let outer = view::<T>(OP, gradient)?[0];
        let (t, s) = (view::<T>(OP, &ts)?, view::<T>(OP, &ss)?);
        let ([d_text, d_signal], d_scale) = pair_gradients(&slopes, (outer, factor), [&t, &s], n, width);
        let d_bias = outer * rows::sum(&slopes);
        Ok(vec![
            Some(tensor(d_text, (n, width))?),
            Some(tensor(d_signal, (n, width))?),
            Some(tensor(vec![d_scale], &scale_shape)?),
            Some(tensor(vec![d_bias], &bias_shape)?),
        ])
    })
}

/// `log(1 + exp(x))`, to full precision where it is small too: most pairs of a batch lose little.
#[inline(always)]
pub(super) fn softplus<T: Real>(x: T) -> T {
    let (above, below) = if x > T::ZERO { (x, -x) } else { (T::ZERO, x) };
    let u = below.exp();
    let one_more = T::ONE + u;
    // Kahan's log(1 + u): what rounding did to 1 + u is divided out.
    above + if one_more == T::ONE { u } else { one_more.ln() * u / (one_more - T::ONE) }
}

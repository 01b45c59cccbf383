use candle_core::Tensor;

use super::{Negatives, dropout, info_nce, l2_normalize};
use crate::{Pass, Result};

/// The contrastive loss between two views of the rows of `x` `[n, d]` that dropout makes: the uni-modal alignment of MERL (Liu et
/// al., ICML 2024, arXiv 2403.06659), for texts known as SimCSE (Gao et al., 2021).
///
/// Each view is `x` with elements dropped at `rate`, its rows brought to length one; `pass` draws for the first view and then for the
/// second. The loss is [`info_nce`] of the two with the factor `logit_scale` on their cosines: every other row is a negative.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when `x` is no matrix or empty, or `rate` not below one.
pub fn dropout_views(x: &Tensor, rate: f64, logit_scale: f64, pass: &Pass) -> Result<Tensor> {
    let view = || l2_normalize(&dropout(x, rate, pass)?, 1e-12);
    let (first, second) = (view()?, view()?);
    let scale = Tensor::full(logit_scale, 1, x.device())?.to_dtype(x.dtype())?;
    info_nce(&first, &second, &scale, Negatives::default())
}

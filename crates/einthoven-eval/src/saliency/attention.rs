//! Attention: where the network gathers what it makes of a recording.

use candle_core::Tensor;
use einthoven_nn::without_gradients;

use super::{Attribution, Compared, Method, numbers};
use crate::error::{Error, Result};

/// The attention of each time step, `weights` as [`Towers::attention`](einthoven_models::Towers::attention) gives them, in equal parts for
/// all leads, which attention does not tell apart; the sum of all values is 1.
///
/// It does not depend on the text, and says neither for nor against; `score`, a function from `[batch, leads, samples]` to `[batch]`, is
/// asked for the scores alone.
///
/// # Errors
/// [`Error::Explanation`] without a weight; those of `score`.
pub fn attention(
    compared: &Compared,
    weights: &[f64],
    score: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Attribution> {
    if weights.is_empty() {
        return Err(Error::Explanation { what: "attention", expected: "at least one time step", found: "none".into() });
    }
    let ends = compared.tensor([compared.signal.as_slice(), &compared.flat].concat())?;
    let ends = numbers(&without_gradients(|| score(&ends))?)?;
    // A step stands for so many samples, some encoders rounding their number down and others up.
    let window = (compared.samples as f64 / weights.len() as f64).round().max(1.0) as usize;
    let of_lead = weights.iter().map(|weight| weight / compared.leads as f64);
    let values = (0..compared.leads).flat_map(|_| of_lead.clone()).collect();
    let (score, flat_score) = (ends[0], ends[1]);
    Ok(Attribution { method: Method::Attention, leads: compared.leads, window, values, score, flat_score })
}

//! Integrated gradients (Sundararajan, Taly and Yan, ICML 2017, arXiv 1703.01365).

use candle_core::{DType, Tensor, Var};
use einthoven_nn::{backward, without_gradients};

use super::{Attribution, Compared, Method, numbers};
use crate::error::Result;

/// By how much the sum of attributions may miss the difference of the scores: this part of the difference, and 10⁻⁴.
pub const TOLERANCE: f64 = 0.01;

/// Points of the first approximation of the integral; each further one has three times as many.
const FIRST: usize = 12;
/// Points of the last one.
const LAST: usize = FIRST * 81;
/// Points that go through the network at once.
const BATCH: usize = 6;

/// The attribution of each sample: its distance from the flat line times the mean gradient of the score along the straight
/// line from there.
///
/// `score` is a differentiable function from `[batch, leads, samples]` to `[batch]`, made of `einthoven-nn`'s operations. The
/// mean is over midpoints of 12 equal steps, then 36, and so on until attributions add up to the difference of the scores within
/// [`TOLERANCE`]; after 972 steps the last are returned, and [`Attribution::gap`] says how far they are off.
///
/// # Errors
/// Those of `score` and of its backward pass.
pub fn integrated_gradients(compared: &Compared, score: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Attribution> {
    let ends = compared.tensor([compared.signal.as_slice(), &compared.flat].concat())?;
    let ends = numbers(&without_gradients(|| score(&ends))?)?;
    let (signal_score, flat_score) = (ends[0], ends[1]);
    let mut gradients = vec![0.0; compared.signal.len()];
    let mut steps = FIRST;
    loop {
        // Of three midpoints the middle one is a midpoint of the coarser steps, and already counted.
        let fresh: Vec<f64> = (0..steps)
            .filter(|step| steps == FIRST || step % 3 != 1)
            .map(|step| (step as f64 + 0.5) / steps as f64)
            .collect();
        for places in fresh.chunks(BATCH) {
            add_gradients(compared, places, &score, &mut gradients)?;
        }
        let differences = compared.signal.iter().zip(&compared.flat).map(|(x, flat)| f64::from(*x) - f64::from(*flat));
        let values = differences.zip(&gradients).map(|(difference, sum)| difference * sum / steps as f64).collect();
        let method = Method::IntegratedGradients;
        let found = Attribution { method, leads: compared.leads, window: 1, values, score: signal_score, flat_score };
        if found.gap().abs() <= TOLERANCE * (signal_score - flat_score).abs() + 1e-4 || steps >= LAST {
            return Ok(found);
        }
        steps *= 3;
    }
}

/// Adds the gradients of the score at `places` between the flat line (0) and the signal (1).
fn add_gradients(
    compared: &Compared,
    places: &[f64],
    score: impl Fn(&Tensor) -> Result<Tensor>,
    sums: &mut [f64],
) -> Result<()> {
    let ends = || compared.signal.iter().zip(&compared.flat);
    let at = |&place: &f64| {
        ends().map(move |(&x, &flat)| (f64::from(flat) + place * (f64::from(x) - f64::from(flat))) as f32)
    };
    let points = Var::from_tensor(&compared.tensor(places.iter().flat_map(at).collect())?)?;
    let gradients = backward(&score(points.as_tensor())?.sum_all()?)?;
    // A score that does not depend on the input has no gradient, and owes nothing to it.
    if let Some(gradient) = gradients.get(&points) {
        let gradient = gradient.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
        for row in gradient.chunks_exact(sums.len()) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += value;
            }
        }
    }
    Ok(())
}

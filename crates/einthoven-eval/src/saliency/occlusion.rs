//! Occlusion (Zeiler and Fergus, ECCV 2014), lead by lead.

use candle_core::Tensor;
use einthoven_nn::without_gradients;

use super::{Attribution, Compared, Method, numbers};
use crate::error::{Error, Result};

/// Recordings that go through the network at once.
const BATCH: usize = 16;

/// The attribution of windows of `window` samples: what the score loses when the window of that lead alone is flat.
///
/// `score` is a function from `[batch, leads, samples]` to `[batch]`. Windows follow each other without overlap; those of padding
/// alone have attribution 0.
///
/// # Errors
/// [`Error::Explanation`] for windows of no sample; those of `score`.
pub fn occlusion(compared: &Compared, window: usize, score: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Attribution> {
    if window == 0 {
        return Err(Error::Explanation { what: "the window", expected: "at least one sample", found: "0".into() });
    }
    let score = |signals: Vec<f32>| numbers(&without_gradients(|| score(&compared.tensor(signals)?))?);
    let ends = score([compared.signal.as_slice(), &compared.flat].concat())?;
    let windows = compared.samples.div_ceil(window);
    let mut values = vec![0.0; compared.leads * windows];
    let place = |index: usize| {
        let (lead, start) = (index / windows, index % windows * window);
        let end = (start + window).min(compared.samples);
        lead * compared.samples + start..lead * compared.samples + end
    };
    let changes: Vec<usize> =
        (0..values.len()).filter(|&index| compared.signal[place(index)] != compared.flat[place(index)]).collect();
    for batch in changes.chunks(BATCH) {
        let mut signals = compared.signal.repeat(batch.len());
        for (signal, &index) in signals.chunks_exact_mut(compared.signal.len()).zip(batch) {
            signal[place(index)].copy_from_slice(&compared.flat[place(index)]);
        }
        for (&index, occluded) in batch.iter().zip(score(signals)?) {
            values[index] = ends[0] - occluded;
        }
    }
    let (score, flat_score) = (ends[0], ends[1]);
    Ok(Attribution { method: Method::Occlusion, leads: compared.leads, window, values, score, flat_score })
}

//! ESI as a model of two towers.

use candle_core::Tensor;
use einthoven_nn::{Pass, without_gradients};

use super::Esi;
use crate::attended::single;
use crate::{Features, Result, SignalEncoder, TokenBatch, Towers};

impl Towers for Esi {
    fn latents(&self) -> usize {
        self.config.latents
    }

    fn signal_embeddings(&self, signals: &Tensor, valid: Option<&[usize]>) -> Result<Tensor> {
        self.signal_embeddings(signals, valid)
    }

    fn encode_texts(&self, tokens: &TokenBatch) -> Result<Tensor> {
        self.encode_texts(tokens)
    }

    /// Of a `corrected` model the weights by which the embedding's query gathers the encoder's features; of a `paper` model, which
    /// attends to nothing, the encoder's.
    fn attention(&self, signals: &Tensor, valid: Option<&[usize]>) -> Result<Option<Vec<f64>>> {
        single(signals)?;
        let signals = signals.to_dtype(self.temperature.dtype())?;
        let Some(corrected) = &self.corrected else { return self.encoder.attention(&signals, None) };
        without_gradients(|| {
            let Features { sequence, lengths, .. } = self.encoder.forward(&signals, valid, &Pass::evaluate())?;
            let query = corrected.queries.narrow(0, 0, 1)?;
            Ok(Some(self.pool.weights(&query, &sequence, lengths.as_deref())?))
        })
    }

    fn logit_scale(&self) -> Result<f64> {
        self.logit_scale()
    }
}

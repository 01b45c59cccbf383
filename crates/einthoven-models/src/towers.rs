use candle_core::Tensor;
use einthoven_nn::without_gradients;

use crate::{Result, TokenBatch};

/// A model of two towers, one for recordings and one for texts, that lead into one space: there the dot product of two embeddings, each of
/// length 1, says how well a text fits a recording.
pub trait Towers {
    /// Width of the shared space.
    fn latents(&self) -> usize;

    /// Embeddings of recordings `[batch, leads, samples]`, `[batch, latents]`, with gradients, those with respect to `signals` included.
    ///
    /// `valid` says how many samples of each recording are not padding; some models take no notice of it.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) if the signals do not fit the model.
    fn signal_embeddings(&self, signals: &Tensor, valid: Option<&[usize]>) -> Result<Tensor>;

    /// As [`signal_embeddings`](Self::signal_embeddings), without gradients.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) if the signals do not fit the model.
    fn encode_signals(&self, signals: &Tensor, valid: Option<&[usize]>) -> Result<Tensor> {
        without_gradients(|| self.signal_embeddings(signals, valid))
    }

    /// Embeddings of texts, `[texts, latents]`, without gradients.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) if the tokens do not fit the model.
    fn encode_texts(&self, tokens: &TokenBatch) -> Result<Tensor>;

    /// How much of the embedding of a single recording `[1, leads, samples]` comes from each time step of the signal encoder, as far as
    /// attention says: numbers from 0 on whose sum is 1. `None` where no attention goes over time.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) if the signals do not fit the model.
    fn attention(&self, signals: &Tensor, valid: Option<&[usize]>) -> Result<Option<Vec<f64>>>;

    /// The factor on cosine similarities in the contrastive loss.
    ///
    /// # Errors
    /// Fails when the tensor library does.
    fn logit_scale(&self) -> Result<f64>;
}

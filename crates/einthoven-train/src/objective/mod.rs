//! What is minimised: a batch goes in, named losses and their weighted sum come out.

mod cached;

use candle_core::{Device, Tensor};
use einthoven_corpus::Batch;
use einthoven_models::{Captions, Esi, LossWeights};
use einthoven_nn::{Gradients, Negatives, Pass, backward};

use crate::Result;
use crate::captions::TokenizedCaptions;
use crate::config::LossConfig;
use crate::locked_text::LockedText;
use crate::trainer::clock::{Clock, Phase};

/// The objective of ESI: the contrastive loss between signals and captions and the captioning loss.
#[derive(Debug)]
pub struct Objective {
    model: Esi,
    captions: TokenizedCaptions,
    weights: LossWeights,
    /// The largest cosine of texts that are negatives of each other.
    largest_cosine: Option<f64>,
    locked_text: LockedText,
    device: Device,
}

/// The losses of a batch.
#[derive(Debug)]
pub struct Losses {
    /// The weighted sum, a scalar with a gradient.
    pub total: Tensor,
    /// Each loss before weighting, by its name in the metric log.
    pub named: Vec<(&'static str, f64)>,
}

impl Objective {
    /// The objective of `model` on the records that `captions` belong to.
    pub fn new(model: Esi, captions: TokenizedCaptions, losses: &LossConfig, device: Device) -> Self {
        let weights = LossWeights { contrastive: losses.contrastive, caption: losses.caption };
        let largest_cosine = losses.near_duplicate;
        Self { model, captions, weights, largest_cosine, locked_text: LockedText::default(), device }
    }

    /// The model.
    pub fn model(&self) -> &Esi {
        &self.model
    }

    /// The weights of the losses.
    pub(crate) fn weights(&self) -> LossWeights {
        self.weights
    }

    /// Tokens of a caption on average, rounded up.
    pub(crate) fn caption_length(&self) -> usize {
        self.captions.tokens().div_ceil(self.captions.len().max(1))
    }

    /// The losses of a batch; those of weight 0 are left out. Records whose captions are the same, token by token, or
    /// nearly the same, do not count as negatives of each other where the model's mode says so. A text encoder that is
    /// locked does not learn.
    ///
    /// # Errors
    /// [`crate::Error::Model`] when the model cannot take the batch.
    pub fn losses(&mut self, batch: &Batch, text_is_locked: bool, pass: &Pass) -> Result<Losses> {
        let signals = self.signals(batch)?;
        let tokens = self.captions.batch(&batch.indices)?;
        let groups = tokens.groups();
        let pooled = text_is_locked.then(|| self.locked_text.pooled(&self.model, &tokens)).transpose()?;
        let captions = Captions { tokens: &tokens, negatives: self.negatives(&groups), pooled: pooled.as_ref() };
        let losses = self.model.losses(&signals, Some(&batch.valid), captions, self.weights, pass)?;
        let mut named = vec![("loss", scalar(&losses.total)?)];
        for (name, loss) in [("loss_contrastive", &losses.contrastive), ("loss_caption", &losses.caption)] {
            if let Some(loss) = loss {
                named.push((name, scalar(loss)?));
            }
        }
        Ok(Losses { total: losses.total, named })
    }

    /// Adds the gradient of the losses of `batches`, contrasted as one, to `sum`; returns what there is to log.
    /// `pass` gives the pass of a batch, the same each time it is asked.
    pub(crate) fn add_gradients(
        &mut self,
        batches: &[Batch],
        text_is_locked: bool,
        pass: impl Fn(usize) -> Pass,
        sum: &mut Gradients,
        clock: &mut Clock,
    ) -> Result<Vec<(&'static str, f64)>> {
        let [batch] = batches else {
            return self.add_cached_gradients(batches, text_is_locked, pass, sum, clock);
        };
        let losses = clock.time(Phase::Forward, || self.losses(batch, text_is_locked, &pass(0)))?;
        clock.time(Phase::Backward, || sum.accumulate(backward(&losses.total)?))?;
        Ok(losses.named)
    }

    /// The negatives among records whose captions have these `groups`.
    fn negatives<'a>(&self, groups: &'a [u32]) -> Negatives<'a> {
        Negatives { groups: Some(groups), largest_cosine: self.largest_cosine }
    }

    /// `[batch, leads, samples]`.
    fn signals(&self, batch: &Batch) -> Result<Tensor> {
        let shape = (batch.len(), batch.leads, batch.samples);
        Ok(Tensor::from_slice(&batch.signals, shape, &self.device)?)
    }
}

fn scalar(tensor: &Tensor) -> Result<f64> {
    Ok(tensor.to_dtype(candle_core::DType::F64)?.to_scalar()?)
}

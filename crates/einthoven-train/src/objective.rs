//! What is minimised: a batch goes in, named losses and their weighted sum come out.

use candle_core::{Device, Tensor};
use einthoven_corpus::Batch;
use einthoven_models::{Esi, LossWeights};
use einthoven_nn::Pass;

use crate::Result;
use crate::captions::TokenizedCaptions;
use crate::config::LossConfig;

/// The objective of ESI: the contrastive loss between signals and captions and the captioning loss.
#[derive(Debug)]
pub struct Objective {
    model: Esi,
    captions: TokenizedCaptions,
    weights: LossWeights,
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
        Self { model, captions, weights, device }
    }

    /// The model.
    pub fn model(&self) -> &Esi {
        &self.model
    }

    /// The losses of a batch. Records whose captions are the same, token by token, do not count as negatives of each
    /// other where the model's mode says so.
    ///
    /// # Errors
    /// [`crate::Error::Model`] when the model cannot take the batch.
    pub fn losses(&self, batch: &Batch, pass: &Pass) -> Result<Losses> {
        let shape = (batch.len(), batch.leads, batch.samples);
        let signals = Tensor::from_slice(&batch.signals, shape, &self.device)?;
        let tokens = self.captions.batch(&batch.indices)?;
        let groups = tokens.groups();
        let losses = self.model.losses(&signals, Some(&batch.valid), &tokens, Some(&groups), self.weights, pass)?;
        let named = vec![
            ("loss", scalar(&losses.total)?),
            ("loss_contrastive", scalar(&losses.contrastive)?),
            ("loss_caption", scalar(&losses.caption)?),
        ];
        Ok(Losses { total: losses.total, named })
    }
}

fn scalar(tensor: &Tensor) -> Result<f64> {
    Ok(tensor.to_dtype(candle_core::DType::F64)?.to_scalar()?)
}

//! Supervised training: the binary cross-entropy of each class of a label set.

use candle_core::{Device, Tensor};
use einthoven_corpus::Batch;
use einthoven_models::Classifier;
use einthoven_nn::{Gradients, backward, binary_cross_entropy};
use einthoven_random::Stream;
use rand::RngExt;

use super::{Objective, PretrainedPart, Round, scalar};
use crate::config::{LossConfig, TrainConfig};
use crate::trainer::clock::{Clock, Phase};
use crate::{Error, Result};

/// The objective of a classifier: the mean binary cross-entropy over records and classes.
///
/// Where the classifier sees crops, it learns from one crop of each record, at a place drawn anew in each step.
#[derive(Debug)]
pub struct ClassifierObjective {
    model: Classifier,
    /// Whether a record belongs to a class, `[record][class]`.
    targets: Vec<Vec<bool>>,
    device: Device,
}

impl ClassifierObjective {
    /// The objective of `model` on records that belong to the classes of `targets`, `[record][class]`.
    ///
    /// # Errors
    /// [`Error::Config`] for what only pretraining knows; [`Error::Labels`] if the targets are of other classes.
    pub fn new(model: Classifier, targets: Vec<Vec<bool>>, config: &TrainConfig, device: Device) -> Result<Self> {
        let plain = TrainConfig::default();
        for (key, is_set) in [
            ("contrastive_batch", config.contrastive_batch.is_some()),
            ("text_learning_rate_scale", config.text_learning_rate_scale != plain.text_learning_rate_scale),
            ("text_layer_decay", config.text_layer_decay.is_some()),
            ("unlock_text", config.unlock_text.is_some()),
            ("lock_text_projection", config.lock_text_projection),
            ("max_tokens", config.max_tokens != plain.max_tokens),
            ("losses", config.losses != LossConfig::default()),
        ] {
            if is_set {
                let message = "is for models that read texts; leave it out of a classifier's experiment".to_owned();
                return Err(Error::Config { key, message });
            }
        }
        if let Some(row) = targets.iter().find(|row| row.len() != model.classes()) {
            let message = format!("are of {} classes, the classifier has {}", row.len(), model.classes());
            return Err(Error::Labels { message });
        }
        Ok(Self { model, targets, device })
    }

    /// The mean loss of a batch, a scalar with a gradient.
    fn loss(&self, batch: &Batch, round: &Round, index: usize) -> Result<Tensor> {
        let targets = batch.indices.iter().map(|&index| {
            let message = || format!("end before record {index}, there are {}", self.targets.len());
            self.targets.get(index).map(Vec::as_slice).ok_or_else(|| Error::Labels { message: message() })
        });
        let targets = targets.collect::<Result<Vec<_>>>()?.concat();
        let (signals, valid) = self.signals(batch, round.stream("crop", index))?;
        let pass = round.pass(index);
        let pooled = self.model.pooled(&signals, Some(&valid), round.signal_layers, &pass)?;
        Ok(binary_cross_entropy(&self.model.logits(&pooled, &pass)?, &targets)?)
    }

    /// `[batch, leads, samples]`, cropped where the classifier sees crops, and how many samples of each record are real.
    fn signals(&self, batch: &Batch, mut stream: Stream) -> Result<(Tensor, Vec<usize>)> {
        let (records, leads, samples) = (batch.len(), batch.leads, batch.samples);
        let Some(crop) = self.model.config().crop.filter(|crop| crop.samples < samples) else {
            let signals = Tensor::from_slice(&batch.signals, (records, leads, samples), &self.device)?;
            return Ok((signals, batch.valid.clone()));
        };
        let (mut cropped, mut valid) = (Vec::with_capacity(records * leads * crop.samples), Vec::new());
        for (record, &real) in batch.signals.chunks(leads * samples).zip(&batch.valid) {
            let start = stream.random_range(0..=real.saturating_sub(crop.samples));
            for lead in record.chunks(samples) {
                cropped.extend_from_slice(&lead[start..start + crop.samples]);
            }
            valid.push((real - start).min(crop.samples));
        }
        Ok((Tensor::from_vec(cropped, (records, leads, crop.samples), &self.device)?, valid))
    }
}

impl Objective for ClassifierObjective {
    type Model = Classifier;

    fn model(&self) -> &Classifier {
        &self.model
    }

    fn pretrained_parts(&self, config: &TrainConfig) -> Vec<PretrainedPart> {
        vec![PretrainedPart::signal_encoder(Classifier::ENCODER, config)]
    }

    fn layers_above(&self, name: &str) -> usize {
        self.model.layers_above(name)
    }

    fn is_decayed(&self, name: &str) -> bool {
        Classifier::is_decayed(name)
    }

    fn add_gradients(
        &mut self,
        batches: &[Batch],
        round: &Round,
        sum: &mut Gradients,
        clock: &mut Clock,
    ) -> Result<Vec<(&'static str, f64)>> {
        let records: usize = batches.iter().map(Batch::len).sum();
        let mut total = 0.0;
        for (index, batch) in batches.iter().enumerate() {
            let loss = clock.time(Phase::Forward, || {
                Ok::<_, Error>((self.loss(batch, round, index)? * (batch.len() as f64 / records as f64))?)
            })?;
            total += scalar(&loss)?;
            clock.time(Phase::Backward, || sum.accumulate(backward(&loss)?))?;
        }
        Ok(vec![("loss", total)])
    }

    fn activation_count(&self, config: &TrainConfig, samples: usize) -> usize {
        let is_locked = PretrainedPart::signal_encoder(Classifier::ENCODER, config).is_always_locked();
        self.model.activation_count(config.batch_size, samples, config.checkpointing, is_locked)
    }
}

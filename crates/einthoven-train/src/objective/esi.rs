//! The objective of ESI.

use candle_core::{Device, Tensor};
use einthoven_corpus::{Batch, PartialCaption};
use einthoven_models::{
    Captions, Embeddings, Esi, Features, LossWeights, Mode, PassSize, TokenBatch, Tokenizer, is_decayed,
};
use einthoven_nn::{Gradients, Negatives, Pass, backward};

use super::{Objective, PretrainedPart, Round, Tower, scalar};
use crate::captions::TokenizedCaptions;
use crate::config::TrainConfig;
use crate::locked_text::LockedText;
use crate::trainer::clock::{Clock, Phase};
use crate::{Error, Result};

/// What the losses are called in the metric log.
pub(super) const CONTRASTIVE: &str = "loss_contrastive";
pub(super) const VIEWS: &str = "loss_dropout_views";
pub(super) const CAPTION: &str = "loss_caption";

/// What the names of the signal encoder's parameters begin with.
const SIGNAL_ENCODER: &str = "img_encoder.";
/// Likewise, of the text encoder.
const TEXT_ENCODER: &str = "pretrained_text_encoder.";
/// Likewise, of its norm and projection into the space that signals and texts share.
const TEXT_PROJECTION: [&str; 2] = ["text_cls_norm.", "text_to_latents."];

/// The objective of ESI: the contrastive loss between signals and captions and the captioning loss; beside them, where asked for, MERL's
/// contrastive loss between dropout views of the signals.
#[derive(Debug)]
pub struct EsiObjective {
    pub(super) model: Esi,
    pub(super) captions: TokenizedCaptions,
    pub(super) weights: LossWeights,
    /// The weight of the loss between dropout views.
    pub(super) views: f64,
    /// The largest cosine of texts that are negatives of each other.
    pub(super) largest_cosine: Option<f64>,
    pub(super) locked_text: LockedText,
    tokenizer: Tokenizer,
    tokenizer_json: String,
    max_tokens: usize,
    device: Device,
}

/// The losses of a batch.
pub(super) struct Losses {
    /// The weighted sum, a scalar with a gradient.
    pub total: Tensor,
    /// It, and each loss before weighting, by its name in the metric log.
    pub named: Vec<(&'static str, f64)>,
}

impl EsiObjective {
    /// The objective of `model` on records with `captions`, which are tokenised here.
    ///
    /// # Errors
    /// [`Error::Config`] for what a model of this mode cannot use; [`Error::Model`] when the tokenizer fails.
    pub fn new(
        model: Esi,
        tokenizer: &Tokenizer,
        captions: &[String],
        config: &TrainConfig,
        device: Device,
    ) -> Result<Self> {
        if config.losses.near_duplicate.is_some() && model.config().mode == Mode::Paper {
            let message =
                "a paper model contrasts all records; leave it out or choose model.mode = \"corrected\"".to_owned();
            return Err(Error::Config { key: "losses.near_duplicate", message });
        }
        Ok(Self {
            captions: TokenizedCaptions::new(tokenizer, captions, config.max_tokens)?,
            weights: LossWeights { contrastive: config.losses.contrastive, caption: config.losses.caption },
            views: config.losses.dropout_views,
            largest_cosine: config.losses.near_duplicate,
            locked_text: LockedText::default(),
            tokenizer_json: tokenizer.to_json()?,
            tokenizer: tokenizer.clone(),
            max_tokens: config.max_tokens,
            model,
            device,
        })
    }

    /// The losses of a batch; those of weight 0 are left out. Records whose captions are the same, token by token, or
    /// nearly the same, or true of each other, do not count as negatives where the model's mode says so. What is locked of the
    /// encoders does not learn.
    pub(super) fn losses(&mut self, batch: &Batch, round: &Round) -> Result<Losses> {
        let pass = round.pass(0);
        let features = self.features(batch, round.signal_layers, &pass)?;
        let tokens = self.captions.batch(&batch.indices)?;
        let parts = self.parts_of_captions(batch)?;
        let contrasted = parts.as_ref().unwrap_or(&tokens);
        let groups = contrasted.groups();
        let true_texts = true_texts(std::slice::from_ref(batch));
        let pooled = (round.text_layers == 0).then(|| self.locked_text.pooled(&self.model, contrasted)).transpose()?;
        let captions = Captions {
            tokens: &tokens,
            contrasted: parts.as_ref(),
            negatives: self.negatives(&groups, true_texts.as_deref()),
            pooled: pooled.as_ref(),
        };
        let losses = self.model.losses(&features, captions, self.weights, &pass)?;
        let view = |embeddings| self.view_loss(embeddings, &round.joint_pass("dropout_views", batch.len()));
        let views = losses.embeddings.as_ref().and_then(view).transpose()?;
        let total = match &views {
            Some(views) => (losses.total + views * self.views)?,
            None => losses.total,
        };
        let mut named = vec![("loss", scalar(&total)?)];
        let all = [(CONTRASTIVE, &losses.contrastive), (VIEWS, &views), (CAPTION, &losses.caption)];
        for (name, loss) in all {
            if let Some(loss) = loss {
                named.push((name, scalar(loss)?));
            }
        }
        Ok(Losses { total, named })
    }

    /// The loss between dropout views of recordings, not weighted; none if its weight is 0.
    pub(super) fn view_loss(&self, embeddings: &Embeddings, pass: &Pass) -> Option<Result<Tensor>> {
        (self.views != 0.0).then(|| Ok(embeddings.dropout_views(pass)?))
    }

    /// The negatives among records whose captions have these `groups` and are [true](true_texts) of these records.
    pub(super) fn negatives<'a>(&self, groups: &'a [u32], true_texts: Option<&'a [bool]>) -> Negatives<'a> {
        Negatives { groups: Some(groups), largest_cosine: self.largest_cosine, true_texts }
    }

    /// What the records are contrasted with where that says other statements in each epoch, so that it cannot be tokenised before
    /// training.
    pub(super) fn parts_of_captions(&self, batch: &Batch) -> Result<Option<TokenBatch>> {
        let texts: Vec<String> = batch.parts.iter().map(|part| part.text.clone()).collect();
        let tokens = || self.tokenizer.encode_batch(&texts, self.max_tokens);
        Ok((!texts.is_empty()).then(tokens).transpose()?)
    }

    /// What the signal encoder makes of the recordings, of which so many uppermost layers learn.
    pub(super) fn features(&self, batch: &Batch, learning: usize, pass: &Pass) -> Result<Features> {
        let shape = (batch.len(), batch.leads, batch.samples);
        let signals = Tensor::from_slice(&batch.signals, shape, &self.device)?;
        Ok(self.model.features(&signals, Some(&batch.valid), learning, pass)?)
    }
}

impl Objective for EsiObjective {
    type Model = Esi;

    fn model(&self) -> &Esi {
        &self.model
    }

    fn pretrained_parts(&self, config: &TrainConfig) -> Vec<PretrainedPart> {
        vec![PretrainedPart::signal_encoder(SIGNAL_ENCODER, config), text_part(config)]
    }

    fn layers_above(&self, name: &str) -> usize {
        let model = self.model.config();
        match name.strip_prefix(SIGNAL_ENCODER) {
            Some(name) => model.signal.layers_above(name),
            None => text_layers_above(name, model.text.num_hidden_layers),
        }
    }

    fn is_locked(&self, name: &str, config: &TrainConfig) -> bool {
        self.pretrained_parts(config).iter().any(|part| part.is_always_locked() && part.contains(name))
            || config.lock_text_projection && projects_texts(name)
    }

    /// In paper mode all are decayed, as published.
    fn is_decayed(&self, name: &str) -> bool {
        self.model.config().mode == Mode::Paper || is_decayed(name)
    }

    fn add_gradients(
        &mut self,
        batches: &[Batch],
        round: &Round,
        sum: &mut Gradients,
        clock: &mut Clock,
    ) -> Result<Vec<(&'static str, f64)>> {
        let [batch] = batches else { return self.add_cached_gradients(batches, round, sum, clock) };
        let losses = clock.time(Phase::Forward, || self.losses(batch, round))?;
        clock.time(Phase::Backward, || sum.accumulate(backward(&losses.total)?))?;
        Ok(losses.named)
    }

    fn constrain(&self) -> Result<()> {
        Ok(self.model.clamp_logit_scale()?)
    }

    fn figures(&self) -> Result<Vec<(&'static str, f64)>> {
        Ok(vec![("logit_scale", self.model.logit_scale()?)])
    }

    fn activation_count(&self, config: &TrainConfig, samples: usize) -> usize {
        self.model.activation_count(&PassSize {
            records: config.batch_size,
            samples,
            tokens: self.captions.longest(config.batch_size),
            contrasted: config.batch_size * config.batches_together(),
            weights: self.weights,
            dropout_views: self.views != 0.0,
            signal_is_locked: PretrainedPart::signal_encoder(SIGNAL_ENCODER, config).is_always_locked(),
            text_is_locked: text_part(config).is_always_locked(),
            checkpointing: config.checkpointing,
        })
    }

    fn tokenizer(&self) -> Option<&str> {
        Some(&self.tokenizer_json)
    }
}

/// The text encoder.
fn text_part(config: &TrainConfig) -> PretrainedPart {
    PretrainedPart {
        tower: Tower::Text,
        prefix: TEXT_ENCODER,
        learning_rate_scale: config.text_learning_rate_scale,
        layer_decay: config.text_layer_decay,
        unlock: config.unlock_text,
        unlock_every: None,
        keys: ["unlock_text", "text_learning_rate_scale"],
    }
}

/// For each text of batches that are contrasted together and each of their records whether the text is true of it, where texts say some
/// of a record's statements.
pub(super) fn true_texts(batches: &[Batch]) -> Option<Vec<bool>> {
    let parts: Vec<&PartialCaption> = batches.iter().flat_map(|batch| &batch.parts).collect();
    let of_text = |text: &&PartialCaption| parts.iter().map(|record| text.is_true_of(record)).collect::<Vec<_>>();
    (!parts.is_empty()).then(|| parts.iter().flat_map(of_text).collect())
}

/// Whether the parameter `name` brings what the text encoder says into the space that signals and texts share.
fn projects_texts(name: &str) -> bool {
    TEXT_PROJECTION.iter().any(|part| name.starts_with(part))
}

/// How many layers lie above that of the parameter `name` of a text encoder of `depth` layers; the embeddings are the layer
/// below the first.
fn text_layers_above(name: &str, depth: usize) -> usize {
    let Some(place) = name.strip_prefix(TEXT_ENCODER) else { return 0 };
    let number = place.strip_prefix("encoder.layer.").and_then(|rest| rest.split('.').next());
    match number.and_then(|number| number.parse::<usize>().ok()) {
        Some(index) => depth.saturating_sub(index + 1),
        None if place.starts_with("embeddings.") => depth,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_counted_from_the_uppermost_down_to_the_embeddings() {
        let above = |name: &str| text_layers_above(name, 12);
        assert_eq!(above("signal_encoder.encoder.layer.3.weight"), 0);
        assert_eq!(above("pretrained_text_encoder.pooler.dense.weight"), 0);
        for layer in 0..12 {
            let name = format!("pretrained_text_encoder.encoder.layer.{layer}.output.dense.bias");
            assert_eq!(above(&name), 11 - layer, "{name}");
        }
        assert_eq!(above("pretrained_text_encoder.embeddings.LayerNorm.weight"), 12);
    }
}

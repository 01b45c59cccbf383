use candle_core::Tensor;
use einthoven_nn::{Negatives, Pass, Spans, dropout_views, info_nce, linear_cross_entropy, siglip, without_gradients};

use super::{Esi, LossWeights, SignalView, rows};
use crate::{Error, Features, Result, TokenBatch};

/// Of the dropout that makes two views of an embedding, and the temperature of their contrast, as MERL's.
const VIEW_DROPOUT: f64 = 0.1;
const VIEW_TEMPERATURE: f64 = 0.07;

/// The captions of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Captions<'a> {
    /// Their tokens.
    pub tokens: &'a TokenBatch,
    /// The texts that the recordings are contrasted with, where these are not the captions.
    pub contrasted: Option<&'a TokenBatch>,
    /// Which recordings are contrasted; for captions that are the same, see [`TokenBatch::groups`]. A `paper` model takes
    /// no notice.
    pub negatives: Negatives<'a>,
    /// What the text encoder says of what is contrasted ([`Esi::pool_texts`]), where it is locked: it does not run then, and learns
    /// nothing.
    pub pooled: Option<&'a Tensor>,
}

impl<'a> Captions<'a> {
    /// Captions that the text encoder learns from, all contrasted with each other.
    pub fn new(tokens: &'a TokenBatch) -> Self {
        Self { tokens, contrasted: None, negatives: Negatives::default(), pooled: None }
    }
}

/// What contrastive losses compare.
#[derive(Clone, Debug)]
pub struct Embeddings {
    /// Where the recordings lie in the space that they share with texts, `[batch, latents]`, rows of length 1.
    pub signal: Tensor,
    /// Where their captions lie in it, likewise.
    pub text: Tensor,
    /// The recordings before they are brought into that space, `[batch, width]`.
    pub pooled: Tensor,
}

impl Embeddings {
    /// MERL's uni-modal alignment ([`dropout_views`]): the contrastive loss, not weighted, between two views of the recordings that
    /// dropout makes of their pooled embeddings. The rate is 0.1 and the temperature 0.07, as published. MERL's program puts a linear
    /// layer in front of each dropout and throws it away after training; here there is none.
    ///
    /// # Errors
    /// Fails when the tensor library does.
    pub fn dropout_views(&self, pass: &Pass) -> Result<Tensor> {
        Ok(dropout_views(&self.pooled, VIEW_DROPOUT, 1.0 / VIEW_TEMPERATURE, pass)?)
    }
}

/// What a batch contributes to the losses.
#[derive(Clone, Debug)]
pub struct EsiOutputs {
    /// What is contrasted; none if the contrastive loss has weight 0.
    pub embeddings: Option<Embeddings>,
    /// The caption loss, the mean over [`Esi::caption_targets`] tokens, a scalar; none if its weight is 0.
    pub caption: Option<Tensor>,
}

/// The losses of one batch, scalars; one whose weight is 0 is not computed.
#[derive(Clone, Debug)]
pub struct EsiLosses {
    /// InfoNCE or SigLIP's loss between signals and texts, not weighted.
    pub contrastive: Option<Tensor>,
    /// Cross-entropy of the caption's next tokens, not weighted.
    pub caption: Option<Tensor>,
    /// The weighted sum, which is trained.
    pub total: Tensor,
    /// What was contrasted.
    pub embeddings: Option<Embeddings>,
}

/// What the losses need of the captions.
struct TextView {
    /// `[batch, width]`, before norm and projection to the shared space; none if nothing is contrasted.
    pooled: Option<Tensor>,
    /// None if nothing is told.
    task: Option<CaptionTask>,
}

/// What the decoder reads and what it shall answer.
struct CaptionTask {
    /// `[positions, width]`, text after text.
    inputs: Tensor,
    /// Where each text's positions lie.
    spans: Spans,
    /// The id that follows each input.
    targets: Vec<u32>,
}

impl Esi {
    /// The losses of recordings, given their [`features`](Self::features), and of their captions.
    ///
    /// # Errors
    /// [`Error::Input`] if features and captions do not fit the model or each other; [`Error::Config`] if both weights are 0.
    pub fn losses(
        &self,
        features: &Features,
        captions: Captions<'_>,
        weights: LossWeights,
        pass: &Pass,
    ) -> Result<EsiLosses> {
        let EsiOutputs { embeddings, caption } = self.outputs(features, captions, weights, pass)?;
        let contrast = |embeddings: &Embeddings| self.contrastive_loss(embeddings, captions.negatives);
        let contrastive = embeddings.as_ref().map(contrast).transpose()?;
        let weighted = |loss: &Option<Tensor>, weight: f64| loss.as_ref().map(|loss| loss * weight).transpose();
        let total = match (weighted(&contrastive, weights.contrastive)?, weighted(&caption, weights.caption)?) {
            (Some(contrastive), Some(caption)) => (contrastive + caption)?,
            (Some(total), None) | (None, Some(total)) => total,
            (None, None) => return Err(Error::config("losses", "at least one needs a weight above 0")),
        };
        Ok(EsiLosses { contrastive, caption, total, embeddings })
    }

    /// What recordings, given their [`features`](Self::features), and their captions contribute to the losses of a batch that
    /// they are all or a part of. Whatever the `weights`, `pass` draws in the same order.
    ///
    /// # Errors
    /// [`Error::Input`] if features and captions do not fit the model or each other.
    pub fn outputs(
        &self,
        features: &Features,
        captions: Captions<'_>,
        weights: LossWeights,
        pass: &Pass,
    ) -> Result<EsiOutputs> {
        let tokens = captions.tokens;
        let records = features.pooled.dim(0)?;
        if records != tokens.count() {
            return Err(Error::input("batch", format!("{records} recordings, {} captions", tokens.count())));
        }
        let view = self.view(features)?;
        let TextView { pooled, task } = self.read_captions(captions, weights, pass)?;
        let embed = |pooled: Tensor| -> Result<Embeddings> {
            let signal = self.to_shared(&self.signal_latents, &view.embedding)?;
            Ok(Embeddings { signal, text: self.text_to_shared(&pooled)?, pooled: view.embedding.clone() })
        };
        let tell = |task: CaptionTask| -> Result<Tensor> {
            let states = self.decoder.forward(&task.inputs, &task.spans, &view.tokens, pass)?;
            let ignore = Some(self.config.text.pad_token_id);
            Ok(linear_cross_entropy(&states, self.decoder.vocabulary(), &task.targets, ignore)?)
        };
        Ok(EsiOutputs { embeddings: pooled.map(embed).transpose()?, caption: task.map(tell).transpose()? })
    }

    /// The contrastive loss of a whole batch, not weighted, a scalar; `negatives` as in [`Captions`].
    ///
    /// # Errors
    /// Fails when there are not as many signals and groups as texts.
    pub fn contrastive_loss(&self, embeddings: &Embeddings, negatives: Negatives<'_>) -> Result<Tensor> {
        let Embeddings { signal, text, .. } = embeddings;
        let scale = self.temperature.squeeze(0)?.exp()?;
        let negatives = if self.corrected.is_some() { negatives } else { Negatives::default() };
        Ok(match &self.logit_bias {
            None => info_nce(text, signal, &scale, negatives)?,
            Some(bias) => siglip(text, signal, &scale, bias, negatives)?,
        })
    }

    /// How many tokens of these captions the caption loss asks for; it is the mean over them.
    pub fn caption_targets(&self, tokens: &TokenBatch) -> usize {
        let pad = self.config.text.pad_token_id;
        let targets = |text| tokens.row(text).iter().skip(1 + self.first_position());
        (0..tokens.count()).map(|text| targets(text).filter(|id| **id != pad).count()).sum()
    }

    /// The first token of a caption that the decoder reads: `[CLS]`, or in a `paper` model the one after it.
    fn first_position(&self) -> usize {
        if self.corrected.is_some() { 0 } else { 1 }
    }

    /// Vocabulary logits, `[positions, vocabulary]`, of the next token at each position of the captions, text after
    /// text: the first position of a `corrected` model predicts the token after `[CLS]`, that of a `paper` model the one
    /// after it; the last one predicts the closing token.
    ///
    /// # Errors
    /// [`Error::Input`] if signals and captions do not fit the model.
    pub fn caption_logits(
        &self,
        signals: &Tensor,
        valid: Option<&[usize]>,
        tokens: &TokenBatch,
        pass: &Pass,
    ) -> Result<Tensor> {
        let SignalView { tokens: signal, .. } = self.view(&self.features(signals, valid, usize::MAX, pass)?)?;
        let weights = LossWeights { contrastive: 0.0, caption: 1.0 };
        let Some(task) = self.read_captions(Captions::new(tokens), weights, pass)?.task else {
            return Err(Error::input("tokens", "they hold no caption"));
        };
        self.decoder.logits(&self.decoder.forward(&task.inputs, &task.spans, &signal, pass)?)
    }

    /// What a locked text encoder says of texts, `[batch, width]`: it depends on the texts alone, so it can be kept.
    ///
    /// # Errors
    /// [`Error::Input`] if the tokens do not fit the model.
    pub fn pool_texts(&self, tokens: &TokenBatch) -> Result<Tensor> {
        without_gradients(|| self.read_texts(tokens, &Pass::evaluate()))
    }

    /// What the text encoder says of texts, `[batch, width]`.
    fn read_texts(&self, tokens: &TokenBatch, pass: &Pass) -> Result<Tensor> {
        match &self.corrected {
            Some(_) => self.pool_text(&self.text.forward(tokens, pass)?, tokens.spans()),
            None => {
                let read = tokens.without_last_column()?;
                self.pool_text(&self.text.forward(&read, pass)?, read.spans())
            }
        }
    }

    /// What the losses of these weights need of the captions.
    fn read_captions(&self, captions: Captions<'_>, weights: LossWeights, pass: &Pass) -> Result<TextView> {
        let Captions { tokens, contrasted, pooled: locked, .. } = captions;
        let (contrasts, tells) = (weights.contrastive != 0.0, weights.caption != 0.0);
        // The last column is cut off for the text encoder of a `paper` model, which nevertheless sees every other target.
        let read = if self.corrected.is_some() { tokens.clone() } else { tokens.without_last_column()? };
        let encodes = contrasts && locked.is_none() && contrasted.is_none();
        let evaluate = Pass::evaluate();
        // What the decoder reads: word vectors, in a `paper` model the encoder's last states.
        let source = || match &self.corrected {
            Some(_) => self.text.embed_words(&read),
            None => self.text.forward(&read, if locked.is_some() { &evaluate } else { pass }),
        };
        let source = match locked {
            _ if !tells && !encodes => None,
            Some(_) => Some(without_gradients(source)?),
            None => Some(source()?),
        };
        let pooled = match (&source, locked, contrasted) {
            _ if !contrasts => None,
            (_, Some(pooled), _) => Some(pooled.clone()),
            (_, None, Some(texts)) => Some(self.read_texts(texts, pass)?),
            (Some(states), None, None) if self.corrected.is_none() => Some(self.pool_text(states, read.spans())?),
            (Some(words), None, None) => {
                Some(self.pool_text(&self.text.encode(words, read.spans(), pass)?, read.spans())?)
            }
            (None, None, None) => None,
        };
        let task = match source {
            Some(states) if tells => Some(self.caption_task(tokens, &read, &states)?),
            _ => None,
        };
        Ok(TextView { pooled, task })
    }

    /// The task to tell each caption of `tokens` on, given the `states` of the tokens of `read`.
    fn caption_task(&self, tokens: &TokenBatch, read: &TokenBatch, states: &Tensor) -> Result<CaptionTask> {
        let task = CaptionTask::new(tokens, read, states, self.first_position())?;
        match &self.corrected {
            Some(corrected) => Ok(CaptionTask { inputs: corrected.word_norm.forward(&task.inputs)?, ..task }),
            None => Ok(task),
        }
    }
}

impl CaptionTask {
    /// The task to answer each position of `tokens` from `first` on with the next token, given the `states` of the tokens of `read`.
    fn new(tokens: &TokenBatch, read: &TokenBatch, states: &Tensor, first: usize) -> Result<Self> {
        let (mut places, mut lengths, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        for (text, range) in read.spans().ranges().iter().enumerate() {
            let row = tokens.row(text);
            if row.len() < first + 2 {
                let message =
                    format!("caption {text} of the batch has {} tokens, which leaves nothing to predict", row.len());
                return Err(Error::input("tokens", message));
            }
            targets.extend_from_slice(&row[first + 1..]);
            lengths.push(row.len() - 1 - first);
            places.extend((first..row.len() - 1).map(|place| (range.start + place) as u32));
        }
        Ok(Self { inputs: rows(states, &places)?, spans: Spans::packed(&lengths)?, targets })
    }
}

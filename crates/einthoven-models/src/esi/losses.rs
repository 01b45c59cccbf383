use candle_core::Tensor;
use einthoven_nn::{Pass, Spans, info_nce, linear_cross_entropy};

use super::{Esi, LossWeights, SignalView, rows};
use crate::{Error, Result, TokenBatch};

/// The losses of one batch, scalars.
#[derive(Clone, Debug)]
pub struct EsiLosses {
    /// Symmetric InfoNCE between signals and texts, not weighted.
    pub contrastive: Tensor,
    /// Cross-entropy of the caption's next tokens, not weighted.
    pub caption: Tensor,
    /// The weighted sum, which is trained.
    pub total: Tensor,
}

/// What the decoder reads and what it shall answer.
pub(super) struct CaptionTask {
    /// `[positions, width]`, text after text.
    pub inputs: Tensor,
    /// Where each text's positions lie.
    pub spans: Spans,
    /// The id that follows each input.
    pub targets: Vec<u32>,
}

impl Esi {
    /// The losses of `signals` `[batch, leads, samples]` and their captions.
    ///
    /// `valid` says how many samples of each recording are not padding. Recordings with equal `groups` are not negatives
    /// of each other; see [`TokenBatch::groups`]. A `paper` model takes no notice of either.
    ///
    /// # Errors
    /// [`Error::Input`] if signals and captions do not fit the model or each other.
    pub fn losses(
        &self,
        signals: &Tensor,
        valid: Option<&[usize]>,
        tokens: &TokenBatch,
        groups: Option<&[u32]>,
        weights: LossWeights,
        pass: &Pass,
    ) -> Result<EsiLosses> {
        if signals.dim(0)? != tokens.count() {
            let message = format!("{} recordings, {} captions", signals.dim(0)?, tokens.count());
            return Err(Error::input("batch", message));
        }
        let view = self.view(signals, valid, pass)?;
        let (embedding, task) = self.read_captions(tokens, pass)?;
        let signal = self.to_shared(&self.signal_latents, &view.embedding)?;
        let text = self.to_shared(&self.text_latents, &embedding)?;
        let scale = self.temperature.squeeze(0)?.exp()?;
        let groups = groups.filter(|_| self.corrected.is_some());
        let contrastive = info_nce(&text, &signal, &scale, groups)?;
        let states = self.decoder.forward(&task.inputs, &task.spans, &view.tokens)?;
        let ignore = Some(self.config.text.pad_token_id);
        let caption = linear_cross_entropy(&states, self.decoder.vocabulary(), &task.targets, ignore)?;
        let total = ((&contrastive * weights.contrastive)? + (&caption * weights.caption)?)?;
        Ok(EsiLosses { contrastive, caption, total })
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
        let SignalView { tokens: signal, .. } = self.view(signals, valid, pass)?;
        let (_, task) = self.read_captions(tokens, pass)?;
        self.decoder.logits(&self.decoder.forward(&task.inputs, &task.spans, &signal)?)
    }

    /// The captions' embeddings `[batch, width]` and the decoder's task.
    fn read_captions(&self, tokens: &TokenBatch, pass: &Pass) -> Result<(Tensor, CaptionTask)> {
        let Some(corrected) = &self.corrected else {
            // The last column is cut off for the text encoder, which nevertheless sees every other target.
            let read = tokens.without_last_column()?;
            let states = self.text.forward(&read, pass)?;
            let embedding = self.pool_text(&states, read.spans())?;
            let task = CaptionTask::new(tokens, &states, &read, 1)?;
            return Ok((embedding, task));
        };
        let words = self.text.embed_words(tokens)?;
        let states = self.text.encode(&words, tokens.spans(), pass)?;
        let embedding = self.pool_text(&states, tokens.spans())?;
        let mut task = CaptionTask::new(tokens, &words, tokens, 0)?;
        task.inputs = corrected.word_norm.forward(&task.inputs)?;
        Ok((embedding, task))
    }
}

impl CaptionTask {
    /// The task to answer each position of `tokens` from `first` on with the next token, given `states` of the tokens of `read`.
    fn new(tokens: &TokenBatch, states: &Tensor, read: &TokenBatch, first: usize) -> Result<Self> {
        let (mut places, mut lengths, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        for (text, range) in read.spans().ranges().iter().enumerate() {
            let row = tokens.row(text);
            if row.len() < first + 2 {
                let message = format!("caption {text} of the batch has {} tokens, which leaves nothing to predict", row.len());
                return Err(Error::input("tokens", message));
            }
            targets.extend_from_slice(&row[first + 1..]);
            lengths.push(row.len() - 1 - first);
            places.extend((first..row.len() - 1).map(|place| (range.start + place) as u32));
        }
        Ok(Self { inputs: rows(states, &places)?, spans: Spans::packed(&lengths)?, targets })
    }
}

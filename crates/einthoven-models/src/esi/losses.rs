use candle_core::Tensor;
use einthoven_nn::{Pass, info_nce, linear_cross_entropy};

use super::{Esi, LossWeights, SignalView};
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
    /// `[batch, len, width]`.
    pub inputs: Tensor,
    /// The id that follows each input, padding where there is none.
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
        if signals.dim(0)? != tokens.batch {
            let message = format!("{} recordings, {} captions", signals.dim(0)?, tokens.batch);
            return Err(Error::input("batch", message));
        }
        let view = self.view(signals, valid, pass)?;
        let (embedding, task) = self.read_captions(tokens, pass)?;
        let signal = self.to_shared(&self.signal_latents, &view.embedding)?;
        let text = self.to_shared(&self.text_latents, &embedding)?;
        let scale = self.temperature.squeeze(0)?.exp()?;
        let groups = groups.filter(|_| self.corrected.is_some());
        let contrastive = info_nce(&text, &signal, &scale, groups)?;
        let states = self.decoder.forward(&task.inputs, &view.tokens)?;
        let states = states.flatten(0, 1)?;
        let ignore = Some(self.config.text.pad_token_id);
        let caption = linear_cross_entropy(&states, self.decoder.vocabulary(), &task.targets, ignore)?;
        let total = ((&contrastive * weights.contrastive)? + (&caption * weights.caption)?)?;
        Ok(EsiLosses { contrastive, caption, total })
    }

    /// Vocabulary logits, `[batch, positions, vocabulary]`, of the next token at each position of the captions: the
    /// first position of a `corrected` model predicts the token after `[CLS]`, that of a `paper` model the one after it.
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
        self.decoder.logits(&self.decoder.forward(&task.inputs, &signal)?)
    }

    /// The captions' embeddings `[batch, width]` and the decoder's task.
    fn read_captions(&self, tokens: &TokenBatch, pass: &Pass) -> Result<(Tensor, CaptionTask)> {
        let shortest = if self.corrected.is_some() { 2 } else { 3 };
        if tokens.len < shortest {
            let message = format!("captions of {} tokens leave nothing to predict", tokens.len);
            return Err(Error::input("tokens", message));
        }
        let words = self.text.embed_words(tokens)?;
        let Some(corrected) = &self.corrected else {
            // The last token is cut off for the text encoder, which nevertheless sees every other target.
            let len = tokens.len - 1;
            let lengths: Vec<usize> = tokens.lengths.iter().map(|&count| count.min(len)).collect();
            let states = self.text.encode(&words.narrow(1, 0, len)?, &lengths, pass)?;
            let embedding = self.pool_text(&states, &lengths)?;
            let inputs = states.narrow(1, 1, len - 1)?;
            return Ok((embedding, CaptionTask { inputs, targets: self.targets(tokens, 2) }));
        };
        let states = self.text.encode(&words, &tokens.lengths, pass)?;
        let embedding = self.pool_text(&states, &tokens.lengths)?;
        let inputs = corrected.word_norm.forward(&words.narrow(1, 0, tokens.len - 1)?)?;
        Ok((embedding, CaptionTask { inputs, targets: self.targets(tokens, 1) }))
    }

    /// The tokens from `first` on of every caption, with padding ids where it has ended.
    fn targets(&self, tokens: &TokenBatch, first: usize) -> Vec<u32> {
        let pad = self.config.text.pad_token_id;
        let mut targets = Vec::with_capacity(tokens.batch * (tokens.len - first));
        for (index, &length) in tokens.lengths.iter().enumerate() {
            let row = tokens.row(index);
            targets.extend((first..tokens.len).map(|place| if place < length { row[place] } else { pad }));
        }
        targets
    }
}

//! A contrastive batch of any size in the memory of a small one.

use candle_core::{Tensor, Var};
use einthoven_corpus::Batch;
use einthoven_models::{Captions, Embeddings, EsiOutputs, LossWeights, TokenBatch};
use einthoven_nn::{Gradients, Negatives, Pass, add, backward, inner_product, without_gradients};

use super::esi::{CAPTION, CONTRASTIVE, VIEWS, true_texts};
use super::{EsiObjective, Round, scalar};
use crate::trainer::clock::{Clock, Phase};
use crate::{Error, Result};

/// A batch that is a part of a contrastive batch.
struct Part<'a> {
    batch: &'a Batch,
    tokens: TokenBatch,
    /// What it is contrasted with, where these are not the captions.
    contrasted: Option<TokenBatch>,
    /// What the text encoder says of what is contrasted, where it is locked.
    pooled: Option<Tensor>,
    /// How many of the signal encoder's uppermost layers learn.
    signal_layers: usize,
    /// Its first recording's place in the contrastive batch.
    start: usize,
    /// Its part of the tokens that the caption loss is the mean over.
    share: f64,
}

/// The contrastive losses of the parts together.
struct Contrast {
    /// Each by its name in the metric log, not weighted.
    named: Vec<(&'static str, f64)>,
    /// The weighted sum.
    total: f64,
    /// Its gradient in what is [compared](EsiObjective::compared).
    slopes: Vec<Tensor>,
}

impl EsiObjective {
    /// As [`add_gradients`](super::Objective::add_gradients), for several batches (GradCache: Gao et al. 2021, arXiv 2101.06983).
    ///
    /// First the embeddings of all batches are computed, leaving no trace for a backward pass, then the gradient that the
    /// contrastive losses have in them. With it each batch is computed again: `Σ embedding · gradient` has the gradient in
    /// the parameters that the losses of all batches at once would have. The caption loss is the mean over the tokens of all
    /// batches. Recordings, tokens and embeddings of all batches are in memory; of all else, one batch's at a time.
    pub(super) fn add_cached_gradients(
        &mut self,
        batches: &[Batch],
        round: &Round,
        sum: &mut Gradients,
        clock: &mut Clock,
    ) -> Result<Vec<(&'static str, f64)>> {
        let indices: Vec<usize> = batches.iter().flat_map(|batch| batch.indices.iter().copied()).collect();
        let whole = self.captions.batch(&indices)?;
        let true_texts = true_texts(batches);
        let parts = clock.time(Phase::Forward, || self.parts(batches, &whole, round))?;
        let contrasted: Vec<TokenBatch> = parts.iter().filter_map(|part| part.contrasted.clone()).collect();
        let groups = if contrasted.is_empty() { whole.groups() } else { TokenBatch::joined(&contrasted)?.groups() };
        let negatives = self.negatives(&groups, true_texts.as_deref());

        let mut embeddings = Vec::with_capacity(parts.len());
        for (index, part) in parts.iter().enumerate() {
            embeddings.push(clock.time(Phase::Forward, || self.embeddings(part, &round.pass(index)))?);
        }
        let views = round.joint_pass("dropout_views", batches.first().map_or(0, Batch::len));
        let contrast = clock.time(Phase::Backward, || self.contrast(&embeddings, negatives, &views, sum))?;

        let mut told = None;
        for (index, part) in parts.iter().enumerate() {
            let (loss, caption) =
                clock.time(Phase::Forward, || self.part_loss(part, &contrast.slopes, &round.pass(index)))?;
            clock.time(Phase::Backward, || sum.accumulate(backward(&loss)?))?;
            if let Some(caption) = caption {
                *told.get_or_insert(0.0) += caption * part.share;
            }
        }
        let total = contrast.total + told.map_or(0.0, |told| self.weights.caption * told);
        Ok([("loss", total)].into_iter().chain(contrast.named).chain(told.map(|told| (CAPTION, told))).collect())
    }

    fn parts<'a>(&mut self, batches: &'a [Batch], whole: &TokenBatch, round: &Round) -> Result<Vec<Part<'a>>> {
        let targets = self.model.caption_targets(whole) as f64;
        let contrasted = batches.iter().map(|batch| self.parts_of_captions(batch)).collect::<Result<Vec<_>>>()?;
        let longest = contrasted.iter().flatten().map(TokenBatch::padded_len).max().unwrap_or(0);
        let mut start = 0;
        let mut parts = Vec::with_capacity(batches.len());
        for (batch, contrasted) in batches.iter().zip(contrasted) {
            // A paper model's cut depends on the longest text of all.
            let tokens = self.captions.batch(&batch.indices)?.padded_to(whole.padded_len());
            let contrasted = contrasted.map(|texts| texts.padded_to(longest));
            let read = contrasted.as_ref().unwrap_or(&tokens);
            let pooled = (round.text_layers == 0).then(|| self.locked_text.pooled(&self.model, read)).transpose()?;
            let share = self.model.caption_targets(&tokens) as f64 / targets;
            let signal_layers = round.signal_layers;
            parts.push(Part { batch, tokens, contrasted, pooled, signal_layers, start, share });
            start += batch.len();
        }
        Ok(parts)
    }

    fn outputs(&self, part: &Part, weights: LossWeights, pass: &Pass) -> Result<(Embeddings, Option<Tensor>)> {
        let (contrasted, pooled) = (part.contrasted.as_ref(), part.pooled.as_ref());
        let captions = Captions { contrasted, pooled, ..Captions::new(&part.tokens) };
        let features = self.features(part.batch, part.signal_layers, pass)?;
        let outputs = self.model.outputs(&features, captions, weights, pass)?;
        let EsiOutputs { embeddings: Some(embeddings), caption } = outputs else {
            let message = "contrasts nothing, for losses.contrastive is 0".to_owned();
            return Err(Error::Config { key: "contrastive_batch", message });
        };
        Ok((embeddings, caption))
    }

    fn embeddings(&self, part: &Part, pass: &Pass) -> Result<Embeddings> {
        let weights = LossWeights { caption: 0.0, ..self.weights };
        without_gradients(|| Ok(self.outputs(part, weights, pass)?.0))
    }

    /// What of the embeddings the contrastive losses depend on.
    fn compared<'a>(&self, embeddings: &'a Embeddings) -> impl Iterator<Item = &'a Tensor> {
        let Embeddings { signal, text, pooled } = embeddings;
        [signal, text].into_iter().chain((self.views != 0.0).then_some(pooled))
    }

    /// Contrasts the embeddings of all parts. The gradient in the logit scale goes to `sum`.
    fn contrast(
        &self,
        parts: &[Embeddings],
        negatives: Negatives<'_>,
        views: &Pass,
        sum: &mut Gradients,
    ) -> Result<Contrast> {
        let joint = |side: fn(&Embeddings) -> &Tensor| -> Result<Tensor> {
            let sides: Vec<&Tensor> = parts.iter().map(side).collect();
            Ok(Var::from_tensor(&Tensor::cat(&sides, 0)?)?.into_inner())
        };
        let whole = Embeddings {
            signal: joint(|part| &part.signal)?,
            text: joint(|part| &part.text)?,
            pooled: joint(|part| &part.pooled)?,
        };
        let loss = self.model.contrastive_loss(&whole, negatives)?;
        let mut named = vec![(CONTRASTIVE, scalar(&loss)?)];
        let mut total = (loss * self.weights.contrastive)?;
        if let Some(views) = self.view_loss(&whole, views).transpose()? {
            named.push((VIEWS, scalar(&views)?));
            total = (total + views * self.views)?;
        }
        let mut gradients = backward(&total)?;
        let slope = |side: &Tensor| gradients.take(side).map_or_else(|| side.zeros_like(), Ok);
        let slopes = self.compared(&whole).map(slope).collect::<candle_core::Result<_>>()?;
        sum.accumulate(gradients)?;
        Ok(Contrast { named, total: scalar(&total)?, slopes })
    }

    /// A number whose gradient in the parameters is the part's share of the gradient of the weighted losses, and the
    /// part's own caption loss.
    fn part_loss(&self, part: &Part, slopes: &[Tensor], pass: &Pass) -> Result<(Tensor, Option<f64>)> {
        let (embeddings, caption) = self.outputs(part, self.weights, pass)?;
        let told = caption.as_ref().map(scalar).transpose()?;
        let along = |(side, slopes): (&Tensor, &Tensor)| -> Result<Tensor> {
            Ok(inner_product(side, &slopes.narrow(0, part.start, part.batch.len())?)?)
        };
        let contrastive = self.compared(&embeddings).zip(slopes).map(along).collect::<Result<Vec<_>>>()?;
        let contrastive = add(&contrastive.iter().collect::<Vec<_>>())?;
        let loss = match caption {
            Some(caption) => (contrastive + caption * (self.weights.caption * part.share))?,
            None => contrastive,
        };
        Ok((loss, told))
    }
}

#[cfg(test)]
mod tests;

//! A contrastive batch of any size in the memory of a small one.

use candle_core::{Tensor, Var};
use einthoven_corpus::Batch;
use einthoven_models::{Captions, Embeddings, EsiOutputs, LossWeights, TokenBatch};
use einthoven_nn::{Gradients, Pass, add, backward, inner_product, without_gradients};

use super::esi::{CAPTION, CONTRASTIVE, VIEWS};
use super::{EsiObjective, Round, scalar};
use crate::trainer::clock::{Clock, Phase};
use crate::{Error, Result};

/// A batch that is a part of a contrastive batch.
struct Part<'a> {
    batch: &'a Batch,
    tokens: TokenBatch,
    /// What the text encoder says of the captions, where it is locked.
    pooled: Option<Tensor>,
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
        let parts = clock.time(Phase::Forward, || self.parts(batches, &whole, round.is_locked))?;

        let mut embeddings = Vec::with_capacity(parts.len());
        for (index, part) in parts.iter().enumerate() {
            embeddings.push(clock.time(Phase::Forward, || self.embeddings(part, &round.pass(index)))?);
        }
        let views = round.joint_pass("dropout_views", batches.first().map_or(0, Batch::len));
        let contrast = clock.time(Phase::Backward, || self.contrast(&embeddings, &whole.groups(), &views, sum))?;

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

    fn parts<'a>(&mut self, batches: &'a [Batch], whole: &TokenBatch, text_is_locked: bool) -> Result<Vec<Part<'a>>> {
        let targets = self.model.caption_targets(whole) as f64;
        let mut start = 0;
        let mut parts = Vec::with_capacity(batches.len());
        for batch in batches {
            // A paper model's cut depends on the longest caption of all.
            let tokens = self.captions.batch(&batch.indices)?.padded_to(whole.padded_len());
            let pooled = text_is_locked.then(|| self.locked_text.pooled(&self.model, &tokens)).transpose()?;
            let share = self.model.caption_targets(&tokens) as f64 / targets;
            parts.push(Part { batch, tokens, pooled, start, share });
            start += batch.len();
        }
        Ok(parts)
    }

    fn outputs(&self, part: &Part, weights: LossWeights, pass: &Pass) -> Result<(Embeddings, Option<Tensor>)> {
        let captions = Captions { pooled: part.pooled.as_ref(), ..Captions::new(&part.tokens) };
        let signals = self.signals(part.batch)?;
        let outputs = self.model.outputs(&signals, Some(&part.batch.valid), captions, weights, pass)?;
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
    fn contrast(&self, parts: &[Embeddings], groups: &[u32], views: &Pass, sum: &mut Gradients) -> Result<Contrast> {
        let joint = |side: fn(&Embeddings) -> &Tensor| -> Result<Tensor> {
            let sides: Vec<&Tensor> = parts.iter().map(side).collect();
            Ok(Var::from_tensor(&Tensor::cat(&sides, 0)?)?.into_inner())
        };
        let whole = Embeddings {
            signal: joint(|part| &part.signal)?,
            text: joint(|part| &part.text)?,
            pooled: joint(|part| &part.pooled)?,
        };
        let loss = self.model.contrastive_loss(&whole, self.negatives(groups))?;
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
mod tests {
    use candle_core::{DType, Device};
    use einthoven_models::{
        BertConfig, ConvNextConfig, ConvNextSize, DecoderConfig, Esi, EsiConfig, Mode, SignalConfig, Tokenizer,
    };
    use einthoven_nn::Parameters;
    use einthoven_random::Streams;

    use super::*;
    use crate::config::{LossConfig, TrainConfig};
    use crate::objective::Objective;

    /// The second caption of the first batch is that of the first recording of the second batch.
    const CAPTIONS: [&str; 6] = [
        "sinus rhythm",
        "atrial fibrillation with a rapid rate",
        "left bundle branch block",
        "atrial fibrillation with a rapid rate",
        "sinus bradycardia, otherwise normal",
        "normal",
    ];

    fn objective(mode: Mode, dropout: f64, dtype: DType) -> (EsiObjective, Parameters) {
        let captions = CAPTIONS.map(str::to_owned);
        let tokenizer = Tokenizer::train_word_piece(&captions, 150).unwrap();
        let size = ConvNextSize::Custom { depths: [1; 4], widths: [4, 4, 8, 8] };
        let config = EsiConfig {
            mode,
            leads: 2,
            signal: SignalConfig::ConvNext(ConvNextConfig { size, norm: None }),
            text: BertConfig {
                vocab_size: tokenizer.vocabulary_size(),
                hidden_size: 8,
                num_hidden_layers: 2,
                num_attention_heads: 2,
                intermediate_size: 16,
                hidden_dropout_prob: dropout,
                attention_probs_dropout_prob: dropout,
                ..BertConfig::default()
            },
            decoder: DecoderConfig { depth: 1, heads: 2, dim_head: 4, ff_mult: 2 },
            latents: 8,
            ..EsiConfig::default()
        };
        let parameters = Parameters::new(dtype, &Device::Cpu, Streams::new(11));
        let model = Esi::new(&config, &parameters.root()).unwrap();
        // A paper model has the published losses.
        let dropout_views = if mode == Mode::Paper { 0.0 } else { 0.4 };
        let losses = LossConfig { contrastive: 0.7, caption: 1.3, dropout_views, near_duplicate: None };
        let config = TrainConfig { losses, max_tokens: 64, ..TrainConfig::default() };
        let mut objective = EsiObjective::new(model, &tokenizer, &captions, &config, Device::Cpu).unwrap();
        // A paper model takes no notice of it.
        objective.largest_cosine = Some(0.9);
        (objective, parameters)
    }

    /// The recordings `indices`.
    fn batch(indices: &[usize]) -> Batch {
        let (leads, samples) = (2, 96);
        let wave = |index: &usize| {
            let index = *index as f32;
            (0..leads * samples).map(move |at| (at as f32 * (0.05 + 0.03 * index)).sin() + 0.2 * index)
        };
        Batch {
            ids: indices.iter().map(usize::to_string).collect(),
            indices: indices.to_vec(),
            signals: indices.iter().flat_map(wave).collect(),
            valid: indices.iter().map(|index| samples - 8 * index).collect(),
            captions: indices.iter().map(|index| CAPTIONS[*index].to_owned()).collect(),
            leads,
            samples,
        }
    }

    fn round(is_locked: bool) -> Round {
        Round { done: 0, first: 0, is_locked, checkpointing: false, streams: Streams::new(4) }
    }

    fn cached(objective: &mut EsiObjective, locked: bool) -> (Gradients, Vec<(&'static str, f64)>) {
        let batches = [batch(&[0, 1]), batch(&[3, 2]), batch(&[4, 5])];
        let mut sum = Gradients::default();
        let named = objective.add_gradients(&batches, &round(locked), &mut sum, &mut Clock::new(None)).unwrap();
        (sum, named)
    }

    /// The largest difference of a parameter's gradients relative to their largest magnitude. Some are 0 but for rounding,
    /// such as a bias's before a norm; none counts as smaller than a ten-thousandth of the largest of all.
    fn distance(parameters: &Parameters, found: &Gradients, wanted: &Gradients) -> f64 {
        let numbers = |gradient: &Tensor| -> Vec<f64> {
            gradient.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
        };
        let largest = |gradient: &Tensor| numbers(gradient).into_iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        let all = parameters.trainable().into_iter().filter_map(|(_, variable)| wanted.get(&variable).map(largest));
        let floor = 1e-4 * all.fold(0.0, f64::max);
        let mut worst = 0.0f64;
        for (name, variable) in parameters.trainable() {
            let (Some(found), Some(wanted)) = (found.get(&variable), wanted.get(&variable)) else {
                assert!(found.get(&variable).is_none() && wanted.get(&variable).is_none(), "{name}");
                continue;
            };
            let largest = largest(wanted).max(floor);
            let (found, wanted) = (numbers(found), numbers(wanted));
            let difference = found.iter().zip(&wanted).map(|(f, w)| (f - w).abs()).fold(0.0, f64::max);
            worst = worst.max(difference / largest);
        }
        worst
    }

    #[test]
    fn losses_and_gradients_are_those_of_the_whole_batch() {
        let (exact, single) = ((DType::F64, 1e-11), (DType::F32, 1e-5));
        // The published norm over time divides the little that differs between three time steps by itself: in `f32`, its
        // gradient here is good to three digits, in whatever order it is computed.
        for (mode, (dtype, tolerance)) in [(Mode::Corrected, exact), (Mode::Paper, exact), (Mode::Corrected, single)] {
            for locked in [false, true] {
                let (mut objective, parameters) = objective(mode, 0.0, dtype);
                let (found, named) = cached(&mut objective, locked);
                let whole = objective.losses(&batch(&[0, 1, 3, 2, 4, 5]), &round(locked)).unwrap();
                let wanted = backward(&whole.total).unwrap();
                let distance = distance(&parameters, &found, &wanted);
                println!("{dtype:?}, {mode:?}, locked {locked}: {distance:.1e}");
                assert!(distance < tolerance, "{dtype:?}, {mode:?}, locked {locked}: {distance}");
                assert_eq!(named.len(), if mode == Mode::Paper { 3 } else { 4 });
                for ((name, found), (wanted_name, wanted)) in named.iter().zip(&whole.named) {
                    assert_eq!(name, wanted_name);
                    assert!((found - wanted).abs() < tolerance * wanted, "{name}: {found}, {wanted}");
                }
            }
        }
    }

    /// Both times that a batch is computed, the same is dropped: the gradient is that of one graph of all batches.
    #[test]
    fn dropout_is_the_same_both_times() {
        let (mut objective, parameters) = objective(Mode::Corrected, 0.3, DType::F64);
        let (found, named) = cached(&mut objective, false);
        let batches = [batch(&[0, 1]), batch(&[3, 2]), batch(&[4, 5])];
        let whole = objective.captions.batch(&[0, 1, 3, 2, 4, 5]).unwrap();
        let parts = objective.parts(&batches, &whole, false).unwrap();
        let mut embeddings = Vec::new();
        let mut caption = Tensor::zeros((), DType::F64, &Device::Cpu).unwrap();
        for (index, part) in parts.iter().enumerate() {
            let (part_embeddings, told) =
                objective.outputs(part, objective.weights, &round(false).pass(index)).unwrap();
            embeddings.push(part_embeddings);
            caption = (caption + told.unwrap() * part.share).unwrap();
        }
        let cat = |side: fn(&Embeddings) -> &Tensor| {
            Tensor::cat(&embeddings.iter().map(side).collect::<Vec<_>>(), 0).unwrap()
        };
        let joint = Embeddings {
            signal: cat(|part| &part.signal),
            text: cat(|part| &part.text),
            pooled: cat(|part| &part.pooled),
        };
        let contrastive = objective.model.contrastive_loss(&joint, objective.negatives(&whole.groups())).unwrap();
        let views = joint.dropout_views(&round(false).joint_pass("dropout_views", 2)).unwrap();
        let total = ((contrastive * 0.7).unwrap() + (caption * 1.3).unwrap() + (views * 0.4).unwrap()).unwrap();
        let distance = distance(&parameters, &found, &backward(&total).unwrap());
        assert!(distance < 1e-11, "{distance}");
        assert!((named[0].1 - scalar(&total).unwrap()).abs() < 1e-12, "{named:?}");
    }
}

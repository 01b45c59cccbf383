//! ESI: ECG semantics integrator (arXiv 2405.19366), a signal encoder, a text encoder and a captioning decoder
//! trained together with a contrastive and a caption loss.

mod config;
mod generate;
mod losses;
mod published;
mod towers;

use candle_core::{DType, Tensor, Var};
use einthoven_nn::{Init, Linear, Pass, Scope, Spans, embedding, l2_normalize, mean_over_spans, without_gradients};

pub use config::{ContrastiveLoss, EsiConfig, LossWeights, Mode, TextPooling, is_decayed};
pub use losses::{Captions, Embeddings, EsiLosses, EsiOutputs};
pub use published::{canonical_names, published_names};

use crate::blocks::{AttentionPool, GammaNorm, projection};
use crate::text::opening_states;
use crate::{AnyEncoder, Bert, ChannelNorm, Decoder, Features, Result, SignalEncoder, TokenBatch};

/// The published classifier head, which nothing uses, has this many classes.
const DEAD_CLASSES: usize = 5;
/// The largest logit scale of a corrected model, as in CLIP.
const LARGEST_SCALE: f64 = 100.0;

/// An ESI model.
///
/// `paper` mode is the published computation, number for number. `corrected` mode, the default, differs in these points:
///
/// - **Captions.** The published decoder reads the states of the bidirectional text encoder, which have seen the very tokens that
///   the decoder is asked for. Here it reads the word vectors (the text encoder's table, normalised), so it is causal
///   from the embedding up, and the first token is predicted too. That costs nothing; a second, causal run of the text
///   encoder would double its share of a step.
/// - **Signal tokens.** The published decoder sees one pooled vector, repeated. Here an attention pool gathers
///   [`signal_tokens`](EsiConfig::signal_tokens) tokens from the encoder's feature sequence; one more query, added to the pooled vector,
///   gives the embedding.
/// - **Norms** of the signal encoder go over channels, not over time, so that level and amplitude survive (the stem starts with a
///   bias, without which such a norm would take the gain out); padding is left out of
///   pooling and attention.
/// - **Temperature** of InfoNCE starts at ln(1/0.07), is held at ln 100 at most, and recordings with identical captions are no negatives
///   of each other.
/// - **Text** is pooled by the mean over its tokens unless configured otherwise, centred and normalised. Most of a text encoder's
///   output is common to all captions; left in, it makes every text look alike to the contrastive loss
///   ([`centre_texts`](Self::centre_texts)).
/// - What the published model holds but never uses (class head, pooler) is left out.
#[derive(Clone, Debug)]
pub struct Esi {
    config: EsiConfig,
    encoder: AnyEncoder,
    text: Bert,
    decoder: Decoder,
    token_head: Linear,
    pool: AttentionPool,
    pool_norm: GammaNorm,
    text_norm: GammaNorm,
    signal_latents: Linear,
    text_latents: Linear,
    temperature: Tensor,
    /// Of SigLIP.
    logit_bias: Option<Tensor>,
    corrected: Option<Corrected>,
}

/// What only a corrected model has.
#[derive(Clone, Debug)]
struct Corrected {
    /// `[1 + signal_tokens, width]`; the first is the embedding's.
    queries: Tensor,
    word_norm: GammaNorm,
    /// `[width]`, what all captions have in common.
    text_centre: Tensor,
}

/// A signal as the losses need it.
struct SignalView {
    /// `[batch, width]`, before projection to the shared space.
    embedding: Tensor,
    /// `[batch, tokens, width]`, what the decoder looks at.
    tokens: Tensor,
}

impl Esi {
    /// A model with new weights.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) if the numbers make no model.
    pub fn new(config: &EsiConfig, scope: &Scope) -> Result<Self> {
        config.validate()?;
        let paper = config.mode == Mode::Paper;
        let width = config.text.hidden_size;
        let (norm, classes) = match config.mode {
            Mode::Paper => (ChannelNorm::Time, Some(DEAD_CLASSES)),
            Mode::Corrected => (ChannelNorm::Channels, None),
        };
        let image = scope.enter("img_encoder");
        let encoder = AnyEncoder::new(&config.signal, config.leads, norm, classes, &image)?;
        let context = if paper { encoder.width() } else { encoder.sequence_width() };
        let text = scope.enter("pretrained_text_encoder");
        if paper {
            let pooler = text.enter("pooler").enter("dense");
            let init = Init::Normal { std: config.text.initializer_range };
            Linear::new(&pooler, width, width, true, init)?;
        }
        let head = Init::Uniform { bound: 1.0 / (encoder.width() as f64).sqrt() };
        let sigmoid = config.contrastive_loss == ContrastiveLoss::SigLip;
        // As published each; the many negatives of the sigmoid loss start near their goal.
        let start = match config.contrastive_loss {
            _ if paper => 1.0,
            ContrastiveLoss::InfoNce => (1.0f64 / 0.07).ln(),
            ContrastiveLoss::SigLip => 10f64.ln(),
        };
        let logit_bias = || scope.parameter("logit_bias", 1, Init::Constant(-10.0));
        let corrected = if paper {
            None
        } else {
            let count = 1 + config.signal_tokens;
            let init = Init::Normal { std: 1.0 };
            Some(Corrected {
                queries: scope.parameter("img_queries", (count, width), init)?,
                word_norm: GammaNorm::new(&scope.enter("text_token_norm"), width)?,
                text_centre: scope.parameter("text_centre", width, Init::Zeros)?,
            })
        };
        let latents = |name: &str| projection(&scope.enter(name).enter("to_latents"), width, config.latents);
        Ok(Self {
            text: Bert::new(&config.text, &text)?,
            decoder: Decoder::new(&config.decoder, width, config.text.vocab_size, scope)?,
            token_head: Linear::new(&scope.enter("img_token_head"), encoder.width(), width, true, head)?,
            pool: AttentionPool::new(&config.decoder, width, context, &scope.enter("img_attn_pool"))?,
            pool_norm: GammaNorm::new(&scope.enter("img_attn_pool_norm"), width)?,
            text_norm: GammaNorm::new(&scope.enter("text_cls_norm"), width)?,
            signal_latents: latents("img_to_latents")?,
            text_latents: latents("text_to_latents")?,
            temperature: scope.parameter("temperature", 1, Init::Constant(start))?,
            logit_bias: sigmoid.then(logit_bias).transpose()?,
            encoder,
            corrected,
            config: config.clone(),
        })
    }

    /// The configuration it was made from.
    pub fn config(&self) -> &EsiConfig {
        &self.config
    }

    /// The signal encoder.
    pub fn signal_encoder(&self) -> &AnyEncoder {
        &self.encoder
    }

    /// The text encoder.
    pub fn text_encoder(&self) -> &Bert {
        &self.text
    }

    /// The captioning decoder.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Embeddings of recordings `[batch, leads, samples]`, `[batch, latents]`, each of length 1, without gradients.
    ///
    /// `valid` says how many samples of each recording are not padding; a `paper` model takes no notice of it.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) if the signals do not fit the model.
    pub fn encode_signals(&self, signals: &Tensor, valid: Option<&[usize]>) -> Result<Tensor> {
        without_gradients(|| self.signal_embeddings(signals, valid))
    }

    /// As [`encode_signals`](Self::encode_signals), with gradients, those with respect to `signals` included.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) if the signals do not fit the model.
    pub fn signal_embeddings(&self, signals: &Tensor, valid: Option<&[usize]>) -> Result<Tensor> {
        let view = self.view(&self.features(signals, valid, usize::MAX, &Pass::evaluate())?)?;
        self.to_shared(&self.signal_latents, &view.embedding)
    }

    /// Embeddings of texts, `[batch, latents]`, each of length 1, without gradients.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) if the tokens do not fit the model.
    pub fn encode_texts(&self, tokens: &TokenBatch) -> Result<Tensor> {
        without_gradients(|| {
            let states = self.text.forward(tokens, &Pass::evaluate())?;
            self.text_to_shared(&self.pool_text(&states, tokens.spans())?)
        })
    }

    /// The factor on cosine similarities in the contrastive loss.
    ///
    /// # Errors
    /// Fails when the tensor library does.
    pub fn logit_scale(&self) -> Result<f64> {
        let temperature = self.temperature.to_dtype(DType::F64)?.to_vec1::<f64>()?;
        Ok(temperature.iter().sum::<f64>().exp())
    }

    /// Holds the logit scale of a corrected model at 100 or less; to be called after each optimiser step. It is free in a
    /// `paper` model and with SigLIP's loss, as published.
    ///
    /// # Errors
    /// Fails when the tensor library does.
    pub fn clamp_logit_scale(&self) -> Result<()> {
        let is_held = self.corrected.is_some() && self.config.contrastive_loss == ContrastiveLoss::InfoNce;
        if is_held && self.logit_scale()? > LARGEST_SCALE {
            // The parameter is a variable, so this is the variable itself and not a copy.
            let variable = Var::from_tensor(&self.temperature)?;
            let limit = Tensor::full(LARGEST_SCALE.ln(), 1, variable.device())?;
            variable.set(&limit.to_dtype(variable.dtype())?)?;
        }
        Ok(())
    }

    /// Makes the mean over these captions the origin of a `corrected` model's texts, from which training goes on. To be called before
    /// training, with captions as they occur, repetitions included; a `paper` model does nothing.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) if the tokens do not fit the model.
    pub fn centre_texts<'a>(&self, captions: impl IntoIterator<Item = &'a TokenBatch>) -> Result<()> {
        let Some(corrected) = &self.corrected else { return Ok(()) };
        let (mut sum, mut count) = (corrected.text_centre.zeros_like()?, 0);
        for batch in captions {
            sum = (sum + self.pool_texts(batch)?.sum(0)?)?;
            count += batch.count();
        }
        if count > 0 {
            // The parameter is a variable, so this is the variable itself and not a copy.
            Var::from_tensor(&corrected.text_centre)?.set(&(sum / count as f64)?)?;
        }
        Ok(())
    }

    /// What the signal encoder makes of recordings `[batch, leads, samples]`. Only its uppermost `learning` layers learn, all if
    /// there are no more; the others are [locked](SignalEncoder::forward_locked).
    ///
    /// `valid` says how many samples of each recording are not padding; a `paper` model takes no notice of it.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) if the signals do not fit the model.
    pub fn features(
        &self,
        signals: &Tensor,
        valid: Option<&[usize]>,
        learning: usize,
        pass: &Pass,
    ) -> Result<Features> {
        let signals = signals.to_dtype(self.temperature.dtype())?;
        let valid = valid.filter(|_| self.corrected.is_some());
        self.encoder.forward_locked(&signals, valid, learning, pass)
    }

    fn view(&self, features: &Features) -> Result<SignalView> {
        let Features { sequence, lengths, pooled } = features;
        let Some(corrected) = &self.corrected else {
            let embedding = self.pool_norm.forward(&self.token_head.forward(pooled)?)?;
            // Attention to copies of one token is attention to one of them.
            let tokens = embedding.unsqueeze(1)?;
            return Ok(SignalView { embedding, tokens });
        };
        let gathered = self.pool.forward(&corrected.queries, sequence, lengths.as_deref())?;
        let embedding = (self.token_head.forward(pooled)? + gathered.narrow(1, 0, 1)?.squeeze(1)?)?;
        Ok(SignalView {
            embedding: self.pool_norm.forward(&embedding)?,
            tokens: self.pool_norm.forward(&gathered.narrow(1, 1, self.config.signal_tokens)?)?,
        })
    }

    /// One vector per text from its token states `[tokens, width]`.
    fn pool_text(&self, states: &Tensor, spans: &Spans) -> Result<Tensor> {
        match self.config.text_pooling() {
            TextPooling::Cls => opening_states(states, spans),
            TextPooling::Mean => Ok(mean_over_spans(states, spans)?),
        }
    }

    fn text_to_shared(&self, pooled: &Tensor) -> Result<Tensor> {
        match &self.corrected {
            Some(corrected) => {
                let centred = pooled.broadcast_sub(&corrected.text_centre)?;
                self.to_shared(&self.text_latents, &self.text_norm.forward(&centred)?)
            }
            None => self.to_shared(&self.text_latents, pooled),
        }
    }

    fn to_shared(&self, projection: &Linear, embedding: &Tensor) -> Result<Tensor> {
        Ok(l2_normalize(&projection.forward(embedding)?, 1e-12)?)
    }
}

/// The chosen rows of `x` `[rows, width]`.
fn rows(x: &Tensor, chosen: &[u32]) -> Result<Tensor> {
    Ok(embedding(x, chosen, &[chosen.len()])?)
}

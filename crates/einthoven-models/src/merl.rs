//! MERL as a whole: its signal side beside its text side.

use candle_core::Tensor;
use einthoven_nn::{Activation, Init, Linear, Pass, Scope, feed_forward, l2_normalize, without_gradients};
use serde::{Deserialize, Serialize};

use crate::text::opening_states;
use crate::{AnyEncoder, Bert, BertConfig, Error, Result, SignalEncoder, TokenBatch, Towers};

/// The temperature that MERL is trained with; it is not learnt.
const TEMPERATURE: f64 = 0.07;

/// The shape of a [`MerlText`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MerlTextConfig {
    /// The text encoder; as published, MedCPT's query encoder, a BERT-base.
    pub text: BertConfig,
    /// Inner width of the projection.
    pub hidden: usize,
    /// Width of the space that signals and texts share.
    pub projection: usize,
}

/// The text side of MERL (Liu et al., "Zero-shot ECG classification with multimodal learning and test-time clinical knowledge
/// enhancement", ICML 2024): a BERT, its pooler, and a projection of two layers. Parameter names are MERL's.
#[derive(Clone, Debug)]
pub struct MerlText {
    encoder: Bert,
    pooler: Linear,
    expand: Linear,
    contract: Linear,
}

impl MerlText {
    /// Tokens of a text that MERL reads.
    pub const LONGEST: usize = 256;

    /// A text side with new weights.
    ///
    /// # Errors
    /// [`Error::Config`] if the numbers make no model.
    pub fn new(config: &MerlTextConfig, scope: &Scope) -> Result<Self> {
        let MerlTextConfig { text, hidden, projection } = config;
        if *hidden == 0 || *projection == 0 {
            return Err(Error::config("text.projection", "must be at least 1, and so must be hidden"));
        }
        let (encoder, head) = (scope.enter("lm_model"), scope.enter("proj_t"));
        let width = text.hidden_size;
        let pooling = Init::Normal { std: text.initializer_range };
        let layer = |index: usize, inputs: usize, outputs: usize| {
            let init = Init::Uniform { bound: 1.0 / (inputs as f64).sqrt() };
            Linear::new(&head.enter(index), inputs, outputs, true, init)
        };
        Ok(Self {
            encoder: Bert::new(text, &encoder)?,
            pooler: Linear::new(&encoder.enter("pooler").enter("dense"), width, width, true, pooling)?,
            expand: layer(0, width, *hidden)?,
            contract: layer(2, *hidden, *projection)?,
        })
    }

    /// The tokens of a text that can be read: [`LONGEST`](Self::LONGEST), or as many as the position table has.
    pub fn max_tokens(&self) -> usize {
        Self::LONGEST.min(self.encoder.config().max_position_embeddings)
    }

    /// Texts in the shared space, `[texts, projection]`, before they are brought to length 1.
    ///
    /// # Errors
    /// [`Error::Input`] if the tokens do not fit the model.
    pub fn forward(&self, tokens: &TokenBatch, pass: &Pass) -> Result<Tensor> {
        let states = self.encoder.forward(tokens, pass)?;
        let pooled = self.pooler.forward(&opening_states(&states, tokens.spans())?)?.tanh()?;
        Ok(feed_forward(&pooled, self.expand.layer(), self.contract.layer(), Activation::Gelu)?)
    }
}

/// MERL: its encoder of recordings and its text side.
#[derive(Clone, Debug)]
pub struct MerlTowers {
    signal: AnyEncoder,
    text: MerlText,
}

impl MerlTowers {
    /// The two sides as one model; they share their parameters with the originals.
    ///
    /// # Errors
    /// [`Error::Config`] if they lead into spaces of different widths.
    pub fn new(signal: AnyEncoder, text: MerlText) -> Result<Self> {
        let (found, wanted) = (signal.width(), text.contract.weight.dim(0)?);
        if found != wanted {
            let message = format!("leads into {wanted} dimensions, the signal encoder into {found}");
            return Err(Error::config("text.projection", message));
        }
        Ok(Self { signal, text })
    }

    /// The text side.
    pub fn text(&self) -> &MerlText {
        &self.text
    }
}

impl Towers for MerlTowers {
    fn latents(&self) -> usize {
        self.signal.width()
    }

    fn signal_embeddings(&self, signals: &Tensor, valid: Option<&[usize]>) -> Result<Tensor> {
        let features = self.signal.forward(signals, valid, &Pass::evaluate())?;
        Ok(l2_normalize(&features.pooled, 1e-12)?)
    }

    fn encode_texts(&self, tokens: &TokenBatch) -> Result<Tensor> {
        without_gradients(|| Ok(l2_normalize(&self.text.forward(tokens, &Pass::evaluate())?, 1e-12)?))
    }

    fn attention(&self, signals: &Tensor, valid: Option<&[usize]>) -> Result<Option<Vec<f64>>> {
        self.signal.attention(signals, valid)
    }

    fn logit_scale(&self) -> Result<f64> {
        Ok(1.0 / TEMPERATURE)
    }
}

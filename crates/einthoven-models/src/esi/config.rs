use serde::{Deserialize, Serialize};

use crate::{BertConfig, ChannelNorm, DecoderConfig, Error, Result, SignalConfig};

/// Which computation an ESI model carries out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The published computation, number for number, its defects included.
    Paper,
    /// The published design with its defects repaired; see [`Esi`](crate::Esi) for the differences.
    #[default]
    Corrected,
}

/// How a text's token states become one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextPooling {
    /// The state of the opening `[CLS]` token.
    Cls,
    /// The mean over all tokens, as sentence encoders like MiniLM were trained for.
    Mean,
}

/// What tells matching recordings and texts from the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContrastiveLoss {
    /// The symmetric cross-entropy of CLIP over a batch ([`info_nce`](einthoven_nn::info_nce)).
    #[default]
    InfoNce,
    /// SigLIP's: each pair by itself ([`siglip`](einthoven_nn::siglip)). The model has a `logit_bias` then.
    SigLip,
}

/// The shape of an [`Esi`](crate::Esi) model. The defaults are the published sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EsiConfig {
    /// Which computation.
    pub mode: Mode,
    /// Leads of a recording.
    pub leads: usize,
    /// The signal encoder.
    pub signal: SignalConfig,
    /// The text encoder; its width is the decoder's too.
    pub text: BertConfig,
    /// How texts are pooled; if left out, `cls` in a `paper` model (which knows no other) and `mean` otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pooling: Option<TextPooling>,
    /// The captioning decoder.
    pub decoder: DecoderConfig,
    /// The contrastive loss; a `paper` model knows `infonce` only.
    pub contrastive_loss: ContrastiveLoss,
    /// Width of the space that signals and texts share.
    pub latents: usize,
    /// Tokens that the attention pool makes of a signal for the decoder; a `paper` model has but one, repeated.
    pub signal_tokens: usize,
}

impl Default for EsiConfig {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            leads: 12,
            signal: SignalConfig::default(),
            // BioLinkBERT-base, which differs from BERT-base by its vocabulary.
            text: BertConfig { vocab_size: 28895, ..BertConfig::default() },
            pooling: None,
            decoder: DecoderConfig::default(),
            contrastive_loss: ContrastiveLoss::default(),
            latents: 768,
            signal_tokens: 16,
        }
    }
}

impl EsiConfig {
    /// Checks that the numbers make a model.
    ///
    /// # Errors
    /// [`Error::Config`] names the key.
    pub fn validate(&self) -> Result<()> {
        self.text.validate("text")?;
        self.decoder.validate()?;
        for (key, value) in [("leads", self.leads), ("latents", self.latents), ("signal_tokens", self.signal_tokens)] {
            if value == 0 {
                return Err(Error::config(key, "must be at least 1"));
            }
        }
        if self.mode == Mode::Paper {
            if self.contrastive_loss != ContrastiveLoss::InfoNce {
                let message = "a paper model is trained with infonce; choose it or mode corrected";
                return Err(Error::config("contrastive_loss", message));
            }
            if self.pooling == Some(TextPooling::Mean) {
                let message = "a paper model takes the [CLS] state; choose cls or mode corrected";
                return Err(Error::config("pooling", message));
            }
            if let SignalConfig::ConvNext(signal) = &self.signal
                && signal.norm == Some(ChannelNorm::Channels)
            {
                let message = "a paper model normalises over time; choose time or mode corrected";
                return Err(Error::config("signal.norm", message));
            }
        }
        Ok(())
    }

    /// The kind of text pooling in force.
    pub fn text_pooling(&self) -> TextPooling {
        self.pooling.unwrap_or(match self.mode {
            Mode::Paper => TextPooling::Cls,
            Mode::Corrected => TextPooling::Mean,
        })
    }
}

/// The weights of the two losses in the sum that is trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LossWeights {
    /// Of the contrastive loss.
    pub contrastive: f64,
    /// Of the caption loss.
    pub caption: f64,
}

impl Default for LossWeights {
    fn default() -> Self {
        Self { contrastive: 1.0, caption: 1.0 }
    }
}

/// Whether weight decay should act on the parameter of this name: not on biases, norms, global response
/// normalisation, embedding tables, pool queries, the origin of texts, the logit scale or the logit bias.
///
/// It knows the names of all models of this crate. The published training decays everything.
pub fn is_decayed(name: &str) -> bool {
    let parts: Vec<&str> = name.split('.').collect();
    let Some((&last, path)) = parts.split_last() else { return true };
    match last {
        "bias" | "gamma" | "beta" | "temperature" | "logit_bias" | "img_queries" | "text_centre" => return false,
        "cls_token" | "pos_embedding" | "positional_embedding" | "original0" => return false,
        "weight" => {}
        _ => return true,
    }
    let parent = path.last().copied().unwrap_or_default();
    let is_norm = parent == "norm"
        || parent == "LayerNorm"
        || parent.ends_with("_norm")
        || parent.strip_prefix("bn").is_some_and(|number| number.parse::<usize>().is_ok());
    let is_table = parent.ends_with("_embeddings");
    // Stem: convolution 0, norm 1. Later downsamplings: norm 0, convolution 1.
    let is_downsampling_norm = matches!(
        path,
        [.., "downsample_layers", stage, index] if (*stage == "0") == (*index == "1")
    );
    // An XResNet's layers are numbered, 0 the convolution and 1 the batch norm.
    let encoder = path.strip_prefix(&["img_encoder"]).unwrap_or(path);
    let is_batch_norm =
        parent == "1" && encoder.first().is_some_and(|first| first.bytes().all(|byte| byte.is_ascii_digit()));
    // Convolution 0 and norm 1 of a ResNet's shortcut, linear layers 0 and 3 of MERL's head with norms behind them, and the norm
    // behind the first convolution of wav2vec 2.0.
    let is_numbered_norm =
        matches!(path, [.., "shortcut", "1"] | [.., "proj_e", "1" | "4"] | [.., "conv_layers", "0", "2"]);
    !(is_norm || is_table || is_downsampling_norm || is_batch_norm || is_numbered_norm)
}

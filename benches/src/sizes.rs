//! The models that steps are measured on.

use clap::{Args, ValueEnum};
use einthoven::models::{BertConfig, ConvNextConfig, ConvNextSize, DecoderConfig, EsiConfig, Mode, SignalConfig};

/// An ESI by its two encoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Model {
    /// ConvNeXt V2 atto and a text encoder of MiniLM's size, two decoder layers
    AttoMinilm,
    /// ConvNeXt V2 nano and a text encoder of MiniLM's size, two decoder layers
    NanoMinilm,
    /// ConvNeXt V2 base and a text encoder of BERT-base's size, six decoder layers: the published model
    BaseBert,
}

impl Model {
    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The batches it is measured with.
    pub fn batches(self) -> &'static [usize] {
        match self {
            Self::AttoMinilm => &[16],
            Self::NanoMinilm => &[8],
            Self::BaseBert => &[4, 16],
        }
    }

    /// The length of captions it is measured with.
    pub fn tokens(self) -> usize {
        match self {
            Self::AttoMinilm | Self::NanoMinilm => 96,
            Self::BaseBert => 128,
        }
    }

    fn encoder(self) -> ConvNextSize {
        match self {
            Self::AttoMinilm => ConvNextSize::Atto,
            Self::NanoMinilm => ConvNextSize::Nano,
            Self::BaseBert => ConvNextSize::Base,
        }
    }
}

/// A model and the shape of a batch.
#[derive(Clone, Copy, Debug, Args)]
pub struct Sizes {
    #[arg(long)]
    pub model: Model,
    /// Records in a batch
    #[arg(long)]
    pub batch: usize,
    /// Samples of each of the 12 leads
    #[arg(long)]
    pub samples: usize,
    /// Tokens of each caption
    #[arg(long)]
    pub tokens: usize,
}

impl Sizes {
    /// The arguments that these are parsed from.
    pub fn arguments(&self) -> [String; 8] {
        let Self { model, batch, samples, tokens } = self;
        let [batch, samples, tokens] = [batch, samples, tokens].map(ToString::to_string);
        [
            "--model".into(),
            model.name(),
            "--batch".into(),
            batch,
            "--samples".into(),
            samples,
            "--tokens".into(),
            tokens,
        ]
    }

    /// The model's configuration.
    pub fn config(&self, mode: Mode) -> EsiConfig {
        let config = EsiConfig {
            mode,
            signal: SignalConfig::ConvNext(ConvNextConfig { size: self.model.encoder(), norm: None }),
            ..EsiConfig::default()
        };
        if self.model == Model::BaseBert {
            return config;
        }
        EsiConfig {
            text: BertConfig {
                hidden_size: 384,
                num_hidden_layers: 6,
                num_attention_heads: 12,
                intermediate_size: 1536,
                ..BertConfig::default()
            },
            decoder: DecoderConfig { depth: 2, ..DecoderConfig::default() },
            latents: 384,
            ..config
        }
    }
}

//! The networks: signal encoders, the text encoder, the captioning decoder, and ESI and MERL, which pair recordings with texts.
//!
//! Parameters carry the names of the published models, so that their checkpoints can be read.
//!
//! ```
//! use candle_core::{DType, Device, Tensor};
//! use einthoven_models::{BertConfig, ConvNextConfig, ConvNextSize, Esi, EsiConfig, SignalConfig, Tokenizer};
//! use einthoven_nn::Parameters;
//! use einthoven_random::Streams;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let captions = ["sinus rhythm".to_owned(), "atrial fibrillation".to_owned()];
//! let tokenizer = Tokenizer::train_word_piece(&captions, 200)?;
//! let config = EsiConfig {
//!     signal: SignalConfig::ConvNext(ConvNextConfig {
//!         size: ConvNextSize::Custom { depths: [1; 4], widths: [8, 8, 16, 16] },
//!         norm: None,
//!     }),
//!     text: BertConfig {
//!         vocab_size: tokenizer.vocabulary_size(),
//!         hidden_size: 16,
//!         num_hidden_layers: 1,
//!         num_attention_heads: 2,
//!         intermediate_size: 32,
//!         ..BertConfig::default()
//!     },
//!     latents: 16,
//!     ..EsiConfig::default()
//! };
//! let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(1));
//! let model = Esi::new(&config, &parameters.root())?;
//!
//! let recordings = Tensor::zeros((2, 12, 1000), DType::F32, &Device::Cpu)?;
//! let signals = model.encode_signals(&recordings, None)?;
//! let texts = model.encode_texts(&tokenizer.encode_batch(&captions, 500)?)?;
//! assert_eq!(einthoven_nn::linear(&texts, &signals, None)?.dims(), [2, 2]);
//! # Ok(())
//! # }
//! ```

mod attended;
mod blocks;
mod classifier;
mod decoder;
mod error;
mod esi;
pub mod import;
mod memory;
mod merl;
mod signal;
mod text;
mod towers;
mod vector_norm;
mod weights;

pub use classifier::{Classifier, ClassifierConfig, Combine, CropConfig, HeadConfig};
pub use decoder::{Decoder, DecoderConfig};
pub use error::{Error, Result};
pub use esi::{
    Captions, ContrastiveLoss, Embeddings, Esi, EsiConfig, EsiLosses, EsiOutputs, LossWeights, Mode, TextPooling,
    canonical_names, is_decayed, published_names,
};
pub use memory::{Kept, PassSize};
pub use merl::{MerlText, MerlTextConfig, MerlTowers};
pub use signal::{
    AnyEncoder, ChannelNorm, ConvNext, ConvNextConfig, ConvNextSize, Features, Merl, MerlConfig, MerlEncoder, Net1d,
    Net1dConfig, ResNet, ResNetConfig, SignalConfig, SignalEncoder, Vit, VitConfig, Wav2Vec2, Wav2Vec2Config, XResNet,
    XResNetConfig,
};
pub use text::{Bert, BertConfig, Hub, PretrainedText, TextSource, TokenBatch, Tokenizer};
pub use towers::Towers;
pub use weights::{load_pytorch, load_safetensors, load_weights};

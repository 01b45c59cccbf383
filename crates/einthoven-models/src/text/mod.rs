//! Texts: tokenizers, the BERT encoder, and pretrained ones from a folder or the Hugging Face Hub.

mod bert;
mod config;
mod hub;
mod pretrained;
mod tokenizer;
mod tokens;
mod word_piece;

pub use bert::Bert;
pub(crate) use bert::opening_states;
pub use config::BertConfig;
pub use hub::Hub;
pub use pretrained::{PretrainedText, TextSource};
pub use tokenizer::Tokenizer;
pub use tokens::TokenBatch;

//! Finding the passages of knowledge that answer a question.
//!
//! Pages and the user's own documents are divided into chunks, section by section. [`Index::search`] ranks the chunks by their words (BM25)
//! and, where a sentence encoder was named, by their meaning, and fuses both rankings; a [`Reranker`] reads the first of them once more, beside the question. An index of up to 50,000 chunks is searched
//! exactly; [`Vectors`] says how a larger one is.

mod bert;
mod cells;
mod chunk;
mod document;
mod embed;
mod encoder;
mod figures;
mod folder;
mod index;
mod names;
mod pdf;
mod rerank;
mod server;
mod terms;
mod vectors;
mod words;

pub use embed::Embedder;
pub use encoder::SentenceEncoder;
pub use index::{Built, EncoderConfig, Hit, Index, Method};
pub use rerank::Reranker;
pub use server::EmbeddingServer;
pub(crate) use terms::terms;
pub use vectors::Vectors;

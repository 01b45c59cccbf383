//! A sentence encoder behind an OpenAI-compatible address.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::Embedder;
use crate::Result;
use crate::model::{Bearer, Failure, ModelConfig, Reply, Transport, Usage, url_of};

/// Texts in one request.
const BATCH: usize = 64;
/// How often a request is tried: who makes an index waits for it.
const ATTEMPTS: u32 = 4;

/// A server that answers `/v1/embeddings` as OpenAI's does: vLLM, llama.cpp, Ollama, TEI, OpenAI.
///
/// A request that fails is tried again, as those to language models are. The key is taken from `OPENAI_API_KEY`, if that is set; it is
/// sent nowhere else, and is in no message.
pub struct EmbeddingServer {
    transport: Transport,
    model: String,
    identity: String,
}

impl fmt::Debug for EmbeddingServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddingServer").field("identity", &self.identity).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    index: usize,
    embedding: Vec<f32>,
}

impl EmbeddingServer {
    /// The server at `base`, such as `http://localhost:8080/v1`, and its model.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for a key that no header can hold.
    pub fn new(base: &str, model: &str) -> Result<Self> {
        let url = url_of(base, "embeddings");
        let Bearer { key, key_env, headers } = Bearer::new(None)?;
        let config = ModelConfig { attempts: ATTEMPTS, ..ModelConfig::default() };
        let identity = format!("{model} at {url}");
        let transport = Transport::new(&config, url, headers, (key, key_env), Arc::default());
        Ok(Self { transport, identity, model: model.to_owned() })
    }
}

/// The vectors in a reply, one for each of `count` texts.
fn read(reply: Reply<'_>, count: usize) -> std::result::Result<Vec<Vec<f32>>, Failure> {
    let Reply::Whole(json) = reply else { return Err(Failure::ContentType("a stream of events".to_owned())) };
    let wrong = |message: String| Failure::Json(message);
    let answer: Answer =
        serde_json::from_value(json).map_err(|error| wrong(format!("no list of embeddings: {error}")))?;
    let mut vectors = vec![Vec::new(); count];
    for entry in answer.data {
        let vector = vectors.get_mut(entry.index);
        *vector.ok_or_else(|| wrong(format!("an embedding for text {}, of {count}", entry.index)))? = entry.embedding;
    }
    let width = vectors.first().map_or(0, Vec::len);
    if width == 0 || vectors.iter().any(|vector| vector.len() != width) {
        return Err(wrong("embeddings that are missing, or of different lengths".to_owned()));
    }
    Ok(vectors)
}

impl Embedder for EmbeddingServer {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH) {
            let body = json!({ "model": self.model, "input": batch });
            let read = |reply: Reply<'_>| Ok((read(reply, batch.len())?, Usage::default()));
            vectors.extend(self.transport.ask(&body, 0, read)?);
        }
        Ok(vectors)
    }
}

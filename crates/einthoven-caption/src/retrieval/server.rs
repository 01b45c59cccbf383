//! A sentence encoder behind an OpenAI-compatible address.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use ureq::Agent;

use super::Embedder;
use crate::{Error, Result};

/// The environment variable with the key, as other programs have it.
const KEY: &str = "OPENAI_API_KEY";
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Texts in one request.
const BATCH: usize = 64;

/// A server that answers `/v1/embeddings` as OpenAI's does: vLLM, llama.cpp, Ollama, TEI, OpenAI.
///
/// The key is taken from `OPENAI_API_KEY`, if that is set; it is sent nowhere else, and is in no message.
pub struct EmbeddingServer {
    agent: Agent,
    url: String,
    model: String,
    key: Option<String>,
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
    pub fn new(base: &str, model: &str) -> Self {
        let agent = Agent::config_builder().timeout_global(Some(TIMEOUT)).build().new_agent();
        let url = format!("{}/embeddings", base.trim_end_matches('/'));
        let key = std::env::var(KEY).ok().filter(|key| !key.is_empty());
        Self { agent, identity: format!("{model} at {url}"), url, model: model.to_owned(), key }
    }

    fn ask(&self, texts: &[&str]) -> std::result::Result<Vec<Vec<f32>>, String> {
        let body = json!({ "model": self.model, "input": texts }).to_string();
        let mut request = self.agent.post(&self.url).header("content-type", "application/json");
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let mut response = request.send(body).map_err(|error| error.to_string())?;
        let text = response.body_mut().read_to_string().map_err(|error| error.to_string())?;
        let answer: Answer = serde_json::from_str(&text).map_err(|error| format!("no list of embeddings: {error}"))?;
        let mut vectors = vec![Vec::new(); texts.len()];
        for entry in answer.data {
            let vector = vectors
                .get_mut(entry.index)
                .ok_or_else(|| format!("an embedding for text {}, of {}", entry.index, texts.len()))?;
            *vector = entry.embedding;
        }
        let width = vectors.first().map_or(0, Vec::len);
        if width == 0 || vectors.iter().any(|vector| vector.len() != width) {
            return Err("embeddings that are missing, or of different lengths".to_owned());
        }
        Ok(vectors)
    }
}

impl Embedder for EmbeddingServer {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH) {
            vectors.extend(self.ask(batch).map_err(|message| Error::Embedder { name: self.url.clone(), message })?);
        }
        Ok(vectors)
    }
}

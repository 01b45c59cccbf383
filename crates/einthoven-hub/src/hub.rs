//! The Hub: where it is, and what is known of a repository there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::client::Client;
use crate::token::Token;
use crate::{Error, ModelName, Result};

/// How often a request is tried.
const ATTEMPTS: u32 = 5;

/// The pause before the second attempt; doubled before each further one.
const PAUSE: Duration = Duration::from_secs(1);

/// The Hugging Face Hub, or a server that speaks as it does, and the local cache of it.
#[derive(Clone, Debug)]
pub struct Hub {
    pub(crate) client: Client,
    pub(crate) cache: PathBuf,
    pub(crate) offline: bool,
}

/// What the Hub says of a revision.
#[derive(Debug, Deserialize)]
pub(crate) struct Revision {
    /// The commit.
    pub sha: String,
    /// Whether only those see it who are let in.
    #[serde(default)]
    pub private: bool,
    /// The files.
    #[serde(default)]
    pub siblings: Vec<Sibling>,
}

/// A file of a revision.
#[derive(Debug, Deserialize)]
pub(crate) struct Sibling {
    /// Its path.
    pub rfilename: String,
}

impl Hub {
    /// The Hub at `endpoint` with its cache in the folder `cache`, with a token if there is one.
    pub fn new(endpoint: &str, cache: impl Into<PathBuf>, token: Option<&str>) -> Self {
        let client = Client::new(endpoint, token.and_then(Token::new), ATTEMPTS, PAUSE);
        Self { client, cache: cache.into(), offline: false }
    }

    /// As Hugging Face's own tools find it: `HF_ENDPOINT`, the cache in `HF_HUB_CACHE`, `HF_HOME` or the home folder, the token
    /// from `HF_TOKEN` or the file that `hf auth login` writes, no network if `HF_HUB_OFFLINE` is set.
    pub fn from_env() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        let home = variable("HF_HOME")
            .map(PathBuf::from)
            .unwrap_or_else(|| std::env::home_dir().unwrap_or_default().join(".cache").join("huggingface"));
        let cache = variable("HF_HUB_CACHE").map_or_else(|| home.join("hub"), PathBuf::from);
        let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned());
        let offline = variable("HF_HUB_OFFLINE")
            .is_some_and(|value| matches!(value.to_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE"));
        Self { client: Client::new(&endpoint, Token::find(&home), ATTEMPTS, PAUSE), cache, offline }
    }

    /// The same Hub, with `pause` before a request is tried a second time, doubled before each further time.
    #[must_use]
    pub fn with_pause(self, pause: Duration) -> Self {
        Self { client: self.client.with_pause(pause), ..self }
    }

    /// The same Hub, never asked: only the cache is used.
    #[must_use]
    pub fn offline(self) -> Self {
        Self { offline: true, ..self }
    }

    /// The cache's folder.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// What the Hub says of a revision.
    pub(crate) fn revision(&self, name: &ModelName, revision: &str) -> Result<Revision> {
        let path = format!("/api/models/{}/revision/{}", name.repository(), revision.replace('/', "%2F"));
        let found: Revision = self.client.get_json(&path)?;
        if crate::name::is_commit(&found.sha) {
            return Ok(found);
        }
        // It becomes a part of paths and addresses.
        Err(Error::Answer { url: self.client.url(&path), message: format!("`{}` is no commit", found.sha) })
    }
}

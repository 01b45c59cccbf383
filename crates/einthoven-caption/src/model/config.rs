//! Which model is asked, and how.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::anthropic::Anthropic;
use super::openai::OpenAi;
use super::{Composer, Gguf, LanguageModel};
use crate::{Error, KnowledgeBase, Result};

/// Which model is asked, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// Who answers.
    pub provider: Provider,
    /// The model's name at the provider, or the file of `gguf`; of no meaning for `knowledge`.
    pub name: String,
    /// Where the server's API begins, such as `http://localhost:8080/v1`; the provider's own by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The environment variable that holds the key; `OPENAI_API_KEY` or `ANTHROPIC_API_KEY` by default. Without it, an OpenAI-compatible
    /// server is asked without a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// The seed of what `gguf` draws at a temperature above zero.
    pub seed: u64,
    /// Requests under way at once; `gguf` answers one at a time, with all threads.
    pub in_flight: usize,
    /// Requests begun per minute, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<f64>,
    /// Seconds until an answer must be complete.
    pub timeout_seconds: f64,
    /// How often a request is tried before it counts as unanswered.
    pub attempts: u32,
    /// The longest wait between two tries, in seconds; a server that asks for a longer one ends the work.
    pub longest_wait_seconds: f64,
    /// Whether answers come word by word, so that a slow one keeps its connection busy.
    pub stream: bool,
    /// What tokens cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
    /// The most that may be spent, in US dollars; asks for `prices`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_usd: Option<f64>,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            provider: Provider::Knowledge,
            name: String::new(),
            base_url: None,
            key_env: None,
            seed: 0,
            in_flight: 8,
            requests_per_minute: None,
            timeout_seconds: 120.0,
            attempts: 6,
            longest_wait_seconds: 60.0,
            stream: false,
            prices: None,
            budget_usd: None,
        }
    }
}

/// Who answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// No model: the knowledge base composes descriptions of its pages.
    #[default]
    Knowledge,
    /// A server with OpenAI's `/chat/completions`: OpenAI, vLLM, llama.cpp, Ollama, TGI.
    Openai,
    /// Anthropic's Messages API.
    Anthropic,
    /// A model in a GGUF file, run in this process.
    Gguf,
}

/// What tokens cost, in US dollars per million.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Tokens read.
    pub input: f64,
    /// Tokens written.
    pub output: f64,
}

impl ModelConfig {
    /// Takes provider and name from `knowledge`, `openai:NAME`, `anthropic:NAME` or `gguf:FILE`.
    ///
    /// # Errors
    /// [`Error::Setting`] for anything else.
    pub fn choose(&mut self, choice: &str) -> Result<()> {
        let (provider, name) = choice.split_once(':').unwrap_or((choice, ""));
        self.provider = match (provider, name.is_empty()) {
            ("knowledge", true) => Provider::Knowledge,
            ("openai", false) => Provider::Openai,
            ("anthropic", false) => Provider::Anthropic,
            ("gguf", false) => Provider::Gguf,
            _ => {
                let expected = "expected knowledge, openai:NAME, anthropic:NAME or gguf:FILE";
                return Err(setting("model", format!("`{choice}`: {expected}")));
            }
        };
        name.clone_into(&mut self.name);
        Ok(())
    }

    /// The client. It gives up waiting when `stop` becomes true.
    ///
    /// # Errors
    /// [`Error::Setting`] for a value that is impossible, or a key that is needed and not there; those of [`Gguf::open`].
    pub fn connect(&self, base: &Arc<KnowledgeBase>, stop: Arc<AtomicBool>) -> Result<Box<dyn LanguageModel>> {
        self.validate()?;
        Ok(match self.provider {
            Provider::Knowledge => Box::new(Composer::new(Arc::clone(base))),
            Provider::Openai => Box::new(OpenAi::connect(self, stop)?),
            Provider::Anthropic => Box::new(Anthropic::connect(self, stop)?),
            Provider::Gguf => Box::new(Gguf::open(&self.name, self.seed, stop)?),
        })
    }

    fn validate(&self) -> Result<()> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        if self.provider != Provider::Knowledge && self.name.is_empty() {
            return Err(setting("model.name", "name the model that the server is to use, or the GGUF file"));
        }
        if self.in_flight == 0 || self.attempts == 0 {
            return Err(setting("model", "in_flight and attempts are at least 1"));
        }
        if !positive(self.timeout_seconds) || !positive(self.longest_wait_seconds) {
            return Err(setting("model", "timeout_seconds and longest_wait_seconds are above 0"));
        }
        if self.requests_per_minute.is_some_and(|rate| !positive(rate)) {
            return Err(setting("model.requests_per_minute", "expected a number above 0"));
        }
        let known = self.prices.is_some_and(|prices| prices.input >= 0.0 && prices.output >= 0.0);
        if self.budget_usd.is_some() && !known {
            return Err(setting("model.budget_usd", "a budget needs model.prices, in US dollars per million tokens"));
        }
        // A key in the address would be shown with it.
        if self.base_url.as_ref().is_some_and(|url| url.contains('@') || !url.starts_with("http")) {
            return Err(setting("model.base_url", "expected http:// or https:// without a user's name"));
        }
        Ok(())
    }
}

pub(super) fn setting(key: &str, message: impl Into<String>) -> Error {
    Error::Setting { key: key.to_owned(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read() {
        let mut config = ModelConfig::default();
        config.choose("openai:meta/llama:8b").unwrap();
        assert_eq!((config.provider, config.name.as_str()), (Provider::Openai, "meta/llama:8b"));
        config.choose("knowledge").unwrap();
        assert_eq!(config.provider, Provider::Knowledge);
        for wrong in ["openai", "openai:", "gpt-4", "knowledge:x"] {
            assert!(config.choose(wrong).unwrap_err().to_string().contains("anthropic:NAME"), "{wrong}");
        }
    }

    #[test]
    fn impossible_settings_are_named() {
        let base = Arc::new(KnowledgeBase::built_in().unwrap());
        let message = |text: &str| {
            let config: ModelConfig = toml::from_str(text).unwrap();
            config.connect(&base, Arc::default()).err().unwrap().to_string()
        };
        assert!(message("provider = \"openai\"").contains("model.name"));
        assert!(message("in_flight = 0").contains("in_flight"));
        assert!(message("budget_usd = 1.0").contains("model.prices"));
        assert!(message("timeout_seconds = nan").contains("timeout_seconds"));
        assert!(message("requests_per_minute = 0").contains("requests_per_minute"));
        let with_user = "provider = \"openai\"\nname = \"m\"\nbase_url = \"http://me:secret@localhost/v1\"";
        assert!(!message(with_user).contains("secret"));
        assert!(
            message("provider = \"anthropic\"\nname = \"m\"\nkey_env = \"EINTHOVEN_NO_SUCH\"")
                .contains("EINTHOVEN_NO_SUCH")
        );
        assert!(toml::from_str::<ModelConfig>("key = \"sk-1\"").is_err());
    }
}

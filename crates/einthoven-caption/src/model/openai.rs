//! Servers with OpenAI's `/chat/completions`: OpenAI, vLLM, llama.cpp, Ollama, TGI.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};
use ureq::http::HeaderValue;

use super::client::{Api, Client, url_of};
use super::retry::Failure;
use super::secret::Secret;
use super::transport::Reply;
use super::{Answer, Finish, ModelConfig, Usage};
use crate::{Request, Result};

const BASE_URL: &str = "https://api.openai.com/v1";
const KEY_ENV: &str = "OPENAI_API_KEY";

/// OpenAI's API.
pub(super) struct OpenAi {
    model: String,
    /// OpenAI's newer models know the longest answer by another name than the servers that follow its older API.
    length_key: &'static str,
    stream: bool,
}

impl OpenAi {
    /// A client of one model on one server.
    pub fn connect(config: &ModelConfig, stop: Arc<AtomicBool>) -> Result<Client<Self>> {
        let Bearer { key, key_env, headers } = Bearer::new(config.key_env.as_deref())?;
        let api = Self {
            model: config.name.clone(),
            length_key: if config.base_url.is_none() { "max_completion_tokens" } else { "max_tokens" },
            stream: config.stream,
        };
        let url = url_of(config.base_url.as_deref().unwrap_or(BASE_URL), "chat/completions");
        Ok(Client::new(config, ("openai", api), url, headers, (key, key_env), stop))
    }
}

/// The key that servers with this API are shown.
pub(crate) struct Bearer {
    /// None if the environment variable is not set: many servers ask for none.
    pub key: Option<Secret>,
    /// The environment variable.
    pub key_env: String,
    /// The header that holds the key.
    pub headers: Vec<(&'static str, HeaderValue)>,
}

impl Bearer {
    /// The key in the environment variable `key_env`, or else in `OPENAI_API_KEY`.
    pub fn new(key_env: Option<&str>) -> Result<Self> {
        let key_env = key_env.unwrap_or(KEY_ENV).to_owned();
        let key = Secret::from_env(&key_env);
        let header = key.as_ref().map(|key| key.header("Bearer ", &key_env)).transpose()?;
        Ok(Self { key, key_env, headers: header.map(|header| ("authorization", header)).into_iter().collect() })
    }
}

impl Api for OpenAi {
    fn body(&self, request: &Request) -> Value {
        let mut body = json!({
            "model": self.model,
            "messages": [
                { "role": "system", "content": request.system() },
                { "role": "user", "content": request.user() },
            ],
            self.length_key: request.max_tokens(),
            "temperature": request.temperature(),
            "stream": self.stream,
        });
        if self.stream {
            body["stream_options"] = json!({ "include_usage": true });
        }
        if let Some(schema) = request.schema() {
            body["response_format"] = json!({
                "type": "json_schema",
                "json_schema": { "name": "answer", "strict": true, "schema": schema },
            });
        }
        body
    }

    fn read(&self, reply: Reply<'_>, request: &Request) -> std::result::Result<Answer, Failure> {
        let mut text = String::new();
        let mut reason = None;
        let mut usage = None;
        match reply {
            Reply::Whole(json) => {
                let content = json.pointer("/choices/0/message/content").and_then(Value::as_str);
                text.push_str(content.ok_or_else(|| Failure::Json("no choices[0].message.content".to_owned()))?);
                reason = json.pointer("/choices/0/finish_reason").and_then(Value::as_str).map(str::to_owned);
                usage = usage_of(&json);
            }
            Reply::Events(mut events) => {
                while let Some(json) = events.json()? {
                    if let Some(error) = json.get("error") {
                        return Err(Failure::Json(format!("an error in the stream: {error}")));
                    }
                    text.push_str(json.pointer("/choices/0/delta/content").and_then(Value::as_str).unwrap_or_default());
                    if let Some(found) = json.pointer("/choices/0/finish_reason").and_then(Value::as_str) {
                        reason = Some(found.to_owned());
                    }
                    usage = usage_of(&json).or(usage);
                }
            }
        }
        let finish = match reason.as_deref() {
            Some("length") => Finish::Length,
            Some("content_filter") => Finish::Filtered,
            _ => Finish::Stop,
        };
        let usage = usage.unwrap_or_else(|| request.estimate(&text));
        Ok(Answer { text, usage, finish })
    }
}

fn usage_of(json: &Value) -> Option<Usage> {
    let tokens = |key: &str| json.get("usage")?.get(key)?.as_u64();
    Some(Usage { input: tokens("prompt_tokens")?, output: tokens("completion_tokens")? })
}

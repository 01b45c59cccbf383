//! Servers with OpenAI's `/chat/completions`: OpenAI, vLLM, llama.cpp, Ollama, TGI.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};

use super::retry::Failure;
use super::secret::Secret;
use super::transport::{Reply, Transport};
use super::{Answer, Finish, LanguageModel, ModelConfig, Prices, Traffic, Usage};
use crate::{Request, Result};

const BASE_URL: &str = "https://api.openai.com/v1";
const KEY_ENV: &str = "OPENAI_API_KEY";

/// A client of one model on one server.
pub(super) struct OpenAi {
    name: String,
    model: String,
    /// OpenAI's newer models know the longest answer by another name than the servers that follow its older API.
    length_key: &'static str,
    stream: bool,
    in_flight: usize,
    transport: Transport,
}

impl OpenAi {
    pub fn new(config: &ModelConfig, stop: Arc<AtomicBool>) -> Result<Self> {
        let key_env = config.key_env.clone().unwrap_or_else(|| KEY_ENV.to_owned());
        let key = Secret::from_env(&key_env);
        let mut headers = Vec::new();
        if let Some(key) = &key {
            headers.push(("authorization", key.header("Bearer ", &key_env)?));
        }
        let base = config.base_url.as_deref().unwrap_or(BASE_URL).trim_end_matches('/');
        let url = format!("{base}/chat/completions");
        Ok(Self {
            name: format!("openai:{}", config.name),
            model: config.name.clone(),
            length_key: if config.base_url.is_none() { "max_completion_tokens" } else { "max_tokens" },
            stream: config.stream,
            in_flight: config.in_flight,
            transport: Transport::new(config, url, headers, (key, key_env), stop),
        })
    }

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
}

impl LanguageModel for OpenAi {
    fn name(&self) -> &str {
        &self.name
    }

    fn answer(&self, request: &Request) -> Result<Answer> {
        self.transport.ask(request, &self.body(request), |reply| read(reply, request))
    }

    fn in_flight(&self) -> usize {
        self.in_flight
    }

    fn traffic(&self) -> Traffic {
        self.transport.meter().traffic()
    }

    fn prices(&self) -> Option<Prices> {
        self.transport.meter().prices()
    }
}

fn read(reply: Reply<'_>, request: &Request) -> std::result::Result<Answer, Failure> {
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
        Reply::Events(mut events) => loop {
            // Without the last event the answer is not whole, whatever came.
            let event = events.next()?.ok_or(Failure::Cut)?;
            if event == "[DONE]" {
                break;
            }
            let json: Value = serde_json::from_str(&event).map_err(|error| Failure::Json(error.to_string()))?;
            if let Some(error) = json.get("error") {
                return Err(Failure::Json(format!("an error in the stream: {error}")));
            }
            text.push_str(json.pointer("/choices/0/delta/content").and_then(Value::as_str).unwrap_or_default());
            if let Some(found) = json.pointer("/choices/0/finish_reason").and_then(Value::as_str) {
                reason = Some(found.to_owned());
            }
            usage = usage_of(&json).or(usage);
        },
    }
    let finish = match reason.as_deref() {
        Some("length") => Finish::Length,
        Some("content_filter") => Finish::Filtered,
        _ => Finish::Stop,
    };
    let usage = usage.unwrap_or_else(|| request.estimate(&text));
    Ok(Answer { text, usage, finish })
}

fn usage_of(json: &Value) -> Option<Usage> {
    let tokens = |key: &str| json.get("usage")?.get(key)?.as_u64();
    Some(Usage { input: tokens("prompt_tokens")?, output: tokens("completion_tokens")? })
}

//! Anthropic's Messages API.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};
use ureq::http::HeaderValue;

use super::client::{Api, Client, url_of};
use super::config::setting;
use super::retry::Failure;
use super::secret::Secret;
use super::transport::Reply;
use super::{Answer, Finish, ModelConfig, Usage};
use crate::{Request, Result};

const BASE_URL: &str = "https://api.anthropic.com/v1";
const KEY_ENV: &str = "ANTHROPIC_API_KEY";
const VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// The tool whose input is the answer, where a schema is asked for.
const TOOL: &str = "answer";

/// Anthropic's API.
pub(super) struct Anthropic {
    model: String,
    stream: bool,
}

impl Anthropic {
    /// A client of one model.
    pub fn connect(config: &ModelConfig, stop: Arc<AtomicBool>) -> Result<Client<Self>> {
        let key_env = config.key_env.clone().unwrap_or_else(|| KEY_ENV.to_owned());
        let key = Secret::from_env(&key_env);
        let key = key.ok_or_else(|| setting(&key_env, "set this environment variable to the key of the API"))?;
        let headers = vec![("x-api-key", key.header("", &key_env)?), ("anthropic-version", VERSION)];
        let api = Self { model: config.name.clone(), stream: config.stream };
        let url = url_of(config.base_url.as_deref().unwrap_or(BASE_URL), "messages");
        Ok(Client::new(config, ("anthropic", api), url, headers, (Some(key), key_env), stop))
    }
}

impl Api for Anthropic {
    fn body(&self, request: &Request) -> Value {
        let mut body = json!({
            "model": self.model,
            "system": request.system(),
            "messages": [{ "role": "user", "content": request.user() }],
            "max_tokens": request.max_tokens(),
            "temperature": request.temperature(),
            "stream": self.stream,
        });
        if let Some(schema) = request.schema() {
            let about = "Hands over the answer.";
            body["tools"] = json!([{ "name": TOOL, "description": about, "input_schema": schema }]);
            body["tool_choice"] = json!({ "type": "tool", "name": TOOL });
        }
        body
    }

    fn read(&self, reply: Reply<'_>, _request: &Request) -> std::result::Result<Answer, Failure> {
        match reply {
            Reply::Whole(json) => whole(&json),
            Reply::Events(mut events) => {
                let mut message = Message::default();
                while !message.complete {
                    message.take(&events.json()?.ok_or(Failure::Cut)?)?;
                }
                Ok(message.answer())
            }
        }
    }
}

fn whole(json: &Value) -> std::result::Result<Answer, Failure> {
    let missing = || Failure::Json("no content".to_owned());
    let mut message = Message::default();
    for block in json.get("content").and_then(Value::as_array).ok_or_else(missing)? {
        match (block.get("text").and_then(Value::as_str), block.get("input")) {
            (Some(text), _) => message.text.push_str(text),
            (None, Some(input)) => message.text.push_str(&input.to_string()),
            _ => {}
        }
    }
    message.end(json.get("stop_reason"));
    message.count(json.get("usage"));
    Ok(message.answer())
}

/// A message as it comes in.
#[derive(Default)]
struct Message {
    text: String,
    reason: Option<String>,
    usage: Usage,
    complete: bool,
}

impl Message {
    fn take(&mut self, event: &Value) -> std::result::Result<(), Failure> {
        match event.get("type").and_then(Value::as_str) {
            Some("message_start") => self.count(event.pointer("/message/usage")),
            Some("content_block_delta") => {
                let delta = event.pointer("/delta/text").or_else(|| event.pointer("/delta/partial_json"));
                self.text.push_str(delta.and_then(Value::as_str).unwrap_or_default());
            }
            Some("message_delta") => {
                self.end(event.pointer("/delta/stop_reason"));
                self.count(event.get("usage"));
            }
            Some("message_stop") => self.complete = true,
            Some("error") => return Err(Failure::Json(format!("an error in the stream: {event}"))),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, reason: Option<&Value>) {
        self.reason = reason.and_then(Value::as_str).map(str::to_owned);
    }

    /// Later counts replace earlier ones: they are totals.
    fn count(&mut self, usage: Option<&Value>) {
        let tokens = |key: &str| usage.and_then(|usage| usage.get(key)).and_then(Value::as_u64);
        self.usage.input = tokens("input_tokens").unwrap_or(self.usage.input);
        self.usage.output = tokens("output_tokens").unwrap_or(self.usage.output);
    }

    fn answer(self) -> Answer {
        let finish = match self.reason.as_deref() {
            Some("max_tokens") => Finish::Length,
            Some("refusal") => Finish::Filtered,
            _ => Finish::Stop,
        };
        Answer { text: self.text, usage: self.usage, finish }
    }
}

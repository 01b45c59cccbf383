//! Requests to a server over HTTP, tried until they are answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use einthoven_random::Streams;
use serde_json::Value;
use ureq::http::{HeaderValue, Response, header};
use ureq::{Agent, Body, BodyReader};

use super::events::Events;
use super::limiter::{Limiter, sleep};
use super::meter::Meter;
use super::retry::{self, Failure};
use super::secret::Secret;
use super::{ModelConfig, Usage};
use crate::{Error, Result};

/// The longest time that a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// Bytes of the longest answer.
const LONGEST: u64 = 16 << 20;

/// Tokens that a model's chat template may add to a request.
const TEMPLATE_TOKENS: u64 = 256;

/// What a server sent: the whole, or event by event.
pub(crate) enum Reply<'a> {
    Whole(Value),
    Events(Events<BodyReader<'a>>),
}

/// The way to one server.
pub(crate) struct Transport {
    agent: Agent,
    url: String,
    headers: Vec<(&'static str, HeaderValue)>,
    key: Option<Secret>,
    key_env: String,
    attempts: u32,
    longest_wait: Duration,
    limiter: Limiter,
    meter: Meter,
    streams: Streams,
    sent: AtomicU64,
    stop: Arc<AtomicBool>,
}

impl Transport {
    /// The way to `url`; `headers` go with every request.
    pub fn new(
        config: &ModelConfig,
        url: String,
        headers: Vec<(&'static str, HeaderValue)>,
        (key, key_env): (Option<Secret>, String),
        stop: Arc<AtomicBool>,
    ) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(Duration::from_secs_f64(config.timeout_seconds)))
            .max_idle_connections_per_host(config.in_flight)
            .user_agent(concat!("einthoven/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Self {
            agent,
            url,
            headers,
            key,
            key_env,
            attempts: config.attempts,
            longest_wait: Duration::from_secs_f64(config.longest_wait_seconds),
            limiter: Limiter::new(config.requests_per_minute, config.in_flight),
            meter: Meter::new(config.prices, config.budget_usd),
            streams: Streams::new(0),
            sent: AtomicU64::new(0),
            stop,
        }
    }

    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Sends `body` until `read` makes something of the reply, and says what it took; `longest` is the most tokens that are written.
    ///
    /// # Errors
    /// Those of [`LanguageModel::answer`](super::LanguageModel::answer).
    pub fn ask<T>(
        &self,
        body: &Value,
        longest: u32,
        read: impl Fn(Reply<'_>) -> std::result::Result<(T, Usage), Failure>,
    ) -> Result<T> {
        let body = body.to_string();
        // No token is shorter than a byte.
        let bound = Usage { input: body.len() as u64 + TEMPLATE_TOKENS, output: u64::from(longest) };
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let mut attempt = 1;
        loop {
            self.limiter.take(&self.stop)?;
            self.meter.begin(bound)?;
            let failure = match self.once(&body).and_then(|mut reply| read(reply.open()?)) {
                Ok((answer, usage)) => {
                    self.meter.end(bound, usage, None);
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            let billed = if failure.may_be_billed() { bound } else { Usage::default() };
            self.meter.end(bound, billed, Some(&failure.kind()));
            if !failure.may_pass() {
                return Err(self.refused(&failure));
            }
            let message = Secret::redact(self.key.as_ref(), &failure.message());
            if attempt == self.attempts {
                return Err(Error::Unanswered { url: self.url.clone(), attempts: attempt, message });
            }
            let asked = failure.retry_after();
            if asked.is_some_and(|asked| asked > self.longest_wait) {
                return Err(Error::WaitTooLong {
                    url: self.url.clone(),
                    asked: asked.unwrap_or_default().as_secs(),
                    longest: self.longest_wait.as_secs(),
                });
            }
            if let Some(asked) = asked {
                // The others, too, would only be sent away.
                self.limiter.hold(asked);
            }
            sleep(retry::wait(&self.streams, number, attempt, asked, self.longest_wait), &self.stop)?;
            attempt += 1;
        }
    }

    fn once(&self, body: &str) -> std::result::Result<Received, Failure> {
        let mut request = self.agent.post(&self.url).header(header::CONTENT_TYPE, "application/json");
        for (name, value) in &self.headers {
            request = request.header(*name, value.clone());
        }
        let mut response = request.send(body).map_err(failure)?;
        let code = response.status().as_u16();
        if code != 200 {
            let value = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
            let retry_after = value.and_then(|value| retry::retry_after(value, SystemTime::now()));
            let message = response.body_mut().with_config().limit(LONGEST).lossy_utf8(true).read_to_string();
            let message = error_message(&message.unwrap_or_default());
            return Err(Failure::Status { code, retry_after, message });
        }
        Ok(Received(response))
    }

    fn refused(&self, failure: &Failure) -> Error {
        let message = match failure {
            // Servers quote keys in part: what they say about one is not passed on.
            Failure::Status { code: code @ (401 | 403), .. } => {
                format!("{code}: the key in {} is missing or not accepted", self.key_env)
            }
            failure => Secret::redact(self.key.as_ref(), &failure.message()),
        };
        Error::Refused { url: self.url.clone(), message }
    }
}

/// A reply with the status 200.
struct Received(Response<Body>);

impl Received {
    fn open(&mut self) -> std::result::Result<Reply<'_>, Failure> {
        let kind = self.0.body().mime_type().unwrap_or("of no stated type").to_owned();
        let body = self.0.body_mut().with_config().limit(LONGEST);
        match kind.as_str() {
            "application/json" => {
                let bytes = body.read_to_vec().map_err(failure)?;
                serde_json::from_slice(&bytes).map(Reply::Whole).map_err(|error| Failure::Json(error.to_string()))
            }
            "text/event-stream" => Ok(Reply::Events(Events::new(body.reader()))),
            _ => Err(Failure::ContentType(kind)),
        }
    }
}

/// What a server says about an error: in JSON, mostly at `error.message`.
fn error_message(body: &str) -> String {
    let json: Option<Value> = serde_json::from_str(body).ok();
    let message = json.as_ref().and_then(|json| json.pointer("/error/message").or_else(|| json.get("message")));
    message.and_then(Value::as_str).unwrap_or(body).to_owned()
}

/// What a failed exchange means.
pub(super) fn failure(error: ureq::Error) -> Failure {
    use std::io::ErrorKind;
    match error {
        ureq::Error::Timeout(_) => Failure::Timeout,
        ureq::Error::Io(error) if error.kind() == ErrorKind::TimedOut => Failure::Timeout,
        ureq::Error::Io(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
            Failure::Cut
        }
        // An answer that does not keep to HTTP has lost a part of it.
        ureq::Error::Protocol(_) | ureq::Error::BodyStalled => Failure::Cut,
        ureq::Error::BodyExceedsLimit(limit) => Failure::Json(format!("more than {limit} bytes")),
        error => Failure::Connection(error.to_string()),
    }
}

//! What the clients of all servers have in common.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::Value;
use ureq::http::HeaderValue;

use super::retry::Failure;
use super::secret::Secret;
use super::transport::{Reply, Transport};
use super::{Answer, LanguageModel, ModelConfig, Prices, Traffic};
use crate::{Request, Result};

/// How a provider is spoken to.
pub(super) trait Api: Send + Sync {
    /// What is sent.
    fn body(&self, request: &Request) -> Value;

    /// The answer in what came back.
    fn read(&self, reply: Reply<'_>, request: &Request) -> std::result::Result<Answer, Failure>;
}

/// A client of one model on one server.
pub(super) struct Client<A> {
    api: A,
    name: String,
    in_flight: usize,
    transport: Transport,
}

impl<A: Api> Client<A> {
    /// A client of the server at `url`, with a key and the environment variable that it is from.
    pub fn new(
        config: &ModelConfig,
        (provider, api): (&str, A),
        url: String,
        headers: Vec<(&'static str, HeaderValue)>,
        key: (Option<Secret>, String),
        stop: Arc<AtomicBool>,
    ) -> Self {
        let transport = Transport::new(config, url, headers, key, stop);
        Self { api, name: format!("{provider}:{}", config.name), in_flight: config.in_flight, transport }
    }
}

impl<A: Api> LanguageModel for Client<A> {
    fn name(&self) -> &str {
        &self.name
    }

    fn answer(&self, request: &Request) -> Result<Answer> {
        self.transport.ask(&self.api.body(request), request.max_tokens(), |reply| {
            let answer = self.api.read(reply, request)?;
            let usage = answer.usage;
            Ok((answer, usage))
        })
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

/// Where a path of an API is.
pub(crate) fn url_of(base: &str, path: &str) -> String {
    format!("{}/{path}", base.trim_end_matches('/'))
}

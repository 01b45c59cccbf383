//! Requests to the Hub, and when and how they are repeated.

use std::time::Duration;

use einthoven_random::Streams;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rand::RngExt;
use serde::de::DeserializeOwned;
use ureq::http::{Response, header};
use ureq::{Agent, Body, RequestBuilder};

use crate::failure::{Failure, meaning, retry_after};
use crate::token::Token;
use crate::{Error, Result};

/// The longest pause that is not asked for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A server that asks for more is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Redirections that are followed.
const REDIRECTIONS: usize = 5;

/// The largest answer that is kept in memory, in bytes.
const LARGEST_ANSWER: u64 = 16 << 20;

/// What is encoded in an address: all but what RFC 3986 leaves as it is, and the `/` between its parts.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The way to the Hub.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    agent: Agent,
    /// Does not end in `/`.
    endpoint: String,
    token: Option<Token>,
    attempts: u32,
    pause: Duration,
}

/// How an address is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// For the content.
    Get,
    /// For what there is to know of it.
    Head,
}

impl Client {
    /// A client that tries up to `attempts` times, with `pause` before the second time, doubled before each further one.
    pub fn new(endpoint: &str, token: Option<Token>, attempts: u32, pause: Duration) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("einthoven/", env!("CARGO_PKG_VERSION")))
            // Ranges count the bytes of the file, not of a compressed one.
            .accept_encoding("identity")
            // Redirections are followed here, so that none takes the token along to another server.
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_recv_response(Some(Duration::from_secs(120)))
            .timeout_per_read(Some(Duration::from_secs(60)))
            .timeout_per_write(Some(Duration::from_secs(60)))
            .build();
        Self { agent: agent.into(), endpoint: endpoint.trim_end_matches('/').to_owned(), token, attempts, pause }
    }

    pub fn with_pause(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// An address of the Hub; `path` begins with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{}", self.endpoint, utf8_percent_encode(path, RESERVED))
    }

    /// A request with the token, if there is one and the address is the Hub's.
    pub fn authorized<B>(&self, url: &str, request: RequestBuilder<B>) -> Result<RequestBuilder<B>> {
        let ours = url.strip_prefix(&self.endpoint).is_some_and(|rest| rest.starts_with('/'));
        match &self.token {
            Some(token) if ours => Ok(request.header(header::AUTHORIZATION, token.header()?)),
            _ => Ok(request),
        }
    }

    /// Repeats `attempt` until it succeeds, fails for good, or has failed too often.
    pub fn repeat<T>(&self, url: &str, mut attempt: impl FnMut() -> std::result::Result<T, Failure>) -> Result<T> {
        let mut tried = 0;
        loop {
            let (error, asked) = match attempt() {
                Ok(value) => return Ok(value),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Again(error, asked)) => (error, asked),
                Err(Failure::Progress(error)) => {
                    tried = 0;
                    (error, None)
                }
            };
            tried += 1;
            let pause = asked.unwrap_or_else(|| self.backoff(url, tried - 1));
            if tried >= self.attempts || pause > LONGEST_WAIT {
                return Err(error);
            }
            std::thread::sleep(pause);
        }
    }

    /// The pause before a repetition: doubled each time, and between half of it and the whole, so that connections that failed
    /// together do not come back together.
    fn backoff(&self, url: &str, repetition: u32) -> Duration {
        let pause = self.pause.saturating_mul(1 << repetition.min(16)).min(LONGEST_PAUSE);
        let seed = url.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let mut stream = Streams::new(seed).stream("backoff", &[repetition.into()]);
        pause.mul_f64(stream.random_range(0.5..1.0))
    }

    /// An answer with a good status.
    pub fn check(
        &self,
        url: &str,
        answer: std::result::Result<Response<Body>, ureq::Error>,
    ) -> std::result::Result<Response<Body>, Failure> {
        let response = self.check_or_redirection(url, answer)?;
        let status = response.status();
        if !status.is_redirection() {
            return Ok(response);
        }
        let message = "the repository has moved: use its new name".to_owned();
        Err(Failure::Final(Error::Refused { url: plain(url), status: status.as_u16(), message }))
    }

    /// An answer with a good status, a redirection included.
    fn check_or_redirection(
        &self,
        url: &str,
        answer: std::result::Result<Response<Body>, ureq::Error>,
    ) -> std::result::Result<Response<Body>, Failure> {
        let mut response = match answer {
            Ok(response) => response,
            Err(error @ (ureq::Error::BadUri(_) | ureq::Error::Http(_))) => {
                return Err(Failure::Final(self.unreachable(url, &error.to_string())));
            }
            Err(error) => return Err(Failure::Again(self.unreachable(url, &error.to_string()), None)),
        };
        let status = response.status();
        if status.is_success() || status.is_redirection() {
            return Ok(response);
        }
        let asked = retry_after(&response);
        let status = status.as_u16();
        let error =
            Error::Refused { url: plain(url), status, message: meaning(status, self.token.as_ref(), &mut response) };
        match status {
            408 | 425 | 429 | 500.. => Err(Failure::Again(error, asked)),
            _ => Err(Failure::Final(error)),
        }
    }

    /// The whole body of an answer.
    pub fn bytes(&self, url: &str, mut response: Response<Body>) -> std::result::Result<Vec<u8>, Failure> {
        let body = response.body_mut().with_config().limit(LARGEST_ANSWER).read_to_vec();
        body.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(limit) => {
                Failure::Final(Error::Answer { url: plain(url), message: format!("it has more than {limit} bytes") })
            }
            error => Failure::Again(self.unreachable(url, &error.to_string()), None),
        })
    }

    /// An answer in JSON.
    pub fn json<T: DeserializeOwned>(&self, url: &str, response: Response<Body>) -> std::result::Result<T, Failure> {
        let bytes = self.bytes(url, response)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Failure::Final(Error::Answer { url: plain(url), message: error.to_string() }))
    }

    /// One request for an address, and for those that it leads to: within the Hub with the token, to a storage elsewhere without.
    /// With `HEAD`, the answer may be the redirection to the storage, which says what the Hub knows of the file.
    pub fn fetch(
        &self,
        method: Method,
        url: &str,
        range: Option<&str>,
    ) -> std::result::Result<Response<Body>, Failure> {
        let mut address = url.to_owned();
        for _ in 0..=REDIRECTIONS {
            let mut request = match method {
                Method::Get => self.authorized(&address, self.agent.get(&address))?,
                Method::Head => self.authorized(&address, self.agent.head(&address))?,
            };
            if let Some(range) = range {
                request = request.header(header::RANGE, range);
            }
            let response = self.check_or_redirection(url, request.call())?;
            let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            address = match location.filter(|_| response.status().is_redirection()) {
                Some(path) if path.starts_with('/') && !path.starts_with("//") => format!("{}{path}", origin(&address)),
                Some(elsewhere) if method == Method::Get => elsewhere.to_owned(),
                _ => return Ok(response),
            };
        }
        Err(Failure::Final(Error::Answer { url: plain(url), message: "it leads in circles".to_owned() }))
    }

    /// Asks for `path` of the Hub until the whole answer is there.
    pub fn get(&self, path: &str) -> Result<Vec<u8>> {
        let url = self.url(path);
        self.repeat(&url, || self.bytes(&url, self.fetch(Method::Get, &url, None)?))
    }

    /// Asks for `path` of the Hub, which answers in JSON.
    pub fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let url = self.url(path);
        self.repeat(&url, || self.json(&url, self.fetch(Method::Get, &url, None)?))
    }

    /// Sends `body` with these headers to `url` once; the answer is JSON.
    pub fn post_once<T: DeserializeOwned>(
        &self,
        url: &str,
        headers: &[(header::HeaderName, &str)],
        body: &str,
    ) -> std::result::Result<T, Failure> {
        let mut request = self.authorized(url, self.agent.post(url))?;
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        self.json(url, self.check(url, request.send(body))?)
    }

    /// Sends JSON to `path` of the Hub until it is answered in JSON.
    pub fn post_json<T: DeserializeOwned>(&self, path: &str, body: &serde_json::Value) -> Result<T> {
        let url = self.url(path);
        let body = body.to_string();
        self.repeat(&url, || self.post_once(&url, &[(header::CONTENT_TYPE, "application/json")], &body))
    }

    /// The error about a connection.
    pub fn unreachable(&self, url: &str, message: &str) -> Error {
        // Messages may quote the address, and the query of an upload's address is a secret.
        let message = message.replace(url, &plain(url));
        Error::Unreachable { url: plain(url), message: Token::redact(self.token.as_ref(), &message) }
    }
}

/// An address without its query, which may hold a signature that lets others write.
pub(crate) fn plain(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find('/').map_or(url, |at| &url[..host + at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_to_the_hub_only() {
        let token = Token::new("hf_geheim");
        let client = Client::new("https://hub.test/", token, 1, Duration::ZERO);
        let sent = |url: &str| {
            let request = client.authorized(url, client.agent().get(url)).unwrap();
            request.headers_ref().unwrap().contains_key(header::AUTHORIZATION)
        };
        assert!(sent("https://hub.test/api/models/a/b"));
        assert!(!sent("https://hub.test.elsewhere/api"));
        assert!(!sent("https://storage.test/upload"));
        assert!(!format!("{client:?}").contains("geheim"));
    }

    #[test]
    fn addresses_are_encoded_and_told_without_their_query() {
        let client = Client::new("https://hub.test/", None, 1, Duration::ZERO);
        assert_eq!(client.url("/a/b/resolve/x/ü d.md"), "https://hub.test/a/b/resolve/x/%C3%BC%20d.md");
        assert_eq!(plain("https://s.test/o?X-Signature=1"), "https://s.test/o");
        assert_eq!(origin("https://s.test:8/o/p"), "https://s.test:8");
        assert_eq!(origin("https://s.test"), "https://s.test");
        let message = client.unreachable("https://s.test/o?k=1", "no route to https://s.test/o?k=1").to_string();
        assert!(!message.contains("k=1"), "{message}");
    }
}

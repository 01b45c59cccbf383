//! Requests, and when and how they are repeated.

use std::io::Read;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use einthoven_random::Streams;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rand::RngExt;
use ureq::http::{Request, Response, StatusCode, header};
use ureq::{Agent, Body};

use super::FetchConfig;
use crate::{Error, Result};

/// The longest pause that is not asked for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A server that asks for more is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// The largest answer that is kept in memory: a list of ten million files.
const LARGEST_LIST: u64 = 1 << 30;

/// What is encoded in the path of an address: all but what RFC 3986 leaves as it is, and the `/` between its parts.
pub(crate) const RESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The way to a source.
pub(crate) struct Client {
    agent: Agent,
    /// Ends in `/`.
    base: String,
    authorization: Option<String>,
    attempts: u32,
    pause: Duration,
    /// What to do about an answer that the user is not known or may not.
    access: [&'static str; 2],
}

/// Shows nothing of the credentials.
impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("base", &self.base).finish_non_exhaustive()
    }
}

/// What came of one attempt.
pub(crate) enum Attempt<T> {
    /// It succeeded.
    Done(T),
    /// It is worth another attempt, after the pause that the server asked for. `progress`: it brought something new.
    Again { error: Error, wait: Option<Duration>, progress: bool },
}

impl Client {
    pub fn new(base: &str, config: &FetchConfig) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("einthoven/", env!("CARGO_PKG_VERSION")))
            // Ranges count the bytes of the file, not of a compressed one.
            .accept_encoding("identity")
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .timeout_per_read(Some(Duration::from_secs(60)))
            .build();
        let authorization = config.credentials.as_ref().map(|(user, password)| {
            let pair = format!("{user}:{password}");
            format!("Basic {}", BASE64_STANDARD.encode(pair))
        });
        Self {
            agent: agent.into(),
            base: format!("{}/", base.trim_end_matches('/')),
            authorization,
            attempts: config.attempts,
            pause: config.pause,
            access: [
                "; it wants a user and password: set EINTHOVEN_USER and EINTHOVEN_PASSWORD",
                "; the user has no access, or EINTHOVEN_USER and EINTHOVEN_PASSWORD are wrong",
            ],
        }
    }

    /// The way to an object store, whose requests say themselves who asks.
    pub fn of_store(config: &FetchConfig) -> Self {
        let access = "; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, are wrong, or have no access";
        Self { access: [access; 2], ..Self::new("", config) }
    }

    /// One request with these headers and this body; an answer other than `expected` is an error or worth another attempt.
    pub fn request(
        &self,
        method: &str,
        url: String,
        headers: &[(&'static str, String)],
        body: &[u8],
        expected: &[u16],
    ) -> Result<Attempt<Response<Body>>> {
        let mut request = Request::builder().method(method).uri(&url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let failed =
            |error: ureq::http::Error| Error::Http { url: url.clone(), status: None, message: error.to_string() };
        let answer = match method {
            "PUT" => self.agent.run(request.body(body).map_err(failed)?),
            _ => self.agent.run(request.body(()).map_err(failed)?),
        };
        self.answer(url, answer, expected)
    }

    /// The address of a file.
    pub fn url(&self, name: &str) -> String {
        format!("{}{}", self.base, utf8_percent_encode(name, RESERVED))
    }

    /// Repeats `attempt` until it is done or nothing new comes any more.
    pub fn repeat<T>(&self, name: &str, mut attempt: impl FnMut() -> Result<Attempt<T>>) -> Result<T> {
        let mut left = self.attempts;
        loop {
            let (error, wait, progress) = match attempt()? {
                Attempt::Done(value) => return Ok(value),
                Attempt::Again { error, wait, progress } => (error, wait, progress),
            };
            left = if progress { self.attempts } else { left } - 1;
            if left == 0 {
                return Err(error);
            }
            let pause = wait.unwrap_or_else(|| self.backoff(name, self.attempts - 1 - left));
            if pause > LONGEST_WAIT {
                return Err(error);
            }
            std::thread::sleep(pause);
        }
    }

    /// The pause before a repetition: doubled each time, and between half of it and the whole, so that connections that failed
    /// together do not come back together.
    fn backoff(&self, name: &str, repetition: u32) -> Duration {
        let pause = self.pause.saturating_mul(1 << repetition.min(16)).min(LONGEST_PAUSE);
        let seed = name.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let mut stream = Streams::new(seed).stream("backoff", &[repetition.into()]);
        pause.mul_f64(stream.random_range(0.5..1.0))
    }

    /// One request; an answer other than `expected` is an error or worth another attempt.
    pub fn get(
        &self,
        name: &str,
        headers: &[(header::HeaderName, String)],
        expected: &[u16],
    ) -> Result<Attempt<Response<Body>>> {
        let url = self.url(name);
        let mut request = self.agent.get(&url);
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        self.answer(url, request.call(), expected)
    }

    fn answer(
        &self,
        url: String,
        answer: std::result::Result<Response<Body>, ureq::Error>,
        expected: &[u16],
    ) -> Result<Attempt<Response<Body>>> {
        let response = match answer {
            Ok(response) => response,
            Err(error @ (ureq::Error::BadUri(_) | ureq::Error::Http(_))) => {
                return Err(Error::Http { url, status: None, message: error.to_string() });
            }
            Err(error) => {
                let error = Error::Http { url, status: None, message: error.to_string() };
                return Ok(Attempt::Again { error, wait: None, progress: false });
            }
        };
        let status = response.status();
        if expected.contains(&status.as_u16()) {
            return Ok(Attempt::Done(response));
        }
        let error = Error::Http { url, status: Some(status.as_u16()), message: self.remedy(status) };
        let again = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
        if again { Ok(Attempt::Again { error, wait: retry_after(&response), progress: false }) } else { Err(error) }
    }

    fn remedy(&self, status: StatusCode) -> String {
        let remedy = match (status.as_u16(), &self.authorization) {
            (401 | 403, None) => self.access[0],
            (401 | 403, Some(_)) => self.access[1],
            (404, _) => "; is it the address of the dataset's files?",
            _ => "",
        };
        format!("the server answers {status}{remedy}")
    }

    /// A small file.
    pub fn small(&self, name: &str) -> Result<Vec<u8>> {
        self.repeat(name, || {
            let mut response = match self.get(name, &[], &[200])? {
                Attempt::Done(response) => response,
                Attempt::Again { error, wait, progress } => return Ok(Attempt::Again { error, wait, progress }),
            };
            let mut bytes = Vec::new();
            match response.body_mut().as_reader().take(LARGEST_LIST).read_to_end(&mut bytes) {
                Ok(_) => Ok(Attempt::Done(bytes)),
                Err(error) => Ok(Attempt::Again { error: self.broken(name, &error), wait: None, progress: false }),
            }
        })
    }

    /// The length of a file, if the server says it.
    pub fn size(&self, name: &str) -> Result<Option<u64>> {
        self.repeat(name, || {
            let url = self.url(name);
            let mut request = self.agent.head(&url);
            if let Some(authorization) = &self.authorization {
                request = request.header(header::AUTHORIZATION, authorization);
            }
            // A server need not know this kind of request; and a file that is not there is reported when it is fetched.
            Ok(match self.answer(url, request.call(), &[200, 404, 405, 501])? {
                Attempt::Done(response) if response.status() == StatusCode::OK => {
                    Attempt::Done(number(&response, header::CONTENT_LENGTH))
                }
                Attempt::Done(_) => Attempt::Done(None),
                Attempt::Again { error, wait, progress } => Attempt::Again { error, wait, progress },
            })
        })
    }

    /// The error about a connection that broke.
    pub fn broken(&self, name: &str, error: &std::io::Error) -> Error {
        Error::Http { url: self.url(name), status: None, message: format!("the connection broke: {error}") }
    }
}

/// A header's text.
pub(super) fn text(response: &Response<Body>, name: header::HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// A header's number.
pub(crate) fn number(response: &Response<Body>, name: header::HeaderName) -> Option<u64> {
    text(response, name)?.trim().parse().ok()
}

/// How long the server asks to wait: seconds, or until a date (RFC 9110, 10.2.3).
fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let value = text(response, header::RETRY_AFTER)?.trim();
    let seconds = value.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| {
        let date = httpdate::parse_http_date(value).ok()?;
        Some(date.duration_since(SystemTime::now()).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded() {
        let client = Client::new("http://x/files/", &FetchConfig::default());
        assert_eq!(client.url("a b/ü.hea"), "http://x/files/a%20b/%C3%BC.hea");
    }

    #[test]
    fn a_server_asks_to_wait_for_seconds_or_until_a_date() {
        let wait = |value: &str| {
            let response = Response::builder().header(header::RETRY_AFTER, value);
            retry_after(&response.body(Body::builder().data("")).unwrap())
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        assert!((90..=100).contains(&wait(&later).unwrap().as_secs()));
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn pauses_grow_and_are_not_alike() {
        let client = Client::new("http://x", &FetchConfig::default());
        for repetition in 0..10 {
            let whole = f64::from(1 << repetition.min(16)).min(30.0);
            let pause = client.backoff("a", repetition).as_secs_f64();
            assert!((0.5 * whole..=whole).contains(&pause), "{repetition}: {pause}");
        }
        assert_ne!(client.backoff("a", 3), client.backoff("b", 3));
    }

    #[test]
    fn credentials_are_never_shown() {
        let config = FetchConfig { credentials: Some(("anna".into(), "geheim".into())), ..FetchConfig::default() };
        let shown = format!("{config:?} {:?}", Client::new("http://x", &config));
        assert!(!shown.contains("geheim") && !shown.contains("anna") && !shown.contains("Basic"), "{shown}");
    }
}

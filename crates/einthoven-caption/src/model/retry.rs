//! What fails on the way to a server, and how long to wait before the next try.

use std::time::{Duration, SystemTime};

use einthoven_random::Streams;
use rand::RngExt;

/// The wait before the second try, at most; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Why a request failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server answered with an error.
    Status { code: u16, retry_after: Option<Duration>, message: String },
    /// No whole answer came in time.
    Timeout,
    /// There is no connection, or it was lost before the answer began.
    Connection(String),
    /// The answer broke off.
    Cut,
    /// The answer is no JSON, or JSON of another kind.
    Json(String),
    /// The answer is something else altogether, such as a page for people.
    ContentType(String),
}

impl Failure {
    /// The name that it is counted by.
    pub fn kind(&self) -> String {
        match self {
            Self::Status { code, .. } => format!("http-{code}"),
            Self::Timeout => "timeout".to_owned(),
            Self::Connection(_) => "connection".to_owned(),
            Self::Cut => "cut-answer".to_owned(),
            Self::Json(_) => "invalid-json".to_owned(),
            Self::ContentType(_) => "content-type".to_owned(),
        }
    }

    /// What happened, in words.
    pub fn message(&self) -> String {
        match self {
            Self::Status { code, message, .. } if message.is_empty() => format!("the server said {code}"),
            Self::Status { code, message, .. } => format!("the server said {code}: {message}"),
            Self::Timeout => "no whole answer came in time".to_owned(),
            Self::Connection(message) => format!("no connection: {message}"),
            Self::Cut => "the answer broke off".to_owned(),
            Self::Json(message) => format!("the answer is not the JSON expected: {message}"),
            Self::ContentType(found) => format!("the answer is {found} instead of JSON"),
        }
    }

    /// Whether trying again may help.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Status { code, .. } => matches!(code, 408 | 429 | 500..),
            _ => true,
        }
    }

    /// Whether the provider may have done the work, and bill it.
    pub fn may_be_billed(&self) -> bool {
        !matches!(self, Self::Status { .. } | Self::Connection(_))
    }

    /// How long the server asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// The wait after the failed try number `attempt`, from 1: evenly drawn between nothing and a bound that doubles
/// (full jitter), so that clients who failed together do not come back together. What the server asked for is
/// kept, and the draw comes on top.
pub(super) fn wait(
    streams: &Streams,
    request: u64,
    attempt: u32,
    asked: Option<Duration>,
    longest: Duration,
) -> Duration {
    let bound = FIRST_WAIT.saturating_mul(1 << (attempt - 1).min(16)).min(longest);
    let jitter = bound.mul_f64(streams.stream("retry", &[request, u64::from(attempt)]).random_range(0.0..1.0));
    match asked {
        Some(asked) => asked + jitter.min(FIRST_WAIT),
        None => jitter,
    }
}

/// The wait that a `Retry-After` header asks for: seconds, or an HTTP date (RFC 9110, 10.2.3).
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("0.5", now), Some(Duration::from_millis(500)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:07 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Sunday, 06-Nov-94 08:50:07 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
        for wrong in ["soon", "-1", "nan", "1e300", ""] {
            assert_eq!(retry_after(wrong, now), None, "{wrong}");
        }
    }

    #[test]
    fn waits_are_drawn_below_a_bound_that_doubles() {
        let streams = Streams::new(0);
        let longest = Duration::from_secs(4);
        let draws = |attempt| (0..500).map(move |request| wait(&streams, request, attempt, None, longest));
        for (attempt, bound) in [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 4.0), (40, 4.0)] {
            let most = draws(attempt).max().unwrap().as_secs_f64();
            let least = draws(attempt).min().unwrap().as_secs_f64();
            assert!(most < bound && most > 0.9 * bound && least < 0.1 * bound, "{attempt}: {least} to {most}");
        }
        let asked = Duration::from_secs(20);
        let waits = wait(&streams, 1, 3, Some(asked), longest);
        assert!(waits >= asked && waits <= asked + FIRST_WAIT);
        assert_eq!(wait(&streams, 1, 3, None, longest), wait(&streams, 1, 3, None, longest));
    }
}

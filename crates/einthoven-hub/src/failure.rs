//! Attempts that did not succeed: what they mean, and whether another one makes sense.

use std::time::{Duration, SystemTime};

use ureq::Body;
use ureq::http::{Response, header};

use crate::Error;
use crate::token::Token;

/// What one attempt came to, where it did not succeed.
pub(crate) enum Failure {
    /// There is no sense in another attempt.
    Final(Error),
    /// It is worth another attempt, after the pause that the server asked for.
    Again(Error, Option<Duration>),
    /// It broke off, but brought something new: attempts are counted anew.
    Progress(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// What a status means, and the remedy.
pub(crate) fn meaning(status: u16, token: Option<&Token>, response: &mut Response<Body>) -> String {
    let remedy = match (status, token) {
        (401, None) => {
            return "there is no such repository, or it is private: set HF_TOKEN, or log in with `hf auth login`"
                .to_owned();
        }
        // Servers quote tokens in part: what they say about one is not passed on.
        (401, Some(_)) => return "the token is not accepted: set HF_TOKEN to a valid one".to_owned(),
        (403, _) => {
            return "the token may not do that: it needs write access to publish, read access to pull".to_owned();
        }
        (404, _) => "there is no such repository, revision or file: check the name",
        (409, _) => "the repository is being changed: try again",
        (412, _) => "the repository was changed meanwhile: try again",
        (413, _) => "too large for the Hub",
        (429, _) => "too many requests: try again later",
        (500.., _) => "the server is in trouble: try again later",
        _ => "",
    };
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let said = header("x-error-message").unwrap_or_else(|| {
        let body = response.body_mut().with_config().limit(1 << 16).lossy_utf8(true).read_to_string();
        let body = body.unwrap_or_default();
        let json: Option<serde_json::Value> = serde_json::from_str(&body).ok();
        let message = json.as_ref().and_then(|json| json.get("error").or_else(|| json.get("message")));
        message.and_then(serde_json::Value::as_str).map(str::to_owned).unwrap_or_default()
    });
    let said = Token::redact(token, &said);
    match (remedy, said.as_str()) {
        ("", "") => "the request is refused".to_owned(),
        ("", said) => said.to_owned(),
        (remedy, "") => remedy.to_owned(),
        (remedy, said) => format!("{remedy} ({said})"),
    }
}

/// How long the server asks to wait: seconds, or until a date (RFC 9110, 10.2.3).
pub(crate) fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim();
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
    fn a_server_asks_to_wait_for_seconds_or_until_a_date() {
        let wait = |value: &str| {
            let response = Response::builder().header(header::RETRY_AFTER, value);
            retry_after(&response.body(Body::builder().data("")).unwrap())
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn what_a_server_says_is_told_without_the_token() {
        let told = |status, body: &str| {
            let mut response = Response::new(Body::builder().data(body.to_owned()));
            meaning(status, Token::new("hf_geheim").as_ref(), &mut response)
        };
        assert_eq!(told(400, "{\"error\": \"hf_geheim is  no way\"}"), "<token> is no way");
        assert_eq!(told(400, "<html>"), "the request is refused");
        assert!(!told(401, "{\"error\": \"hf_ge... is wrong\"}").contains("hf_ge"));
    }
}

//! Keys: read from the environment, sent to the server, and shown nowhere.

use std::fmt;

use ureq::http::HeaderValue;

use crate::{Error, Result};

/// Bytes of a message that are shown.
const SHOWN: usize = 300;

/// A key to a server.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// The key in an environment variable; none if it is not set or empty.
    pub fn from_env(variable: &str) -> Option<Self> {
        std::env::var(variable).ok().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty()).map(Self)
    }

    /// A header's value that holds the key after `prefix`; no library logs it.
    pub fn header(&self, prefix: &str, variable: &str) -> Result<HeaderValue> {
        // The library's message is left out: it could hold the value.
        let mut value = HeaderValue::from_str(&format!("{prefix}{}", self.0)).map_err(|_| Error::Setting {
            key: variable.to_owned(),
            message: "the key holds characters that no header can hold".to_owned(),
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The beginning of a server's message, in which servers may quote the key.
    pub fn redact(key: Option<&Self>, message: &str) -> String {
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = key.map_or_else(|| message.clone(), |key| message.replace(&key.0, "<key>"));
        message[..message.floor_char_boundary(SHOWN)].to_owned()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<key>")
    }
}

//! The token: read from where Hugging Face's own tools keep it, sent to the Hub, and shown nowhere.

use std::fmt;
use std::path::Path;

use ureq::http::HeaderValue;

use crate::{Error, Result};

/// Characters of a server's message that are shown.
const SHOWN: usize = 300;

/// A token for the Hub.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    /// This text as a token; none if it is empty.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The token in `HF_TOKEN`, else in the file `token` of Hugging Face's folder.
    pub fn find(home: &Path) -> Option<Self> {
        std::env::var("HF_TOKEN")
            .ok()
            .as_deref()
            .and_then(Self::new)
            .or_else(|| Self::new(&std::fs::read_to_string(home.join("token")).ok()?))
    }

    /// The value of the header `Authorization`; no library logs it.
    pub fn header(&self) -> Result<HeaderValue> {
        // The library's message is left out: it could hold the value.
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).map_err(|_| Error::Token)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The beginning of a server's message, in which servers may quote the token.
    pub fn redact(token: Option<&Self>, message: &str) -> String {
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = token.map_or_else(|| message.clone(), |token| message.replace(&token.0, "<token>"));
        message[..message.floor_char_boundary(SHOWN)].to_owned()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<token>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown() {
        let token = Token::new(" hf_geheim\n").unwrap();
        assert_eq!(format!("{token:?} {:?}", token.header().unwrap()), "<token> Sensitive");
        assert_eq!(Token::redact(Some(&token), "no  such\ttoken hf_geheim"), "no such token <token>");
        assert!(Token::new(" \n").is_none());
        assert!(!Token::new("a\nb").unwrap().header().unwrap_err().to_string().contains("a\nb"));
    }
}

//! Server-sent events, as answers stream in (WHATWG HTML, 9.2).

use std::io::{BufRead, BufReader, Read};

use serde_json::Value;

use super::retry::Failure;
use super::transport::failure;

/// Bytes of the longest line.
const LONGEST: u64 = 1 << 20;

/// The data of each event, in turn.
pub(crate) struct Events<R> {
    reader: BufReader<R>,
}

impl<R: Read> Events<R> {
    pub fn new(reader: R) -> Self {
        Self { reader: BufReader::new(reader) }
    }

    /// The next event of an answer; none where OpenAI's say that they are done. The end of the stream comes too early.
    pub fn json(&mut self) -> Result<Option<Value>, Failure> {
        let event = self.next()?.ok_or(Failure::Cut)?;
        if event == "[DONE]" {
            return Ok(None);
        }
        serde_json::from_str(&event).map(Some).map_err(|error| Failure::Json(error.to_string()))
    }

    /// The data of the next event; none at the end of the stream. Events without data are passed over.
    fn next(&mut self) -> Result<Option<String>, Failure> {
        let mut data = String::new();
        loop {
            let mut line = Vec::new();
            let read = (&mut self.reader).take(LONGEST).read_until(b'\n', &mut line);
            let length = read.map_err(|error| failure(error.into()))?;
            if length == 0 {
                // What has no blank line after it is not whole.
                return Ok(None);
            }
            if length as u64 == LONGEST {
                return Err(Failure::Json("an event beyond all measure".to_owned()));
            }
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                if !data.is_empty() {
                    return Ok(Some(data));
                }
            } else if let Some(more) = line.strip_prefix("data:") {
                if !data.is_empty() {
                    data.push('\n');
                }
                data.push_str(more.strip_prefix(' ').unwrap_or(more));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_and_a_torn_one_is_none() {
        let text = ": hello\n\nevent: x\ndata: {\"a\":\ndata:1}\r\n\r\nid: 4\n\ndata: [DONE]\n\ndata: torn";
        let mut events = Events::new(text.as_bytes());
        assert_eq!(events.next().unwrap().as_deref(), Some("{\"a\":\n1}"));
        assert_eq!(events.next().unwrap().as_deref(), Some("[DONE]"));
        assert_eq!(events.next().unwrap(), None);
    }
}

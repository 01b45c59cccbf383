//! A stored description, and the line that it is written as.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hash::Hash;
use crate::model::Usage;

const HEAD: &str = "{\"checksum\":\"";
const MIDDLE: &str = "\",\"record\":";
const TAIL: &str = "}";

/// Who was asked, how, and with which knowledge.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The model, such as `openai:gpt-4o-mini`.
    pub model: String,
    /// The prompt's version.
    pub prompt: String,
    /// The knowledge base's version.
    pub knowledge: String,
}

impl Origin {
    /// The content address of the answer about `statement`: 64 hexadecimal digits of SHA-256.
    pub fn key(&self, statement: &str) -> String {
        Hash::default().add(statement_key(statement)).add(&self.prompt).add(&self.model).add(&self.knowledge).hex()
    }

    /// A name of 16 hexadecimal digits.
    pub fn id(&self) -> String {
        Hash::default().add(&self.prompt).add(&self.model).add(&self.knowledge).short()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, prompt {}, knowledge {})", self.id(), self.model, self.prompt, self.knowledge)
    }
}

/// The statement as it is compared: case, white space and marks at the ends make no difference.
pub(crate) fn statement_key(statement: &str) -> String {
    let words = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    words.trim_matches(|c: char| " .,;:*-!".contains(c)).to_lowercase()
}

/// Who wrote a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The model.
    Model,
    /// The knowledge base, because all answers of the model had faults.
    Knowledge,
    /// Nobody: the model's answers had faults, and the knowledge base does not understand the statement.
    Nobody,
}

/// What is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The kind that it is counted by, such as `refusal`.
    pub kind: String,
    /// What is wrong, in words that the model can mend it by.
    pub reason: String,
}

/// A description of one statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The statement.
    pub statement: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What it looks like in an ECG; none from [`Source::Nobody`].
    pub description: Option<String>,
    /// Who wrote the description.
    pub source: Source,
    /// How often the model was asked.
    pub asked: u32,
    /// The faults of answers that were rejected.
    pub faults: Vec<Fault>,
    /// The tokens of all answers.
    pub usage: Usage,
    /// What they cost, in US dollars, if prices were known.
    pub cost_usd: Option<f64>,
}

impl Record {
    /// Its content address.
    pub fn key(&self) -> String {
        self.origin.key(&self.statement)
    }

    /// The record as a line of JSON that carries the checksum of its own text.
    pub(super) fn to_line(&self) -> serde_json::Result<String> {
        let json = serde_json::to_string(self)?;
        Ok(format!("{HEAD}{}{MIDDLE}{json}{TAIL}\n", checksum(&json)))
    }

    /// The record of a line, if it is whole and unchanged.
    pub(super) fn from_line(line: &str) -> Option<Self> {
        let (found, json) = line.strip_prefix(HEAD)?.strip_suffix(TAIL)?.split_once(MIDDLE)?;
        if checksum(json) != found {
            return None;
        }
        serde_json::from_str(json).ok()
    }
}

fn checksum(json: &str) -> String {
    Hash::default().add(json).short()
}

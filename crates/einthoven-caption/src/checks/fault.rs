//! What can be wrong with an answer.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is wrong with an answer. It reads as a reason that can be given back to a language model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It says nothing.
    #[error("the answer is empty")]
    Empty,
    /// It ends in the middle of a sentence.
    #[error("the answer is cut off after `{end}`")]
    Cut {
        /// Its last words.
        end: String,
    },
    /// It declines to answer.
    #[error("the answer declines: `{said}`")]
    Refusal {
        /// The words that say so.
        said: String,
    },
    /// It is about something else.
    #[error("the answer is not about {expected}")]
    OffTopic {
        /// What it should be about.
        expected: String,
    },
    /// It says the opposite of the statement.
    #[error("the answer contradicts {expected}: `{said}`")]
    Contradiction {
        /// What the statement means.
        expected: String,
        /// The words that contradict it.
        said: String,
    },
    /// It gives a number or a lead with which the statement cannot hold.
    #[error("the answer says `{said}`, where {expected}")]
    OutOfRange {
        /// What would be right.
        expected: String,
        /// The words with the number or lead.
        said: String,
    },
    /// It repeats the prompt or speaks of it.
    #[error("the answer repeats or mentions the instructions it was given: `{said}`")]
    LeakedPrompt {
        /// The words that do.
        said: String,
    },
    /// It obeys, or passes on, instructions that a document or a report smuggled in.
    #[error("the answer holds foreign instructions: `{said}`")]
    Injection {
        /// The words that do.
        said: String,
    },
}

/// The kinds of [`Fault`], to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FaultKind {
    /// [`Fault::Empty`]
    Empty,
    /// [`Fault::Cut`]
    Cut,
    /// [`Fault::Refusal`]
    Refusal,
    /// [`Fault::OffTopic`]
    OffTopic,
    /// [`Fault::Contradiction`]
    Contradiction,
    /// [`Fault::OutOfRange`]
    OutOfRange,
    /// [`Fault::LeakedPrompt`]
    LeakedPrompt,
    /// [`Fault::Injection`]
    Injection,
}

impl Fault {
    /// The kind, without what was said.
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Empty => FaultKind::Empty,
            Self::Cut { .. } => FaultKind::Cut,
            Self::Refusal { .. } => FaultKind::Refusal,
            Self::OffTopic { .. } => FaultKind::OffTopic,
            Self::Contradiction { .. } => FaultKind::Contradiction,
            Self::OutOfRange { .. } => FaultKind::OutOfRange,
            Self::LeakedPrompt { .. } => FaultKind::LeakedPrompt,
            Self::Injection { .. } => FaultKind::Injection,
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Cut => "cut",
            Self::Refusal => "refusal",
            Self::OffTopic => "off topic",
            Self::Contradiction => "contradiction",
            Self::OutOfRange => "out of range",
            Self::LeakedPrompt => "leaked prompt",
            Self::Injection => "injection",
        })
    }
}

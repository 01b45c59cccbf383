//! Language models: one trait, and the clients behind it.

mod anthropic;
mod client;
mod composer;
mod config;
mod events;
mod gguf;
mod limiter;
mod meter;
mod openai;
mod retry;
mod secret;
mod transport;

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::{Error, Request, Result};

pub(crate) use client::url_of;
pub use composer::Composer;
pub use config::{ModelConfig, Prices, Provider};
pub use gguf::Gguf;
pub(crate) use openai::Bearer;
pub(crate) use retry::Failure;
pub(crate) use transport::{Reply, Transport};

/// Something that answers requests: a server, a model in this process, or the knowledge base itself.
///
/// An implementation may be asked from several threads at once, [`in_flight`](Self::in_flight) of them.
pub trait LanguageModel: Send + Sync {
    /// What the model is called where its answers are kept, such as `openai:gpt-4o-mini`.
    fn name(&self) -> &str;

    /// Answers a request, however often that has to be tried.
    ///
    /// # Errors
    /// [`Error::Unanswered`] where trying was in vain; [`Error::Refused`], [`Error::Budget`], [`Error::Stopped`] and
    /// [`Error::WaitTooLong`] where further requests would fare no better; [`Error::NotUnderstood`] of a [`Composer`];
    /// [`Error::TooLong`] of a [`Gguf`].
    fn answer(&self, request: &Request) -> Result<Answer>;

    /// How many requests should be under way at once.
    fn in_flight(&self) -> usize {
        1
    }

    /// Whether asking again costs neither money nor time: its answers need not be on the disk before it is asked on.
    fn is_free(&self) -> bool {
        false
    }

    /// What it has cost so far.
    fn traffic(&self) -> Traffic {
        Traffic::default()
    }

    /// The tokens that a request and a usual answer will take, about.
    fn estimate(&self, request: &Request) -> Usage {
        request.estimate_usual()
    }

    /// What its tokens cost, if that is known.
    fn prices(&self) -> Option<Prices> {
        None
    }
}

/// What a model said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The text; of a request with a schema, JSON.
    pub text: String,
    /// The tokens that it took.
    pub usage: Usage,
    /// Why it ended there.
    pub finish: Finish,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model had said all.
    Stop,
    /// The request's longest answer was reached: the text is cut.
    Length,
    /// The provider kept it back.
    Filtered,
}

/// Tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input += other.input;
        self.output += other.output;
    }
}

/// What went between a client and its server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// Requests sent, those that failed among them.
    pub requests: u64,
    /// Requests that failed, by kind: `http-429`, `timeout`, `connection`, `cut-answer`, `invalid-json`, `content-type`, …
    pub failures: BTreeMap<String, u64>,
    /// The tokens of all answers, and what failed requests may have been billed for.
    pub usage: Usage,
    /// What they cost, in US dollars, if prices are known.
    pub cost_usd: Option<f64>,
}

impl Error {
    /// Whether the request alone failed: another may well be answered.
    pub(crate) fn concerns_one_request(&self) -> bool {
        matches!(self, Self::Unanswered { .. } | Self::NotUnderstood { .. } | Self::TooLong { .. })
    }
}

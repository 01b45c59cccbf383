//! The Cardio Query Assistant: what statements mean, and what they look like in an ECG.
//!
//! A [`KnowledgeBase`] holds a [`Page`] per statement: definition, mechanism, signs, criteria, mimics, and a
//! description of the waveform that a caption can carry. [`KnowledgeBase::read`] finds the concepts in a statement
//! of a machine report ("Possible inferior infarct - age undetermined"), [`KnowledgeBase::describe`] composes
//! their descriptions; for that no language model is asked, and nothing is downloaded.
//!
//! A [language model](model::LanguageModel) may describe statements instead. A [`Flow`](flow::Flow) asks it once about
//! every distinct statement of a corpus that passes the [`Screen`], has its answers judged by [`checks`], and keeps the
//! descriptions in a [store](store::Store), from which captions take them. An [audit](audit::Audit) tells what they are
//! worth. [`retrieval`] finds the passages of pages and documents that answer a question.

pub mod audit;
mod base;
pub mod checks;
mod compose;
mod error;
pub mod flow;
mod hash;
pub mod model;
mod page;
mod prompt;
mod reading;
pub mod retrieval;
mod screen;
pub mod store;
mod vocabulary;
mod wall;
mod words;

pub use base::KnowledgeBase;
pub use error::{Error, Result};
pub use page::{Codes, Page, Quantity, Range, Section};
pub use prompt::{Passage, Prompt, PromptConfig, Request};
pub use reading::{Certainty, Finding, Location, Reading};
pub use screen::{Screen, Statement, Withheld};
pub use wall::Wall;

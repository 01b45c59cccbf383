//! The Cardio Query Assistant: what statements mean, and what they look like in an ECG.
//!
//! A [`KnowledgeBase`] holds a [`Page`] per statement: definition, mechanism, signs, criteria, mimics, and a
//! description of the waveform that a caption can carry. [`KnowledgeBase::read`] finds the concepts in a statement
//! of a machine report ("Possible inferior infarct - age undetermined"), [`KnowledgeBase::describe`] composes
//! their descriptions. No language model is asked, and nothing is downloaded.
//!
//! [`retrieval`] finds the passages of pages and documents that answer a question; [`checks`] judges what a language model answers.

mod base;
pub mod checks;
mod compose;
mod error;
mod page;
mod reading;
pub mod retrieval;
mod vocabulary;
mod wall;
mod words;

pub use base::KnowledgeBase;
pub use error::{Error, Result};
pub use page::{Codes, Page, Quantity, Range, Section};
pub use reading::{Certainty, Finding, Location, Reading};
pub use wall::Wall;

//! No model at all: the knowledge base as one.

use std::sync::Arc;

use super::{Answer, Finish, LanguageModel, Prices, Usage};
use crate::{Error, KnowledgeBase, Request, Result};

/// Answers with [`KnowledgeBase::describe`], without a language model. Several statements have `; ` between them.
#[derive(Clone, Debug)]
pub struct Composer {
    base: Arc<KnowledgeBase>,
}

impl Composer {
    /// A composer of the pages of `base`.
    pub fn new(base: Arc<KnowledgeBase>) -> Self {
        Self { base }
    }
}

impl LanguageModel for Composer {
    fn name(&self) -> &str {
        "knowledge"
    }

    /// # Errors
    /// [`Error::NotUnderstood`] if no statement is wholly understood, or all deny what they name.
    fn answer(&self, request: &Request) -> Result<Answer> {
        let statement = request.statement().as_str();
        let text = self.base.describe_parts(statement);
        let text = text.ok_or_else(|| Error::NotUnderstood { statement: statement.to_owned() })?;
        Ok(Answer { text, usage: Usage::default(), finish: Finish::Stop })
    }

    fn is_free(&self) -> bool {
        true
    }

    fn estimate(&self, _request: &Request) -> Usage {
        Usage::default()
    }

    fn prices(&self) -> Option<Prices> {
        Some(Prices { input: 0.0, output: 0.0 })
    }
}

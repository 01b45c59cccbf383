//! Models of recordings and texts, whichever system they are of.

use einthoven_eval::query::{QueryResult, query};
use einthoven_eval::saliency::{Attribution, Method, explain};
use einthoven_eval::{Embeddings, ReferenceSet, embed};
use einthoven_models::{Tokenizer, Towers};
use einthoven_signal::{InputContract, Record};

use crate::Result;

/// A model whose recordings and texts share a space, with all that is needed to ask it.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    /// The network.
    pub towers: &'a dyn Towers,
    /// The tokenizer of its texts.
    pub tokenizer: &'a Tokenizer,
    /// The tokens of a text that it reads.
    pub max_tokens: usize,
    /// What it is fed.
    pub contract: &'a InputContract,
    /// Embeddings of recordings to rank a query among, where there are some.
    pub reference: Option<&'a ReferenceSet>,
}

impl Pair<'_> {
    /// Embeds recordings of any leads, rate and length that the input contract can prepare.
    ///
    /// # Errors
    /// Names the recording and what the contract lacks in it.
    pub fn embed(&self, records: &[(String, Record)]) -> Result<Embeddings> {
        Ok(embed::records(self.towers, self.contract, records)?)
    }

    /// Embeds texts.
    ///
    /// # Errors
    /// Those of the tokenizer and of the model.
    pub fn embed_texts(&self, texts: &[String]) -> Result<Embeddings> {
        Ok(embed::texts(self.towers, self.tokenizer, texts, self.max_tokens)?)
    }

    /// Scores every text for every recording; these come with the names that answers call them by.
    ///
    /// # Errors
    /// As [`Pair::embed`].
    pub fn query(&self, records: &[(String, Record)], texts: Vec<String>) -> Result<QueryResult> {
        let (signals, embedded) = (self.embed(records)?, self.embed_texts(&texts)?);
        let names = records.iter().map(|(name, _)| name.clone()).collect();
        Ok(query(names, &signals, texts, &embedded, self.towers.logit_scale()?, self.reference)?)
    }

    /// Explains how well a text fits a recording, which messages call `name`: what each part of it adds to the cosine.
    ///
    /// # Errors
    /// As [`Pair::embed`].
    pub fn explain(&self, name: &str, record: &Record, text: &str, method: Method) -> Result<Attribution> {
        let Self { towers, tokenizer, contract, max_tokens, .. } = *self;
        Ok(explain(towers, tokenizer, contract, (name, record), text, max_tokens, method)?)
    }
}

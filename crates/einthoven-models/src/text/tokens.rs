use std::collections::BTreeMap;

use einthoven_nn::Spans;

use crate::{Error, Result};

/// Texts as token ids, each `[CLS] … [SEP]`, end to end: there is no padding, and no time is spent on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenBatch {
    ids: Vec<u32>,
    spans: Spans,
    padded_len: usize,
}

impl TokenBatch {
    /// A batch of `texts`.
    ///
    /// # Errors
    /// [`Error::Input`] if there is no text or one has no token.
    pub fn new(texts: &[&[u32]]) -> Result<Self> {
        let lengths: Vec<usize> = texts.iter().map(|text| text.len()).collect();
        if lengths.is_empty() || lengths.contains(&0) {
            return Err(Error::input("tokens", format!("texts of {lengths:?} tokens; each needs at least one")));
        }
        let padded_len = lengths.iter().copied().max().unwrap_or(0);
        Ok(Self { ids: texts.concat(), spans: Spans::packed(&lengths)?, padded_len })
    }

    /// The texts of several batches, one batch after another.
    ///
    /// # Errors
    /// [`Error::Input`] if there is none.
    pub fn joined(batches: &[Self]) -> Result<Self> {
        let rows: Vec<&[u32]> =
            batches.iter().flat_map(|batch| (0..batch.count()).map(|text| batch.row(text))).collect();
        let padded_len = batches.iter().map(|batch| batch.padded_len).max().unwrap_or(0);
        Ok(Self::new(&rows)?.padded_to(padded_len))
    }

    /// The same batch as if every text were padded to `len` tokens, or to the longest if that is more.
    ///
    /// Only a `paper` model asks: it cuts the last column off the padded batch, be it padding or not.
    #[must_use]
    pub fn padded_to(self, len: usize) -> Self {
        Self { padded_len: len.max(self.padded_len), ..self }
    }

    /// The batch without the last column that padding would give it.
    ///
    /// # Errors
    /// [`Error::Input`] if a text would have no token left.
    pub fn without_last_column(&self) -> Result<Self> {
        let len = self.padded_len - 1;
        let texts: Vec<&[u32]> =
            (0..self.count()).map(|text| &self.row(text)[..self.row(text).len().min(len)]).collect();
        Ok(Self::new(&texts)?.padded_to(len))
    }

    /// All token ids, text after text.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Where each text lies in [`ids`](Self::ids).
    pub fn spans(&self) -> &Spans {
        &self.spans
    }

    /// How many texts there are.
    pub fn count(&self) -> usize {
        self.spans.count()
    }

    /// Tokens that every text would have if all were padded alike.
    pub fn padded_len(&self) -> usize {
        self.padded_len
    }

    /// The ids of text `index`.
    pub fn row(&self, index: usize) -> &[u32] {
        &self.ids[self.spans.ranges()[index].clone()]
    }

    /// A number per text, equal for two texts if and only if their tokens are.
    pub fn groups(&self) -> Vec<u32> {
        let mut known = BTreeMap::new();
        (0..self.count())
            .map(|index| {
                let next = known.len() as u32;
                *known.entry(self.row(index)).or_insert(next)
            })
            .collect()
    }
}

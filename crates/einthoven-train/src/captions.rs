//! The captions of a dataset as tokens, made once before training.

use std::collections::BTreeMap;

use einthoven_models::{TokenBatch, Tokenizer};

use crate::{Error, Result};

/// Captions tokenised together, so that memory is bounded however long the longest is.
const CHUNK: usize = 1024;

/// The tokens of every caption of a dataset, in the dataset's order.
#[derive(Clone, Debug)]
pub struct TokenizedCaptions {
    ids: Vec<u32>,
    /// Where each caption begins in `ids`, and where the last one ends.
    offsets: Vec<usize>,
    /// How many captions have each number of tokens.
    counts: BTreeMap<usize, usize>,
}

impl TokenizedCaptions {
    /// Tokenises `captions`, each cut to `max_tokens`.
    ///
    /// # Errors
    /// [`Error::Model`] when the tokenizer fails.
    pub fn new(tokenizer: &Tokenizer, captions: &[String], max_tokens: usize) -> Result<Self> {
        let mut tokens = Self { ids: Vec::new(), offsets: vec![0], counts: BTreeMap::new() };
        for chunk in captions.chunks(CHUNK) {
            let batch = tokenizer.encode_batch(chunk, max_tokens)?;
            let before = tokens.ids.len();
            tokens.ids.extend_from_slice(batch.ids());
            for range in batch.spans().ranges() {
                tokens.offsets.push(before + range.end);
                *tokens.counts.entry(range.len()).or_default() += 1;
            }
        }
        Ok(tokens)
    }

    /// The number of captions.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The number of tokens of the longest captions, so many of them: no batch of as many has more.
    pub fn longest(&self, captions: usize) -> usize {
        let mut left = captions;
        let of_length = |(tokens, count): (&usize, &usize)| {
            let taken = left.min(*count);
            left -= taken;
            taken * tokens
        };
        self.counts.iter().rev().map(of_length).sum()
    }

    /// Whether there are no captions.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The captions of the records `indices`.
    ///
    /// # Errors
    /// [`Error::NoCaption`] for an index beyond the dataset.
    pub fn batch(&self, indices: &[usize]) -> Result<TokenBatch> {
        let rows = indices
            .iter()
            .map(|&index| match self.offsets.get(index..=index + 1) {
                Some(&[start, end]) => Ok(&self.ids[start..end]),
                _ => Err(Error::NoCaption { index, captions: self.len() }),
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(TokenBatch::new(&rows)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_equals_tokenising_its_captions() {
        let captions: Vec<String> = (0..2 * CHUNK + 5)
            .map(|index| format!("ECG finding{} number {index}.", " very".repeat(index % 7)))
            .collect();
        let tokenizer = Tokenizer::train_word_piece(&captions, 400).unwrap();
        let tokens = TokenizedCaptions::new(&tokenizer, &captions, 12).unwrap();
        assert_eq!(tokens.len(), captions.len());
        let indices = [2 * CHUNK + 4, 0, 6, CHUNK, 0];
        let texts: Vec<String> = indices.iter().map(|&index| captions[index].clone()).collect();
        let batch = tokens.batch(&indices).unwrap();
        assert_eq!(batch, tokenizer.encode_batch(&texts, 12).unwrap());
        assert_eq!(batch.groups(), [0, 1, 2, 3, 1]);
        let mut lengths: Vec<usize> =
            (0..tokens.len()).map(|index| tokens.batch(&[index]).unwrap().ids().len()).collect();
        lengths.sort_unstable_by(|a, b| b.cmp(a));
        for count in [0, 1, 700, lengths.len(), 10_000] {
            assert_eq!(tokens.longest(count), lengths.iter().take(count).sum::<usize>(), "{count}");
        }
        assert!(matches!(tokens.batch(&[captions.len()]), Err(Error::NoCaption { .. })));
    }
}

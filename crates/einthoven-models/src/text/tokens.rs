use std::collections::BTreeMap;

/// Texts as token ids, padded to the longest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenBatch {
    /// Token ids, `[batch, len]`, row by row; each row `[CLS] … [SEP]` and padding.
    pub ids: Vec<u32>,
    /// Tokens of each text, padding not counted.
    pub lengths: Vec<usize>,
    /// How many texts.
    pub batch: usize,
    /// Tokens of the longest text.
    pub len: usize,
}

impl TokenBatch {
    /// The ids of text `index` with its padding.
    pub fn row(&self, index: usize) -> &[u32] {
        &self.ids[index * self.len..(index + 1) * self.len]
    }

    /// A number per text, equal for two texts if and only if their tokens are.
    pub fn groups(&self) -> Vec<u32> {
        let mut known = BTreeMap::new();
        (0..self.batch)
            .map(|index| {
                let next = known.len() as u32;
                *known.entry(&self.row(index)[..self.lengths[index]]).or_insert(next)
            })
            .collect()
    }
}

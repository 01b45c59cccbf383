//! What a locked text encoder says of captions.

use std::collections::HashMap;

use candle_core::Tensor;
use einthoven_models::{Esi, Mode, TokenBatch};

use crate::Result;

/// The most captions that are remembered: of 768 values each, 400 MB.
const CAPACITY: usize = 1 << 17;

/// A locked text encoder says the same of a caption each time, so it is asked once.
#[derive(Debug, Default)]
pub(crate) struct LockedText {
    known: HashMap<Vec<u32>, Tensor>,
}

impl LockedText {
    /// The pooled states of the captions `tokens`, `[batch, width]`.
    pub(crate) fn pooled(&mut self, model: &Esi, tokens: &TokenBatch) -> Result<Tensor> {
        // A paper model's answer depends on the other captions of the batch too: it cuts off the last column of all.
        if model.config().mode == Mode::Paper {
            return Ok(model.pool_texts(tokens)?);
        }
        let rows: Vec<&[u32]> = (0..tokens.count()).map(|caption| tokens.row(caption)).collect();
        let mut new: Vec<&[u32]> = rows.iter().copied().filter(|row| !self.known.contains_key(*row)).collect();
        new.sort_unstable();
        new.dedup();
        if !new.is_empty() {
            if self.known.len() + new.len() > CAPACITY {
                self.known.clear();
                return self.pooled(model, tokens);
            }
            let pooled = model.pool_texts(&TokenBatch::new(&new)?)?;
            for (index, row) in new.into_iter().enumerate() {
                self.known.insert(row.to_vec(), pooled.get(index)?);
            }
        }
        let rows: Vec<&Tensor> = rows.iter().filter_map(|row| self.known.get(*row)).collect();
        Ok(Tensor::stack(&rows, 0)?)
    }
}

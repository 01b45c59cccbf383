//! Attention, and the keys and values of the tokens that were read before.

use rayon::prelude::*;

use super::maths::{exp, vectorised};

/// Positions whose keys lie together.
const BLOCK: usize = 32;
/// Numbers of an answer that are gathered together.
const LANES: usize = 64;

/// Keys and values of one layer, for the tokens so far.
#[derive(Clone)]
pub(super) struct Memory {
    heads: usize,
    width: usize,
    length: usize,
    /// For each head, blocks of positions: `[blocks, width, BLOCK]`.
    keys: Vec<Vec<f32>>,
    /// For each head, `[positions, width]`.
    values: Vec<Vec<f32>>,
}

/// Which positions a token sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// What products of queries and keys are multiplied with.
    pub scale: f32,
    /// How many of the last tokens it sees, itself among them; all if none.
    pub window: Option<usize>,
}

impl Memory {
    /// For `heads` heads of `width` numbers.
    pub fn new(heads: usize, width: usize) -> Self {
        Self { heads, width, length: 0, keys: vec![Vec::new(); heads], values: vec![Vec::new(); heads] }
    }

    /// Forgets all but the first `length` tokens.
    pub fn truncate(&mut self, length: usize) {
        if length < self.length {
            self.length = length;
            self.keys.iter_mut().for_each(|keys| keys.truncate(length.div_ceil(BLOCK) * BLOCK * self.width));
            self.values.iter_mut().for_each(|values| values.truncate(length * self.width));
        }
    }

    /// Takes in keys and values `[tokens, heads, width]`.
    pub fn push(&mut self, keys: &[f32], values: &[f32]) {
        let (width, row) = (self.width, self.heads * self.width);
        for (keys, values) in keys.chunks_exact(row).zip(values.chunks_exact(row)) {
            let (block, place) = (self.length / BLOCK, self.length % BLOCK);
            for head in 0..self.heads {
                let own = &mut self.keys[head];
                own.resize((block + 1) * BLOCK * width, 0.0);
                let part = head * width..(head + 1) * width;
                for (at, key) in keys[part.clone()].iter().enumerate() {
                    own[(block * width + at) * BLOCK + place] = *key;
                }
                self.values[head].extend_from_slice(&values[part]);
            }
            self.length += 1;
        }
    }

    /// What the last tokens see, given their queries `[tokens, query heads, width]`: of the same shape.
    ///
    /// Several query heads in a row may share a head of keys and values (Ainslie and others, 2023).
    pub fn attend(&self, queries: &[f32], query_heads: usize, view: View) -> Vec<f32> {
        let tokens = queries.len() / (query_heads * self.width);
        let first = self.length - tokens;
        let mut seen = vec![0.0; queries.len()];
        let parts = seen.par_chunks_mut(self.width).zip(queries.par_chunks(self.width)).enumerate();
        parts.with_min_len(2).for_each(|(at, (seen, query))| {
            let (position, head) = (first + at / query_heads, at % query_heads * self.heads / query_heads);
            vectorised(
                #[inline(always)]
                || self.look(head, query, position, view, seen),
            );
        });
        seen
    }

    #[inline(always)]
    fn look(&self, head: usize, query: &[f32], position: usize, view: View, seen: &mut [f32]) {
        let start = view.window.map_or(0, |window| (position + 1).saturating_sub(window));
        let (width, first) = (self.width, start / BLOCK);
        let keys = &self.keys[head][first * BLOCK * width..(position / BLOCK + 1) * BLOCK * width];
        let mut weights = vec![0.0f32; keys.len() / width];
        for (weights, keys) in weights.chunks_exact_mut(BLOCK).zip(keys.chunks_exact(BLOCK * width)) {
            let mut sums = [0.0f32; BLOCK];
            for (number, keys) in query.iter().zip(keys.chunks_exact(BLOCK)) {
                for (sum, key) in sums.iter_mut().zip(keys) {
                    *sum += number * key;
                }
            }
            for (weight, sum) in weights.iter_mut().zip(sums) {
                *weight = sum * view.scale;
            }
        }
        let weights = &mut weights[start - first * BLOCK..=position - first * BLOCK];
        let most = weights.iter().fold(f32::NEG_INFINITY, |most, weight| most.max(*weight));
        let mut totals = [0.0f32; 16];
        for weights in weights.chunks_mut(16) {
            for (weight, total) in weights.iter_mut().zip(&mut totals) {
                *weight = exp(*weight - most);
                *total += *weight;
            }
        }
        let inverse = 1.0 / totals.iter().sum::<f32>();
        let values = &self.values[head][start * width..(position + 1) * width];
        for (part, seen) in seen.chunks_mut(LANES).enumerate() {
            let mut sums = [0.0f32; LANES];
            for (weight, values) in weights.iter().zip(values.chunks_exact(width)) {
                for (sum, value) in sums.iter_mut().zip(&values[part * LANES..]) {
                    *sum += weight * value;
                }
            }
            for (seen, sum) in seen.iter_mut().zip(sums) {
                *seen = sum * inverse;
            }
        }
    }
}

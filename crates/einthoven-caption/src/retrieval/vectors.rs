//! Search for meaning: the nearest vectors.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::cells::Cells;
use crate::{Error, Result};

/// More vectors than this are searched approximately.
const LARGE: usize = 50_000;

/// Vectors of length one, and the way to the nearest.
#[derive(Debug, PartialEq)]
pub struct Vectors {
    dimension: usize,
    values: Vec<f32>,
    cells: Option<Cells>,
}

impl Vectors {
    /// Vectors of `dimension` numbers, one after the other; more than 50,000 are put into cells, which an approximate search uses.
    ///
    /// # Errors
    /// [`Error::Vectors`] if the numbers are no whole vectors, or a vector is all zero or not finite.
    pub fn new(dimension: usize, mut values: Vec<f32>) -> Result<Self> {
        let wrong = |message: String| Error::Vectors { message };
        if dimension == 0 || !values.len().is_multiple_of(dimension) {
            return Err(wrong(format!("{} numbers are no vectors of {dimension}", values.len())));
        }
        for (index, vector) in values.chunks_exact_mut(dimension).enumerate() {
            let length = dot(vector, vector).sqrt();
            if !(length.is_finite() && length > 0.0) {
                return Err(wrong(format!("vector {index} has the length {length}")));
            }
            vector.iter_mut().for_each(|value| *value /= length);
        }
        let cells = (values.len() / dimension > LARGE).then(|| Cells::new(dimension, &values));
        Ok(Self { dimension, values, cells })
    }

    /// Vectors as they were saved: of length one, and with their cells.
    pub(super) fn from_parts(dimension: usize, values: Vec<f32>, cells: Option<Cells>) -> Self {
        Self { dimension, values, cells }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len() / self.dimension.max(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The numbers of each.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Vector `index`.
    pub(super) fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.dimension..(index + 1) * self.dimension]
    }

    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    pub(super) fn cells(&self) -> Option<&Cells> {
        self.cells.as_ref()
    }

    /// The `k` vectors nearest to a query of the same dimension, by cosine, the nearest first; of equals, the earlier. A query of another dimension finds
    /// nothing.
    ///
    /// Of more than 50,000 vectors, those in the cells nearest to the query are compared; of fewer, all.
    pub fn nearest(&self, query: &[f32], k: usize) -> Vec<(usize, f32)> {
        match &self.cells {
            Some(cells) if query.len() == self.dimension => best(&self.scores(query, &cells.near(query)), k),
            _ => self.nearest_of_all(query, k),
        }
    }

    /// [`nearest`](Self::nearest), with all vectors compared.
    pub fn nearest_of_all(&self, query: &[f32], k: usize) -> Vec<(usize, f32)> {
        if query.len() != self.dimension {
            return Vec::new();
        }
        let all: Vec<u32> = (0..self.len() as u32).collect();
        best(&self.scores(query, &all), k)
    }

    fn scores(&self, query: &[f32], indices: &[u32]) -> Vec<(usize, f32)> {
        let length = dot(query, query).sqrt();
        let score = |&index: &u32| (index as usize, dot(query, self.row(index as usize)) / length);
        indices.par_iter().with_min_len(1024).map(score).collect()
    }
}

/// The `k` best scores, in order.
fn best(scores: &[(usize, f32)], k: usize) -> Vec<(usize, f32)> {
    let order = |a: &(usize, f32), b: &(usize, f32)| -> Ordering { b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)) };
    let mut scores = scores.to_vec();
    if k < scores.len() {
        scores.select_nth_unstable_by(k, order);
        scores.truncate(k);
    }
    scores.sort_by(order);
    scores
}

/// The sum of the products, in sixteen partial sums of a fixed order, which the compiler keeps in vector registers.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0f32; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

use rayon::prelude::*;

use crate::cpu::Real;
use crate::cpu::matrix::{Matrix, product};

/// Which pairs of a contrastive batch count as negatives: all but each row's own, and but those said here.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Negatives<'a> {
    /// A number per row: rows of equal number, captions that are the same for instance, are not each other's negatives.
    pub groups: Option<&'a [u32]>,
    /// Rows whose texts' inner product (the cosine, as texts have length 1) is above this are not each other's negatives.
    /// That depends on the texts' values and yet has no gradient.
    pub largest_cosine: Option<f64>,
}

impl<'a> From<Option<&'a [u32]>> for Negatives<'a> {
    fn from(groups: Option<&'a [u32]>) -> Self {
        Self { groups, largest_cosine: None }
    }
}

impl Negatives<'_> {
    /// Whether there are as many groups as `rows`, if any are given.
    pub(super) fn fits(&self, rows: usize) -> bool {
        self.groups.is_none_or(|groups| groups.len() == rows)
    }

    /// For each pair of the `n` rows of `text`, `width` wide, whether it is left out; none if no pair is.
    pub(super) fn left_out<T: Real>(&self, text: &[T], n: usize, width: usize) -> Option<Vec<bool>> {
        if self.groups.is_none() && self.largest_cosine.is_none() {
            return None;
        }
        let cosines = self.largest_cosine.map(|limit| {
            let text = Matrix::rows(text, width);
            (product((n, width, n), text, text.t()), T::of(limit))
        });
        let same = |a: usize, b: usize| self.groups.is_some_and(|groups| groups[a] == groups[b]);
        // Both ways alike, even if the products of a pair differ in the last bit.
        let near = |a: usize, b: usize| {
            cosines.as_ref().is_some_and(|(cosines, limit)| cosines[a.max(b) * n + a.min(b)] > *limit)
        };
        let mut left_out = vec![false; n * n];
        left_out.par_chunks_mut(n).enumerate().for_each(|(row, left_out)| {
            for (column, left_out) in left_out.iter_mut().enumerate() {
                *left_out = row != column && (same(row, column) || near(row, column));
            }
        });
        Some(left_out)
    }
}

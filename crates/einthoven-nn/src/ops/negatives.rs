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
    /// For each text, row by row, and each signal, whether the text is true of it: then it is no negative, even though it was written
    /// for another.
    pub true_texts: Option<&'a [bool]>,
}

impl<'a> From<Option<&'a [u32]>> for Negatives<'a> {
    fn from(groups: Option<&'a [u32]>) -> Self {
        Self { groups, ..Self::default() }
    }
}

impl Negatives<'_> {
    /// Whether what is given is as large as `rows` want it.
    pub(super) fn fits(&self, rows: usize) -> bool {
        self.groups.is_none_or(|groups| groups.len() == rows)
            && self.true_texts.is_none_or(|all| all.len() == rows * rows)
    }

    /// For each pair of the `n` rows of `text`, `width` wide, whether it is left out; none if no pair is.
    pub(super) fn left_out<T: Real>(&self, text: &[T], n: usize, width: usize) -> Option<Vec<bool>> {
        if *self == Self::default() {
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
        let is_true = |text: usize, signal: usize| self.true_texts.is_some_and(|all| all[text * n + signal]);
        let mut left_out = vec![false; n * n];
        left_out.par_chunks_mut(n).enumerate().for_each(|(row, left_out)| {
            for (column, left_out) in left_out.iter_mut().enumerate() {
                *left_out = row != column && (same(row, column) || near(row, column) || is_true(row, column));
            }
        });
        Some(left_out)
    }
}

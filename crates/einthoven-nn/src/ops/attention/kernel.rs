//! Attention and its gradients, example by example.

use rayon::prelude::*;

use super::{Attention, Heads, Layout, Target};
use crate::cpu::matrix::{Matrix, Threads, product_into};
use crate::cpu::{Real, parallel, rows};
use crate::ops::Spans;

/// Queries of a head whose weights exist at a time. Memory is linear in length: the backward pass computes the weights anew.
const BLOCK: usize = 128;

/// One example as its heads see it.
struct Example<'a, T> {
    /// From its first row on.
    q: &'a [T],
    kv: &'a [T],
    queries: usize,
    keys: usize,
    /// Its place in the batch.
    index: usize,
    heads: Heads,
    layout: Layout,
    options: &'a Attention,
}

impl<'a, T: Real> Example<'a, T> {
    fn new(
        index: usize,
        [q, kv]: [&'a [T]; 2],
        [queries, keys]: [&Spans; 2],
        heads: Heads,
        layout: Layout,
        options: &'a Attention,
    ) -> Self {
        let (queries, keys) = (&queries.ranges()[index], &keys.ranges()[index]);
        Self {
            q: &q[queries.start * layout.query_stride..],
            kv: &kv[keys.start * layout.key_stride..],
            queries: queries.len(),
            keys: keys.len(),
            index,
            heads,
            layout,
            options,
        }
    }

    /// How many keys query `row` sees.
    fn seen(&self, row: usize) -> usize {
        if self.options.causal { row + 1 + self.keys - self.queries } else { self.keys }
    }

    fn key_head(&self, head: usize) -> usize {
        head / (self.heads.count / self.heads.of_keys) * self.heads.width
    }

    fn query(&self, head: usize, first: usize) -> Matrix<'a, T> {
        Matrix::strided(&self.q[first * self.layout.query_stride + head * self.heads.width..], self.layout.query_stride)
    }

    fn key(&self, head: usize) -> Matrix<'a, T> {
        Matrix::strided(&self.kv[self.layout.key_column + self.key_head(head)..], self.layout.key_stride)
    }

    fn value(&self, head: usize) -> Matrix<'a, T> {
        Matrix::strided(&self.kv[self.layout.value_column + self.key_head(head)..], self.layout.key_stride)
    }

    /// Calls `body` with the attention weights of blocks of queries, head by head: `body(head, first query, queries,
    /// keys seen, weights, dropout's factors)`. Weights of a query beyond the keys that it sees are zero.
    fn blocks(&self, mut body: impl FnMut(usize, usize, usize, usize, &[T], Option<&[T]>)) {
        let mut weights = vec![T::ZERO; BLOCK.min(self.queries) * self.keys];
        let mut factors = Vec::new();
        for head in 0..self.heads.count {
            let dropout = self.options.dropout.as_ref();
            let mut draw =
                dropout.map(|dropout| (dropout.keeps(self.index * self.heads.count + head), T::of(dropout.scale())));
            for first in (0..self.queries).step_by(BLOCK) {
                let count = BLOCK.min(self.queries - first);
                let visible = self.seen(first + count - 1);
                let weights = &mut weights[..count * visible];
                let (q, k) = (self.query(head, first), self.key(head).t());
                let size = (count, self.heads.width, visible);
                product_into(size, weights, visible, false, q, k, self.heads.scale(), Threads::One);
                parallel::vectorised(
                    #[inline(always)]
                    || {
                        for (row, weights) in weights.chunks_exact_mut(visible).enumerate() {
                            let (seen, unseen) = weights.split_at_mut(self.seen(first + row));
                            rows::softmax(seen);
                            unseen.fill(T::ZERO);
                        }
                    },
                );
                let factors = draw.as_mut().map(|(keeps, scale)| {
                    factors.clear();
                    factors.extend(weights.iter().map(|_| if keeps() { *scale } else { T::ZERO }));
                    factors.as_slice()
                });
                body(head, first, count, visible, weights, factors);
            }
        }
    }
}

/// The attention of every example, `[rows, heads·d]`.
pub(in crate::ops) fn attend<T: Real>(
    sources: [&[T]; 2],
    spans: [&Spans; 2],
    heads: Heads,
    layout: Layout,
    options: &Attention,
) -> Vec<T> {
    let stride = heads.queries();
    let mut y = vec![T::ZERO; spans[0].rows() * stride];
    spans[0].split_mut(&mut y, stride).into_par_iter().enumerate().for_each(|(index, y)| {
        let example = Example::new(index, sources, spans, heads, layout, options);
        let mut dropped = Vec::new();
        example.blocks(|head, first, count, visible, weights, factors| {
            let used = match factors {
                Some(factors) => multiplied(weights, factors, &mut dropped),
                None => weights,
            };
            let y = &mut y[first * stride + head * heads.width..];
            let size = (count, visible, heads.width);
            let p = Matrix::rows(used, visible);
            product_into(size, y, stride, false, p, example.value(head), T::ONE, Threads::One);
        });
    });
    y
}

/// The gradients of queries, keys and values; they are added to `targets`, whose rows may be of another layout.
///
/// With `p` the weights and `g` their gradient, that of the scores is `p·(g - Σ g·p)`.
pub(in crate::ops) fn attend_back<T: Real>(
    [q, kv, dy]: [&[T]; 3],
    targets: Vec<Target<'_, T>>,
    spans: [&Spans; 2],
    heads: Heads,
    [source, layout]: [Layout; 2],
    options: &Attention,
) {
    let width = heads.width;
    let stride = heads.queries();
    targets.into_par_iter().enumerate().for_each(|(index, mut target)| {
        let example = Example::new(index, [q, kv], spans, heads, source, options);
        let dy = &dy[spans[0].ranges()[index].start * stride..];
        let mut slopes = vec![T::ZERO; BLOCK.min(example.queries) * example.keys];
        let mut dropped = Vec::new();
        example.blocks(|head, first, count, visible, weights, factors| {
            let dy = Matrix::strided(&dy[first * stride + head * width..], stride);
            let used = match factors {
                Some(factors) => multiplied(weights, factors, &mut dropped),
                None => weights,
            };
            let of_key = example.key_head(head);
            let (product, p) = ((visible, count, width), Matrix::rows(used, visible).t());
            let dv = &mut target.keys()[layout.value_column + of_key..];
            product_into(product, dv, layout.key_stride, true, p, dy, T::ONE, Threads::One);
            let slopes = &mut slopes[..count * visible];
            let (product, v) = ((count, width, visible), example.value(head).t());
            product_into(product, slopes, visible, false, dy, v, T::ONE, Threads::One);
            parallel::vectorised(
                #[inline(always)]
                || {
                    if let Some(factors) = factors {
                        for (slope, factor) in slopes.iter_mut().zip(factors) {
                            *slope *= *factor;
                        }
                    }
                    for (slopes, p) in slopes.chunks_exact_mut(visible).zip(weights.chunks_exact(visible)) {
                        let mean = rows::dot(slopes, p);
                        for (slope, p) in slopes.iter_mut().zip(p) {
                            *slope = *p * (*slope - mean);
                        }
                    }
                },
            );
            let slopes = Matrix::rows(slopes, visible);
            let scale = heads.scale();
            let dq = &mut target.queries()[first * layout.query_stride + head * width..];
            let product = (count, visible, width);
            product_into(product, dq, layout.query_stride, true, slopes, example.key(head), scale, Threads::One);
            let dk = &mut target.keys()[layout.key_column + of_key..];
            let (product, q) = ((visible, count, width), example.query(head, first));
            product_into(product, dk, layout.key_stride, true, slopes.t(), q, scale, Threads::One);
        });
    });
}

/// `a·b` element by element, in the memory of `product`.
fn multiplied<'a, T: Real>(a: &[T], b: &[T], product: &'a mut Vec<T>) -> &'a [T] {
    product.clear();
    product.extend(a.iter().zip(b).map(|(a, b)| *a * *b));
    product
}

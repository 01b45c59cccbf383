use candle_core::Tensor;
use rayon::prelude::*;

use super::{Spans, require, require_operands, tensor};
use crate::autograd::record;
use crate::cpu::matrix::{Matrix, Threads, product_into};
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel, rows};
use crate::{Dropout, Result};

const OP: &str = "attention";

/// Queries of a head whose weights exist at a time. Memory is linear in length: the backward pass computes the weights anew.
const BLOCK: usize = 128;

/// How attention is divided into heads, and what a query sees.
#[derive(Clone, Debug)]
pub struct Attention {
    /// Heads of the queries.
    pub heads: usize,
    /// Heads of keys and values, a divisor of `heads`: as many is multi-head, one is multi-query attention.
    pub key_heads: usize,
    /// Query `i` of `t` sees the keys up to `i + (s - t)` of `s` only; there must not be fewer keys than queries.
    pub causal: bool,
    /// Dropout of attention weights.
    pub dropout: Option<Dropout>,
}

/// Scaled dot-product attention (Vaswani et al., 2017) of each example to itself: `softmax(q kᵀ/√d) v` for each head.
///
/// `qkv` `[rows, (heads + 2·key heads)·d]` holds queries, keys and values side by side, as
/// [`joint_linear`](super::joint_linear) leaves them; the result is `[rows, heads·d]`, zero in rows outside `spans`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit or an operand is empty.
pub fn self_attention(qkv: &Tensor, spans: &Spans, options: &Attention) -> Result<Tensor> {
    require_operands(OP, &[qkv])?;
    let (rows, columns) = qkv.dims2()?;
    let parts = options.heads + 2 * options.key_heads;
    let fits = rows == spans.rows() && parts > 0 && columns.is_multiple_of(parts);
    require(OP, fits, || format!("{:?} for {options:?} on {} rows does not fit", qkv.dims(), spans.rows()))?;
    let heads = Heads::new(options, columns / parts)?;
    with_element_type!(OP, qkv.dtype(), T => within::<T>(qkv, spans, heads, options))
}

/// Scaled dot-product attention of each example's queries to its own keys in another matrix.
///
/// `q` `[rows, heads·d]`, `kv` `[key rows, 2·key heads·d]` with keys and values side by side, result as `q`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit, an operand is empty or attention is causal with fewer keys than queries.
pub fn cross_attention(q: &Tensor, kv: &Tensor, queries: &Spans, keys: &Spans, options: &Attention) -> Result<Tensor> {
    require_operands(OP, &[q, kv])?;
    let (rows, columns) = q.dims2()?;
    let width = columns / options.heads.max(1);
    let fits = rows == queries.rows()
        && columns.is_multiple_of(options.heads.max(1))
        && kv.dims() == [keys.rows(), 2 * options.key_heads * width]
        && queries.count() == keys.count();
    require(OP, fits, || format!("queries {:?}, keys and values {:?} do not fit {options:?}", q.dims(), kv.dims()))?;
    let mut pairs = queries.ranges().iter().zip(keys.ranges());
    require(OP, !options.causal || pairs.all(|(queries, keys)| queries.len() <= keys.len()), || {
        "causal attention needs as many keys as queries".to_owned()
    })?;
    let heads = Heads::new(options, width)?;
    with_element_type!(OP, q.dtype(), T => across::<T>(q, kv, queries, keys, heads, options))
}

fn within<T: Real>(qkv: &Tensor, spans: &Spans, heads: Heads, options: &Attention) -> Result<Tensor> {
    let held = dense(qkv)?;
    let layout = Layout::joint(heads, heads.joint());
    let y = {
        let values = view::<T>(OP, &held)?;
        attend([&values, &values], [spans, spans], heads, layout, options)
    };
    let (spans, options) = (spans.clone(), options.clone());
    record(OP, T::storage(y), (spans.rows(), heads.queries()), &[qkv], move |gradient, _| {
        let (values, dy) = (view::<T>(OP, &held)?, view::<T>(OP, gradient)?);
        let mut d = vec![T::ZERO; values.len()];
        let parts = spans.split_mut(&mut d, heads.joint()).into_iter().map(Target::Joint).collect();
        attend_back([&values, &values, &dy], parts, [&spans, &spans], heads, [layout; 2], &options);
        Ok(vec![Some(tensor(d, held.shape())?)])
    })
}

fn across<T: Real>(
    q: &Tensor,
    kv: &Tensor,
    queries: &Spans,
    keys: &Spans,
    heads: Heads,
    options: &Attention,
) -> Result<Tensor> {
    let (held_q, held_kv) = (dense(q)?, dense(kv)?);
    let layout = Layout::apart(heads);
    let y = {
        let (q, kv) = (view::<T>(OP, &held_q)?, view::<T>(OP, &held_kv)?);
        attend([&q, &kv], [queries, keys], heads, layout, options)
    };
    let (queries, keys, options) = (queries.clone(), keys.clone(), options.clone());
    record(OP, T::storage(y), q.shape(), &[q, kv], move |gradient, _| {
        let (q, kv, dy) = (view::<T>(OP, &held_q)?, view::<T>(OP, &held_kv)?, view::<T>(OP, gradient)?);
        let (mut dq, mut dkv) = (vec![T::ZERO; q.len()], vec![T::ZERO; kv.len()]);
        let of_queries = queries.split_mut(&mut dq, layout.query_stride).into_iter();
        let of_keys = keys.split_mut(&mut dkv, layout.key_stride);
        let parts = of_queries.zip(of_keys).map(|(dq, dkv)| Target::Apart(dq, dkv)).collect();
        attend_back([&q, &kv, &dy], parts, [&queries, &keys], heads, [layout; 2], &options);
        Ok(vec![Some(tensor(dq, held_q.shape())?), Some(tensor(dkv, held_kv.shape())?)])
    })
}

/// The division of a width into heads.
#[derive(Clone, Copy)]
pub(super) struct Heads {
    count: usize,
    of_keys: usize,
    width: usize,
}

impl Heads {
    pub(super) fn new(options: &Attention, width: usize) -> Result<Self> {
        let Attention { heads: count, key_heads: of_keys, .. } = *options;
        let fits = count > 0 && of_keys > 0 && count.is_multiple_of(of_keys) && width > 0;
        require(OP, fits, || format!("{count} heads of width {width} cannot be spread over {of_keys} key heads"))?;
        Ok(Self { count, of_keys, width })
    }

    /// Columns of all queries.
    pub(super) fn queries(&self) -> usize {
        self.count * self.width
    }

    /// Columns of queries, keys and values side by side.
    pub(super) fn joint(&self) -> usize {
        (self.count + 2 * self.of_keys) * self.width
    }

    fn scale<T: Real>(&self) -> T {
        T::of(1.0 / (self.width as f64).sqrt())
    }
}

/// At which columns queries, keys and values begin in rows of which width.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    query_stride: usize,
    key_stride: usize,
    key_column: usize,
    value_column: usize,
}

impl Layout {
    /// Queries, keys and values at the start of rows `stride` wide.
    pub(super) fn joint(heads: Heads, stride: usize) -> Self {
        let key_column = heads.queries();
        let value_column = key_column + heads.of_keys * heads.width;
        Self { query_stride: stride, key_stride: stride, key_column, value_column }
    }

    fn apart(heads: Heads) -> Self {
        let of_keys = heads.of_keys * heads.width;
        Self { query_stride: heads.queries(), key_stride: 2 * of_keys, key_column: 0, value_column: of_keys }
    }
}

/// Where the gradients of an example go: to one matrix of queries, keys and values, or to two.
pub(super) enum Target<'a, T> {
    Joint(&'a mut [T]),
    Apart(&'a mut [T], &'a mut [T]),
}

impl<T> Target<'_, T> {
    fn queries(&mut self) -> &mut [T] {
        match self {
            Self::Joint(all) | Self::Apart(all, _) => all,
        }
    }

    fn keys(&mut self) -> &mut [T] {
        match self {
            Self::Joint(all) | Self::Apart(_, all) => all,
        }
    }
}

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
pub(super) fn attend<T: Real>(
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
pub(super) fn attend_back<T: Real>(
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

use candle_core::{Shape, Tensor};
use rayon::prelude::*;

use super::{require, require_operands, tensor};
use crate::autograd::record;
use crate::cpu::matrix::{Matrix, Threads, product_into};
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel, rows};
use crate::{Dropout, Result};

const OP: &str = "attention";

/// How attention weighs keys.
#[derive(Clone, Debug)]
pub struct Attention {
    /// Factor on query-key products, usually `1/√d`.
    pub scale: f64,
    /// Query `i` of `t` sees the keys up to `i + (s - t)` of `s` only; there must not be fewer keys than queries.
    pub causal: bool,
    /// The number of real keys of each example; later ones are padding and not seen.
    pub key_lengths: Option<Vec<usize>>,
    /// Dropout of attention weights.
    pub dropout: Option<Dropout>,
}

/// Scaled dot-product attention (Vaswani et al., 2017): `softmax(scale · q kᵀ) v` for each head.
///
/// `q` `[batch, heads, t, d]`, `k`, `v` `[batch, key heads, s, d]`, result `[batch, heads, t, d]`. The heads are
/// spread evenly over the key heads: one key head is multi-query attention. When heads lie side by side in memory,
/// [`attention_merged`] saves the copies.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit, an operand is empty or a length is zero or beyond `s`.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, options: &Attention) -> Result<Tensor> {
    require_operands(OP, &[q, k, v])?;
    let fits = q.rank() == 4
        && k.rank() == 4
        && k.dims() == v.dims()
        && (q.dims()[0], q.dims()[3]) == (k.dims()[0], k.dims()[3]);
    require(OP, fits, || misfit(q, k, v))?;
    let (batch, heads, queries, width) = q.dims4()?;
    let (_, key_heads, keys, _) = k.dims4()?;
    let size = Size { batch, heads, key_heads, queries, keys, width, merged: false };
    size.check(options)?;
    with_element_type!(OP, q.dtype(), T => run::<T>(q, k, v, size, options))
}

/// [`attention`] with the heads side by side, as a linear layer leaves them.
///
/// `q` `[batch, t, heads·d]`, `k`, `v` `[batch, s, key heads·d]`, result `[batch, t, heads·d]`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit, an operand is empty or a length is zero or beyond `s`.
pub fn attention_merged(q: &Tensor, k: &Tensor, v: &Tensor, heads: usize, options: &Attention) -> Result<Tensor> {
    require_operands(OP, &[q, k, v])?;
    let fits = q.rank() == 3
        && k.rank() == 3
        && k.dims() == v.dims()
        && q.dims()[0] == k.dims()[0]
        && heads > 0
        && q.dims()[2].is_multiple_of(heads)
        && k.dims()[2].is_multiple_of(q.dims()[2] / heads);
    require(OP, fits, || misfit(q, k, v))?;
    let (batch, queries, all) = q.dims3()?;
    let width = all / heads;
    let (key_heads, keys) = (k.dims()[2] / width, k.dims()[1]);
    let size = Size { batch, heads, key_heads, queries, keys, width, merged: true };
    size.check(options)?;
    with_element_type!(OP, q.dtype(), T => run::<T>(q, k, v, size, options))
}

fn misfit(q: &Tensor, k: &Tensor, v: &Tensor) -> String {
    format!("queries {:?}, keys {:?}, values {:?} do not fit", q.dims(), k.dims(), v.dims())
}

#[derive(Clone, Copy)]
struct Size {
    batch: usize,
    heads: usize,
    key_heads: usize,
    queries: usize,
    keys: usize,
    width: usize,
    /// Whether the heads of one time step lie side by side.
    merged: bool,
}

/// Where a head's matrix lies in an example.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    stride: usize,
}

impl Size {
    fn check(&self, options: &Attention) -> Result<()> {
        let Self { batch, heads, key_heads, queries, keys, .. } = *self;
        require(OP, heads.is_multiple_of(key_heads), || {
            format!("{heads} heads cannot be spread over {key_heads} key heads")
        })?;
        require(OP, !options.causal || keys >= queries, || {
            format!("causal attention of {queries} queries needs as many keys, found {keys}")
        })?;
        let lengths = options.key_lengths.as_deref().unwrap_or(&[]);
        let fits =
            options.key_lengths.is_none() || (lengths.len() == batch && lengths.iter().all(|n| (1..=keys).contains(n)));
        require(OP, fits, || format!("lengths {lengths:?} of {batch} examples of {keys} keys"))
    }

    fn query(&self, head: usize) -> Place {
        self.place(head, self.queries, self.heads)
    }

    fn key(&self, head: usize) -> Place {
        self.place(head / (self.heads / self.key_heads), self.keys, self.key_heads)
    }

    fn place(&self, head: usize, rows: usize, heads: usize) -> Place {
        if self.merged {
            Place { start: head * self.width, stride: heads * self.width }
        } else {
            Place { start: head * rows * self.width, stride: self.width }
        }
    }

    fn query_values(&self) -> usize {
        self.heads * self.queries * self.width
    }

    fn key_values(&self) -> usize {
        self.key_heads * self.keys * self.width
    }

    fn weights(&self) -> usize {
        self.queries * self.keys
    }

    /// How many keys query `row` of an example sees.
    fn seen(&self, options: &Attention, example: usize, row: usize) -> usize {
        let real = options.key_lengths.as_ref().map_or(self.keys, |lengths| lengths[example]);
        if options.causal { real.min(row + 1 + self.keys - self.queries) } else { real }
    }
}

fn at<T: Real>(values: &[T], place: Place) -> Matrix<'_, T> {
    Matrix::strided(&values[place.start..], place.stride)
}

fn run<T: Real>(q: &Tensor, k: &Tensor, v: &Tensor, size: Size, options: &Attention) -> Result<Tensor> {
    let (qs, ks, vs) = (dense(q)?, dense(k)?, dense(v)?);
    let (y, weights) = forward::<T>(&view(OP, &qs)?, &view(OP, &ks)?, &view(OP, &vs)?, size, options);
    let options = options.clone();
    record(OP, T::storage(y), q.shape(), &[q, k, v], move |gradient, _| {
        let (q, k, v) = (view::<T>(OP, &qs)?, view::<T>(OP, &ks)?, view::<T>(OP, &vs)?);
        let dy = view::<T>(OP, gradient)?;
        let [dq, dk, dv] = backward([&q, &k, &v, &dy], &weights, size, &options);
        let shaped = |values, shape: &Shape| tensor(values, shape).map(Some);
        Ok(vec![shaped(dq, qs.shape())?, shaped(dk, ks.shape())?, shaped(dv, vs.shape())?])
    })
}

/// The result, and the attention weights before dropout `[batch, heads, t, s]`.
fn forward<T: Real>(q: &[T], k: &[T], v: &[T], size: Size, options: &Attention) -> (Vec<T>, Vec<T>) {
    let Size { batch, heads, queries, keys, width, .. } = size;
    let scale = T::of(options.scale);
    let mut y = vec![T::ZERO; batch * size.query_values()];
    let mut weights = vec![T::ZERO; batch * heads * size.weights()];
    let examples =
        y.par_chunks_exact_mut(size.query_values()).zip(weights.par_chunks_exact_mut(heads * size.weights()));
    examples.enumerate().for_each(|(example, (y, weights))| {
        let q = &q[example * size.query_values()..][..size.query_values()];
        let k = &k[example * size.key_values()..][..size.key_values()];
        let v = &v[example * size.key_values()..][..size.key_values()];
        let mut dropped = Vec::new();
        for (head, weights) in weights.chunks_exact_mut(size.weights()).enumerate() {
            let (of_q, of_k) = (size.query(head), size.key(head));
            let product = (queries, width, keys);
            let transposed = at(k, of_k).t();
            let q = at(q, of_q);
            product_into(product, weights, keys, false, q, transposed, scale, Threads::One);
            parallel::vectorised(
                #[inline(always)]
                || {
                    for (row, weights) in weights.chunks_exact_mut(keys).enumerate() {
                        let (seen, unseen) = weights.split_at_mut(size.seen(options, example, row));
                        rows::softmax(seen);
                        unseen.fill(T::ZERO);
                    }
                },
            );
            let used: &[T] = match &options.dropout {
                Some(draw) => {
                    dropped.clear();
                    dropped.extend_from_slice(weights);
                    drop_weights(&mut dropped, draw, example * heads + head);
                    &dropped
                }
                None => weights,
            };
            let product = (queries, keys, width);
            let y = &mut y[of_q.start..];
            let (p, v) = (Matrix::rows(used, keys), at(v, of_k));
            product_into(product, y, of_q.stride, false, p, v, T::ONE, Threads::One);
        }
    });
    (y, weights)
}

/// The gradients of queries, keys and values.
///
/// With `p` the weights and `g` their gradient, that of the scores is `p·(g - Σ g·p)`.
fn backward<T: Real>([q, k, v, dy]: [&[T]; 4], weights: &[T], size: Size, options: &Attention) -> [Vec<T>; 3] {
    let Size { batch, heads, queries, keys, width, .. } = size;
    let group = heads / size.key_heads;
    let scale = T::of(options.scale);
    let mut dq = vec![T::ZERO; batch * size.query_values()];
    let mut dk = vec![T::ZERO; batch * size.key_values()];
    let mut dv = vec![T::ZERO; batch * size.key_values()];
    let examples = dq
        .par_chunks_exact_mut(size.query_values())
        .zip(dk.par_chunks_exact_mut(size.key_values()))
        .zip(dv.par_chunks_exact_mut(size.key_values()));
    examples.enumerate().for_each(|(example, ((dq, dk), dv))| {
        let q = &q[example * size.query_values()..][..size.query_values()];
        let dy = &dy[example * size.query_values()..][..size.query_values()];
        let k = &k[example * size.key_values()..][..size.key_values()];
        let v = &v[example * size.key_values()..][..size.key_values()];
        let mut slopes = vec![T::ZERO; size.weights()];
        let mut dropped = Vec::new();
        for head in 0..heads {
            let part = example * heads + head;
            let weights = &weights[part * size.weights()..][..size.weights()];
            let (of_q, of_k) = (size.query(head), size.key(head));
            // Heads that share keys add up.
            let more = !head.is_multiple_of(group);
            let dy = at(dy, of_q);
            let used: &[T] = match &options.dropout {
                Some(draw) => {
                    dropped.clear();
                    dropped.extend_from_slice(weights);
                    drop_weights(&mut dropped, draw, part);
                    &dropped
                }
                None => weights,
            };
            let p = Matrix::rows(used, keys).t();
            let (product, dv) = ((keys, queries, width), &mut dv[of_k.start..]);
            product_into(product, dv, of_k.stride, more, p, dy, T::ONE, Threads::One);
            let (product, v) = ((queries, width, keys), at(v, of_k).t());
            product_into(product, &mut slopes, keys, false, dy, v, T::ONE, Threads::One);
            if let Some(draw) = &options.dropout {
                drop_weights(&mut slopes, draw, part);
            }
            parallel::vectorised(
                #[inline(always)]
                || {
                    for (slopes, p) in slopes.chunks_exact_mut(keys).zip(weights.chunks(keys)) {
                        let mean = rows::dot(slopes, p);
                        for (slope, p) in slopes.iter_mut().zip(p) {
                            *slope = *p * (*slope - mean);
                        }
                    }
                },
            );
            let slopes = Matrix::rows(&slopes, keys);
            let (product, dq) = ((queries, keys, width), &mut dq[of_q.start..]);
            let k = at(k, of_k);
            product_into(product, dq, of_q.stride, false, slopes, k, scale, Threads::One);
            let (product, dk) = ((keys, queries, width), &mut dk[of_k.start..]);
            let q = at(q, of_q);
            product_into(product, dk, of_k.stride, more, slopes.t(), q, scale, Threads::One);
        }
    });
    [dq, dk, dv]
}

/// Applies dropout to the weights of one head.
fn drop_weights<T: Real>(weights: &mut [T], draw: &Dropout, part: usize) {
    let scale = T::of(draw.scale());
    let mut keeps = draw.keeps(part);
    for weight in weights {
        *weight = if keeps() { *weight * scale } else { T::ZERO };
    }
}

mod kernel;
mod layout;

use candle_core::Tensor;

use super::{Spans, require, require_operands, tensor};
use crate::autograd::record;
use crate::cpu::Real;
use crate::cpu::view::{dense, view, with_element_type};
use crate::{Dropout, Result};

pub(super) use kernel::{attend, attend_back};
pub(super) use layout::{Heads, Layout, Target};

const OP: &str = "attention";

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

use candle_core::Tensor;

use super::attention::{Heads, Layout, Target, attend, attend_back};
use super::linear::{Size, affine, input_gradient, weight_gradient};
use super::rotary::Turn;
use super::{Activation, Attention, Spans, require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::matrix::{Matrix, Threads, product, product_into};
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel};

const OP: &str = "parallel_block";

/// The weights of a [`parallel_block`] of `c` channels, `h` query and `k` key heads of width `d`, and inner width `f`.
#[derive(Clone, Copy, Debug)]
pub struct ParallelBlockWeights<'a> {
    /// `[(h + 2k)·d + 2f, c]`: queries, keys, values, and the two halves of [`swiglu`](super::swiglu).
    pub fused: &'a Tensor,
    /// `[c', h·d]`.
    pub attention_out: &'a Tensor,
    /// `[c', f]`.
    pub feed_forward_out: &'a Tensor,
}

/// Self-attention with rotary positions and a SwiGLU feed-forward part side by side on one input (Wang and Komatsuzaki, GPT-J, 2021;
/// Chowdhery et al., arXiv 2204.02311): `x` `[rows, c]`, result `[rows, c']`.
///
/// Equal to the composition of [`linear`](super::linear()), [`rotary`](super::rotary()), [`self_attention`](super::self_attention) and
/// [`swiglu`](super::swiglu), with one product for all that reads `x`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit or an operand is empty.
pub fn parallel_block(
    x: &Tensor,
    weights: ParallelBlockWeights<'_>,
    spans: &Spans,
    options: &Attention,
) -> Result<Tensor> {
    let inputs = [x, weights.fused, weights.attention_out, weights.feed_forward_out];
    require_operands(OP, &inputs)?;
    require(OP, inputs.iter().all(|input| input.rank() == 2), || "every operand must be a matrix".to_owned())?;
    let [x_dims, fused, attention, feed_forward] = inputs.map(Tensor::dims);
    let width = attention[1] / options.heads.max(1);
    let heads = Heads::new(options, width)?;
    let fits = x_dims == [spans.rows(), fused[1]]
        && heads.queries() == attention[1]
        && width.is_multiple_of(2)
        && fused[0] == heads.joint() + 2 * feed_forward[1]
        && attention[0] == feed_forward[0];
    require(OP, fits, || format!("x {x_dims:?} and weights {:?} do not fit", [fused, attention, feed_forward]))?;
    with_element_type!(OP, x.dtype(), T => run::<T>(inputs, spans, heads, options))
}

fn run<T: Real>(inputs: [&Tensor; 4], spans: &Spans, heads: Heads, options: &Attention) -> Result<Tensor> {
    let [x, fused, attention_out, feed_forward_out] = inputs;
    let (rows, channels) = x.dims2()?;
    let (outputs, inner) = feed_forward_out.dims2()?;
    let (joint, queries) = (heads.joint(), heads.queries());
    let all = joint + 2 * inner;
    let size = Size { rows, inner: channels, outputs: all };
    let turn = Turn::<T>::new(spans, options.heads + options.key_heads, queries / options.heads);
    let held = [dense(x)?, dense(fused)?, dense(attention_out)?, dense(feed_forward_out)?];
    let mut expanded = affine::<T>(size, &view(OP, &held[0])?, &view(OP, &held[1])?, None);
    turn.apply(&mut expanded, all, T::ONE);
    let attended = attend([&expanded, &expanded], [spans, spans], heads, Layout::joint(heads, all), options);
    let y = {
        let gated = parallel::fill_rows(
            rows,
            inner,
            #[inline(always)]
            |row, y: &mut [T]| Activation::SwiGlu.row(&expanded[row * all + joint..][..2 * inner], y),
        );
        let (wo, wf) = (view::<T>(OP, &held[2])?, view::<T>(OP, &held[3])?);
        let mut y = affine(Size { rows, inner, outputs }, &gated, &wf, None);
        let (a, b) = (Matrix::rows(&attended, queries), Matrix::rows(&wo, queries).t());
        product_into((rows, queries, outputs), &mut y, outputs, true, a, b, T::ONE, Threads::All);
        y
    };
    let (spans, options) = (spans.clone(), options.clone());
    record(OP, T::storage(y), (rows, outputs), &inputs, move |gradient, _| {
        let dy = view::<T>(OP, gradient)?;
        let views = held.iter().map(|t| view::<T>(OP, t)).collect::<Result<Vec<_>>>()?;
        let (of_attention, of_feed_forward) = (Size { rows, inner: queries, outputs }, Size { rows, inner, outputs });
        let d_gated = input_gradient(of_feed_forward, &dy, &views[3]);
        // Gradients of all that `fused` makes, and beside them the gated activations again.
        let width = all + inner;
        let mut both = parallel::fill_rows(
            rows,
            width,
            #[inline(always)]
            |row, both: &mut [T]| {
                let (d, y) = both.split_at_mut(all);
                let (x, dy) = (&expanded[row * all + joint..][..2 * inner], &d_gated[row * inner..][..inner]);
                Activation::SwiGlu.row_back(x, dy, &mut d[joint..], Some(y));
            },
        );
        drop(d_gated);
        let d_attended = input_gradient(of_attention, &dy, &views[2]);
        let targets = spans.split_mut(&mut both, width).into_iter().map(Target::Joint).collect();
        let layouts = [Layout::joint(heads, all), Layout::joint(heads, width)];
        attend_back([&expanded, &expanded, &d_attended], targets, [&spans, &spans], heads, layouts, &options);
        turn.apply(&mut both, width, -T::ONE);
        let (d, gated) = (Matrix::strided(&both, width), Matrix::strided(&both[all..], width));
        let dx = product((rows, all, channels), d, Matrix::rows(&views[1], channels));
        let d_fused = product((all, rows, channels), d.t(), Matrix::rows(&views[0], channels));
        let d_attention_out = weight_gradient(of_attention, &dy, &attended);
        let d_feed_forward_out = product((outputs, rows, inner), Matrix::rows(&dy, outputs).t(), gated);
        let gradients = [dx, d_fused, d_attention_out, d_feed_forward_out];
        gradients.into_iter().zip(&held).map(|(values, like)| tensor(values, like.shape()).map(Some)).collect()
    })
}

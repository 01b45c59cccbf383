//! The block and its gradients on slices.

use std::ops::Deref;

use super::EPS;
use crate::cpu::matrix::{Matrix, Threads, product_into};
use crate::cpu::{Real, parallel};
use crate::ops::depthwise::{self, Start, by_tap, convolve};
use crate::ops::grn::{Response, Slopes};
use crate::ops::layer_norm::{input_gradient, normalise, statistics};
use crate::ops::linear::{self, column_sums, weight_gradient};

#[derive(Clone, Copy)]
pub(super) struct Size {
    pub depthwise: depthwise::Size,
    pub inner: usize,
}

impl Size {
    fn rows(&self) -> usize {
        self.depthwise.batch * self.depthwise.time
    }

    fn expand(&self) -> linear::Size {
        let inner = self.depthwise.channels;
        linear::Size { rows: self.rows(), inner, outputs: self.inner }
    }

    fn contract(&self) -> linear::Size {
        let outputs = self.depthwise.channels;
        linear::Size { rows: self.rows(), inner: self.inner, outputs }
    }
}

/// The input and the parameters as slices.
pub(super) struct Operands<'a, T> {
    x: &'a [T],
    depthwise_weight: &'a [T],
    depthwise_bias: &'a [T],
    norm_weight: &'a [T],
    norm_bias: &'a [T],
    expand_weight: &'a [T],
    expand_bias: &'a [T],
    grn_gamma: &'a [T],
    grn_beta: &'a [T],
    contract_weight: &'a [T],
    contract_bias: &'a [T],
}

impl<'a, T> Operands<'a, T> {
    /// From the input followed by the parameters in the order of [`ConvNextBlockWeights::all`].
    pub fn new(views: &'a [impl Deref<Target = [T]>]) -> Self {
        Self {
            x: &views[0],
            depthwise_weight: &views[1],
            depthwise_bias: &views[2],
            norm_weight: &views[3],
            norm_bias: &views[4],
            expand_weight: &views[5],
            expand_bias: &views[6],
            grn_gamma: &views[7],
            grn_beta: &views[8],
            contract_weight: &views[9],
            contract_bias: &views[10],
        }
    }
}

/// What the backward pass needs: the result of the depthwise convolution, its norm's statistics, the input of GELU and
/// the norms of GRN.
pub(super) struct Saved<T> {
    convolved: Vec<T>,
    statistics: Vec<T>,
    expanded: Vec<T>,
    response: Response<T>,
}

pub(super) fn forward<T: Real>(o: &Operands<'_, T>, size: Size) -> (Vec<T>, Saved<T>) {
    let depthwise::Size { batch, time, channels, .. } = size.depthwise;
    let (rows, inner) = (size.rows(), size.inner);
    let taps = by_tap(o.depthwise_weight, size.depthwise, false);
    let convolved = convolve(o.x, &taps, Start::PerChannel(o.depthwise_bias), size.depthwise);
    let statistics = statistics(&convolved, channels, T::of(EPS));
    let normal = normalise(&convolved, &statistics, o.norm_weight, o.norm_bias);
    let expanded = linear::affine(size.expand(), &normal, o.expand_weight, Some(o.expand_bias));
    drop(normal);
    let squares = parallel::sum_per_example(
        batch,
        time,
        inner,
        inner,
        #[inline(always)]
        |row, sums: &mut [T]| {
            for (sum, h) in sums.iter_mut().zip(&expanded[row * inner..][..inner]) {
                let g = h.gelu();
                *sum = g.fma(g, *sum);
            }
        },
    );
    let response = Response::new(squares, inner, T::of(EPS));
    let factors = response.factors(o.grn_gamma);
    let responded = parallel::fill_rows(
        rows,
        inner,
        #[inline(always)]
        |row, z: &mut [T]| {
            let f = &factors[row / time * inner..][..inner];
            let h = &expanded[row * inner..][..inner];
            for (((z, h), f), b) in z.iter_mut().zip(h).zip(f).zip(o.grn_beta) {
                *z = h.gelu().fma(*f, *b);
            }
        },
    );
    let mut y = parallel::fill_rows(
        rows,
        channels,
        #[inline(always)]
        |row, y: &mut [T]| {
            let x = &o.x[row * channels..][..channels];
            for ((y, x), b) in y.iter_mut().zip(x).zip(o.contract_bias) {
                *y = *x + *b;
            }
        },
    );
    let (a, b) = (Matrix::rows(&responded, inner), Matrix::rows(o.contract_weight, inner).t());
    product_into((rows, inner, channels), &mut y, channels, true, a, b, T::ONE, Threads::All);
    (y, Saved { convolved, statistics, expanded, response })
}

/// The gradients of the input and of the parameters, in the order of [`Operands::new`].
pub(super) fn backward<T: Real>(o: &Operands<'_, T>, saved: &Saved<T>, dy: &[T], size: Size) -> [Vec<T>; 11] {
    let depthwise::Size { batch, time, channels, .. } = size.depthwise;
    let inner = size.inner;
    let expanded = &saved.expanded;
    let mut slopes = linear::input_gradient(size.contract(), dy, o.contract_weight);
    let factors = saved.response.factors(o.grn_gamma);
    // GRN's output again, and its gradient's sums over time, from GELU's output.
    let (responded, sums) = parallel::fill_rows_and_sum_per_example(
        batch,
        time,
        inner,
        2 * inner,
        #[inline(always)]
        |row, z: &mut [T], sums: &mut [T]| {
            let f = &factors[row / time * inner..][..inner];
            let (h, d) = (&expanded[row * inner..][..inner], &slopes[row * inner..][..inner]);
            let (products, plain) = sums.split_at_mut(inner);
            for ((((((z, p), s), h), d), f), b) in
                z.iter_mut().zip(products).zip(plain).zip(h).zip(d).zip(f).zip(o.grn_beta)
            {
                let g = h.gelu();
                *p = g.fma(*d, *p);
                *s += *d;
                *z = g.fma(*f, *b);
            }
        },
    );
    let contract_weight = weight_gradient(size.contract(), dy, &responded);
    drop(responded);
    let contract_bias = column_sums(dy, channels);
    let Slopes { through_norm, gamma, beta } = saved.response.slopes(&sums, o.grn_gamma);
    // Back through GRN and GELU in place.
    let expand_bias = parallel::update_rows_and_sum(
        &mut slopes,
        inner,
        inner,
        #[inline(always)]
        |row, d: &mut [T], sums: &mut [T]| {
            let at = row / time * inner;
            let (f, q) = (&factors[at..][..inner], &through_norm[at..][..inner]);
            let h = &expanded[row * inner..][..inner];
            for ((((d, sum), h), f), q) in d.iter_mut().zip(sums).zip(h).zip(f).zip(q) {
                let (g, slope) = h.gelu_and_slope();
                *d = d.fma(*f, g * *q) * slope;
                *sum += *d;
            }
        },
    );
    let normal = normalise(&saved.convolved, &saved.statistics, o.norm_weight, o.norm_bias);
    let expand_weight = weight_gradient(size.expand(), &slopes, &normal);
    drop(normal);
    let d_normal = linear::input_gradient(size.expand(), &slopes, o.expand_weight);
    drop(slopes);
    let (d_convolved, norm) = input_gradient(&saved.convolved, &saved.statistics, o.norm_weight, &d_normal);
    let (depthwise_weight, depthwise_bias) = depthwise::parameter_gradients(o.x, &d_convolved, size.depthwise);
    let taps = by_tap(o.depthwise_weight, size.depthwise, true);
    let x = convolve(&d_convolved, &taps, Start::PerElement(dy), size.depthwise);
    let (norm_weight, norm_bias) = norm.split_at(channels);
    [
        x,
        depthwise_weight,
        depthwise_bias,
        norm_weight.to_vec(),
        norm_bias.to_vec(),
        expand_weight,
        expand_bias,
        gamma,
        beta,
        contract_weight,
        contract_bias,
    ]
}

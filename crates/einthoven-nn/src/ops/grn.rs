use candle_core::Tensor;

use super::{require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel, rows};

const OP: &str = "grn";

/// Global response normalisation with residual (ConvNeXt V2, Woo et al., CVPR 2023), in one dimension:
/// `y = gamma·(x·n) + beta + x`, where `n = g / (mean over channels of g + eps)` and `g = ‖x‖₂` over time.
///
/// `x` `[batch, time, h]`; `gamma`, `beta` hold `h` values in any shape. Where a channel is all zero its norm has no
/// slope, and its gradient through `n` is taken as zero.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit or an operand is empty.
pub fn grn(x: &Tensor, gamma: &Tensor, beta: &Tensor, eps: f64) -> Result<Tensor> {
    require_operands(OP, &[x, gamma, beta])?;
    let fits = x.rank() == 3 && gamma.elem_count() == x.dims()[2] && beta.elem_count() == x.dims()[2];
    require(OP, fits, || {
        let (x, gamma, beta) = (x.dims(), gamma.dims(), beta.dims());
        format!("x {x:?}, gamma {gamma:?}, beta {beta:?} do not fit")
    })?;
    with_element_type!(OP, x.dtype(), T => run::<T>(x, gamma, beta, T::of(eps)))
}

fn run<T: Real>(x: &Tensor, gamma: &Tensor, beta: &Tensor, eps: T) -> Result<Tensor> {
    let (batch, time, width) = x.dims3()?;
    let (xs, gs) = (dense(x)?, dense(gamma)?);
    let (y, response) = {
        let x = view::<T>(OP, &xs)?;
        let beta = dense(beta)?;
        let beta = view::<T>(OP, &beta)?;
        let squares = parallel::sum_per_example(
            batch,
            time,
            width,
            width,
            #[inline(always)]
            |row, sums: &mut [T]| {
                for (sum, x) in sums.iter_mut().zip(&x[row * width..][..width]) {
                    *sum = x.fma(*x, *sum);
                }
            },
        );
        let response = Response::new(squares, width, eps);
        let factors = response.factors(&view::<T>(OP, &gs)?);
        let y = parallel::fill_rows(
            batch * time,
            width,
            #[inline(always)]
            |row, y: &mut [T]| {
                let f = &factors[row / time * width..][..width];
                let x = &x[row * width..][..width];
                for (((y, x), f), b) in y.iter_mut().zip(x).zip(f).zip(&*beta) {
                    *y = x.fma(*f, *b);
                }
            },
        );
        (y, response)
    };
    let beta_shape = beta.shape().clone();
    record(OP, T::storage(y), x.shape(), &[x, gamma, beta], move |gradient, _| {
        let (x, gamma, dy) = (view::<T>(OP, &xs)?, view::<T>(OP, &gs)?, view::<T>(OP, gradient)?);
        let sums = parallel::sum_per_example(
            batch,
            time,
            width,
            2 * width,
            #[inline(always)]
            |row, sums: &mut [T]| {
                let (products, plain) = sums.split_at_mut(width);
                let (x, dy) = (&x[row * width..][..width], &dy[row * width..][..width]);
                for (((p, s), x), dy) in products.iter_mut().zip(plain).zip(x).zip(dy) {
                    *p = x.fma(*dy, *p);
                    *s += *dy;
                }
            },
        );
        let Slopes { through_norm, gamma: d_gamma, beta: d_beta } = response.slopes(&sums, &gamma);
        let factors = response.factors(&gamma);
        let dx = parallel::fill_rows(
            batch * time,
            width,
            #[inline(always)]
            |row, dx: &mut [T]| {
                let at = row / time * width;
                let (f, q) = (&factors[at..][..width], &through_norm[at..][..width]);
                let (x, dy) = (&x[row * width..][..width], &dy[row * width..][..width]);
                for ((((dx, x), dy), f), q) in dx.iter_mut().zip(x).zip(dy).zip(f).zip(q) {
                    *dx = dy.fma(*f, *x * *q);
                }
            },
        );
        Ok(vec![Some(tensor(dx, xs.shape())?), Some(tensor(d_gamma, gs.shape())?), Some(tensor(d_beta, &beta_shape)?)])
    })
}

/// The norms that GRN divides by.
pub(super) struct Response<T> {
    /// `‖x‖₂` over time, `[batch, width]`.
    norms: Vec<T>,
    /// Mean over channels plus eps, `[batch]`.
    means: Vec<T>,
    width: usize,
}

/// What the backward pass of GRN needs besides [`Response::factors`]: `dx = dy·factor + x·through_norm`.
pub(super) struct Slopes<T> {
    /// `[batch, width]`.
    pub through_norm: Vec<T>,
    /// `[width]`.
    pub gamma: Vec<T>,
    /// `[width]`.
    pub beta: Vec<T>,
}

impl<T: Real> Response<T> {
    /// From the sums of squares over time `[batch, width]`.
    pub(super) fn new(squares: Vec<T>, width: usize, eps: T) -> Self {
        let norms: Vec<T> = squares.into_iter().map(T::sqrt).collect();
        let scale = T::of(1.0 / width as f64);
        let means = norms.chunks_exact(width).map(|g| rows::sum(g) * scale + eps).collect();
        Self { norms, means, width }
    }

    /// `1 + gamma·n`, `[batch, width]`.
    pub(super) fn factors(&self, gamma: &[T]) -> Vec<T> {
        let mut factors = Vec::with_capacity(self.norms.len());
        for (norms, mean) in self.norms.chunks_exact(self.width).zip(&self.means) {
            factors.extend(norms.iter().zip(gamma).map(|(g, w)| T::ONE + *w * *g / *mean));
        }
        factors
    }

    /// From the sums over time of `x·dy` and of `dy`, `[batch, 2, width]`.
    pub(super) fn slopes(&self, sums: &[T], gamma: &[T]) -> Slopes<T> {
        let width = self.width;
        let mut through_norm = Vec::with_capacity(self.norms.len());
        let (mut d_gamma, mut d_beta) = (vec![T::ZERO; width], vec![T::ZERO; width]);
        let examples = self.norms.chunks_exact(width).zip(&self.means);
        for ((norms, mean), sums) in examples.zip(sums.chunks_exact(2 * width)) {
            let inverse = T::ONE / *mean;
            let (products, plain) = sums.split_at(width);
            let mut total = T::ZERO;
            for c in 0..width {
                d_gamma[c] += products[c] * norms[c] * inverse;
                d_beta[c] += plain[c];
                total += gamma[c] * products[c] * norms[c];
            }
            let shared = total * inverse * inverse * T::of(1.0 / width as f64);
            through_norm.extend((0..width).map(|c| {
                if norms[c] == T::ZERO { T::ZERO } else { (gamma[c] * products[c] * inverse - shared) / norms[c] }
            }));
        }
        Slopes { through_norm, gamma: d_gamma, beta: d_beta }
    }
}

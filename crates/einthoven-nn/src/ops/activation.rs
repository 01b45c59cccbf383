use candle_core::Tensor;

use super::{require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel};

/// Elements per task of an element-wise loop.
const CHUNK: usize = 1 << 14;

/// Gaussian error linear unit `x·Φ(x)`, the exact (erf) form (Hendrycks and Gimpel, arXiv 1606.08415).
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when `x` is empty.
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    const OP: &str = "gelu";
    with_element_type!(OP, x.dtype(), T => map::<T>(
        OP,
        x,
        #[inline(always)]
        |x| x.gelu(),
        #[inline(always)]
        |x| x.gelu_and_slope().1,
    ))
}

/// Sigmoid linear unit `x·σ(x)`, slope `σ(x)·(1 + x·(1 - σ(x)))`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when `x` is empty.
pub fn silu(x: &Tensor) -> Result<Tensor> {
    const OP: &str = "silu";
    with_element_type!(OP, x.dtype(), T => map::<T>(
        OP,
        x,
        #[inline(always)]
        |x| x * x.sigmoid(),
        #[inline(always)]
        |x| silu_and_slope(x).1,
    ))
}

/// Rectified linear unit `max(x, 0)`, slope zero at zero; NaN stays NaN.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when `x` is empty.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    const OP: &str = "relu";
    with_element_type!(OP, x.dtype(), T => map::<T>(
        OP,
        x,
        #[inline(always)]
        |x| if x < T::ZERO { T::ZERO } else { x },
        #[inline(always)]
        |x| if x > T::ZERO { T::ONE } else { T::ZERO },
    ))
}

fn map<T: Real>(
    op: &'static str,
    x: &Tensor,
    value: impl Fn(T) -> T + Sync + Send,
    slope: impl Fn(T) -> T + Sync + Send + 'static,
) -> Result<Tensor> {
    require_operands(op, &[x])?;
    let xs = dense(x)?;
    let y = {
        let xs = view::<T>(op, &xs)?;
        parallel::fill(
            xs.len(),
            CHUNK,
            #[inline(always)]
            |start, y: &mut [T]| {
                for (y, x) in y.iter_mut().zip(&xs[start..]) {
                    *y = value(*x);
                }
            },
        )
    };
    record(op, T::storage(y), x.shape(), &[x], move |gradient, _| {
        let (xs_view, dy) = (view::<T>(op, &xs)?, view::<T>(op, gradient)?);
        let dx = parallel::fill(
            dy.len(),
            CHUNK,
            #[inline(always)]
            |start, dx: &mut [T]| {
                for ((dx, x), dy) in dx.iter_mut().zip(&xs_view[start..]).zip(&dy[start..]) {
                    *dx = *dy * slope(*x);
                }
            },
        );
        Ok(vec![Some(tensor(dx, xs.shape())?)])
    })
}

/// Gated linear unit with SiLU (Shazeer, arXiv 2002.05202): `[.., 2h]` to `[.., h]`, `silu(second half) · first half`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when `x` is empty or its last axis is odd.
pub fn swiglu(x: &Tensor) -> Result<Tensor> {
    const OP: &str = "swiglu";
    require_operands(OP, &[x])?;
    let width = x.dims().last().copied().unwrap_or(1);
    require(OP, width.is_multiple_of(2), || format!("the last axis of {:?} is odd", x.dims()))?;
    with_element_type!(OP, x.dtype(), T => gated::<T>(OP, x, width))
}

fn gated<T: Real>(op: &'static str, x: &Tensor, width: usize) -> Result<Tensor> {
    let half = width / 2;
    let rows = x.elem_count() / width;
    let xs = dense(x)?;
    let y = {
        let xs = view::<T>(op, &xs)?;
        parallel::fill_rows(
            rows,
            half,
            #[inline(always)]
            |row, y: &mut [T]| Activation::SwiGlu.row(&xs[row * width..][..width], y),
        )
    };
    let mut shape = x.dims().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = half;
    }
    record(op, T::storage(y), shape, &[x], move |gradient, _| {
        let (xs_view, dy) = (view::<T>(op, &xs)?, view::<T>(op, gradient)?);
        let dx = parallel::fill_rows(
            rows,
            width,
            #[inline(always)]
            |row, dx: &mut [T]| {
                let x = &xs_view[row * width..][..width];
                Activation::SwiGlu.row_back(x, &dy[row * half..][..half], dx, None);
            },
        );
        Ok(vec![Some(tensor(dx, xs.shape())?)])
    })
}

/// What lies between the two linear layers of a feed-forward part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// [`gelu`].
    Gelu,
    /// [`swiglu`], which halves the width.
    SwiGlu,
}

impl Activation {
    /// The width of the result, of `width` inputs.
    pub(super) fn outputs(self, width: usize) -> usize {
        match self {
            Self::Gelu => width,
            Self::SwiGlu => width / 2,
        }
    }

    /// The activation of one row.
    #[inline(always)]
    pub(super) fn row<T: Real>(self, x: &[T], y: &mut [T]) {
        match self {
            Self::Gelu => {
                for (y, x) in y.iter_mut().zip(x) {
                    *y = x.gelu();
                }
            }
            Self::SwiGlu => {
                let (value, gate) = x.split_at(y.len());
                for ((y, v), g) in y.iter_mut().zip(value).zip(gate) {
                    *y = *v * *g * g.sigmoid();
                }
            }
        }
    }

    /// The gradient of one row `x` from that of its activation, which is computed again into `y` if that is given.
    #[inline(always)]
    pub(super) fn row_back<T: Real>(self, x: &[T], dy: &[T], dx: &mut [T], y: Option<&mut [T]>) {
        match (self, y) {
            (Self::Gelu, None) => {
                for ((dx, x), dy) in dx.iter_mut().zip(x).zip(dy) {
                    *dx = *dy * x.gelu_and_slope().1;
                }
            }
            (Self::Gelu, Some(y)) => {
                for (((dx, y), x), dy) in dx.iter_mut().zip(y).zip(x).zip(dy) {
                    let (value, slope) = x.gelu_and_slope();
                    (*dx, *y) = (*dy * slope, value);
                }
            }
            (Self::SwiGlu, y) => {
                let (value, gate) = x.split_at(dy.len());
                let (d_value, d_gate) = dx.split_at_mut(dy.len());
                for (((d, g), v), dy) in d_gate.iter_mut().zip(gate).zip(value).zip(dy) {
                    *d = *dy * *v * silu_and_slope(*g).1;
                }
                let d_value = d_value.iter_mut().zip(gate).zip(dy);
                match y {
                    Some(y) => {
                        for ((((d, g), dy), y), v) in d_value.zip(y).zip(value) {
                            let s = *g * g.sigmoid();
                            (*d, *y) = (*dy * s, *v * s);
                        }
                    }
                    None => d_value.for_each(
                        #[inline(always)]
                        |((d, g), dy)| *d = *dy * *g * g.sigmoid(),
                    ),
                }
            }
        }
    }
}

#[inline(always)]
fn silu_and_slope<T: Real>(x: T) -> (T, T) {
    let s = x.sigmoid();
    let y = x * s;
    (y, (T::ONE - s).fma(y, s))
}

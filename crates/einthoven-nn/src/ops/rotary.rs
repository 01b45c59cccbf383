use candle_core::Tensor;

use super::{require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel};

const OP: &str = "rotary";

/// Rotary position embedding (Su et al., arXiv 2104.09864), half-split form with base 10000.
///
/// `x` `[batch, heads, time, d]`, `d` even. Element `j` and `j + d/2` of a vector at time `t` are turned by the angle
/// `t · 10000^(-2j/d)`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when `x` is empty, not of rank 4 or `d` is odd.
pub fn rotary(x: &Tensor) -> Result<Tensor> {
    require_operands(OP, &[x])?;
    let fits = x.rank() == 4 && x.dims()[3].is_multiple_of(2);
    require(OP, fits, || format!("needs [batch, heads, time, even], found {:?}", x.dims()))?;
    let (time, width) = (x.dims()[2], x.dims()[3]);
    with_element_type!(OP, x.dtype(), T => run::<T>(x, Turn::new(time, 1, width)))
}

/// [`rotary`] of vectors whose heads lie side by side: `x` `[batch, time, heads·d]`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when `x` is empty, not of rank 3 or not divisible into `heads` even parts.
pub fn rotary_merged(x: &Tensor, heads: usize) -> Result<Tensor> {
    require_operands(OP, &[x])?;
    let fits = x.rank() == 3 && heads > 0 && x.dims()[2].is_multiple_of(2 * heads);
    require(OP, fits, || format!("needs [batch, time, {heads} heads of even width], found {:?}", x.dims()))?;
    let (time, width) = (x.dims()[1], x.dims()[2] / heads);
    with_element_type!(OP, x.dtype(), T => run::<T>(x, Turn::new(time, heads, width)))
}

fn run<T: Real>(x: &Tensor, turn: Turn<T>) -> Result<Tensor> {
    let y = turn.apply(&view(OP, &dense(x)?)?, T::ONE);
    let shape = x.shape().clone();
    record(OP, T::storage(y), x.shape(), &[x], move |gradient, _| {
        // The inverse of a turn is the turn back.
        let dx = turn.apply(&view(OP, gradient)?, -T::ONE);
        Ok(vec![Some(tensor(dx, &shape)?)])
    })
}

struct Turn<T> {
    /// Cosines and sines of the angles, `[time, 2, width/2]`.
    table: Vec<T>,
    time: usize,
    /// Vectors in a row that share a position.
    repeats: usize,
    width: usize,
}

impl<T: Real> Turn<T> {
    fn new(time: usize, repeats: usize, width: usize) -> Self {
        let half = width / 2;
        let mut table = Vec::with_capacity(time * width);
        for t in 0..time {
            let angle = |j: usize| t as f64 * 10_000f64.powf(-2.0 * j as f64 / width as f64);
            table.extend((0..half).map(|j| T::of(angle(j).cos())));
            table.extend((0..half).map(|j| T::of(angle(j).sin())));
        }
        Self { table, time, repeats, width }
    }

    fn apply(&self, x: &[T], direction: T) -> Vec<T> {
        let width = self.width;
        parallel::fill_rows(
            x.len() / width,
            width,
            #[inline(always)]
            |row, y: &mut [T]| {
                let t = row / self.repeats % self.time;
                let (cos, sin) = self.table[t * width..][..width].split_at(width / 2);
                let (a, b) = x[row * width..][..width].split_at(width / 2);
                let (ya, yb) = y.split_at_mut(width / 2);
                for (((((ya, yb), a), b), c), s) in ya.iter_mut().zip(yb).zip(a).zip(b).zip(cos).zip(sin) {
                    let s = *s * direction;
                    *ya = *a * *c - *b * s;
                    *yb = *b * *c + *a * s;
                }
            },
        )
    }
}

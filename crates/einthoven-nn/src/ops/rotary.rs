use candle_core::Tensor;
use rayon::prelude::*;

use super::{Spans, require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel};

const OP: &str = "rotary";

/// Rotary position embedding (Su et al., arXiv 2104.09864), half-split form with base 10000.
///
/// The first `heads·width` columns of `x` `[rows, columns]` are heads of an even `width`; the others stay as they are. Element `j`
/// and `j + width/2` of a head at place `t` of its example are turned by the angle `t · 10000^(-2j/width)`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when `x` is empty, has too few columns or other rows than `spans`, or `width` is odd.
pub fn rotary(x: &Tensor, spans: &Spans, heads: usize, width: usize) -> Result<Tensor> {
    require_operands(OP, &[x])?;
    let fits = x.rank() == 2
        && x.dims()[0] == spans.rows()
        && heads * width <= x.dims()[1]
        && heads * width > 0
        && width.is_multiple_of(2);
    require(OP, fits, || format!("{:?} does not hold {heads} heads of even width, found {width}", x.dims()))?;
    let turn = |dtype| with_element_type!(OP, dtype, T => run::<T>(x, Turn::new(spans, heads, width)));
    turn(x.dtype())
}

fn run<T: Real>(x: &Tensor, turn: Turn<T>) -> Result<Tensor> {
    let mut y = view::<T>(OP, &dense(x)?)?.to_vec();
    let (shape, columns) = (x.shape().clone(), x.dims()[1]);
    turn.apply(&mut y, columns, T::ONE);
    record(OP, T::storage(y), x.shape(), &[x], move |gradient, _| {
        // The inverse of a turn is the turn back.
        let mut dx = view::<T>(OP, gradient)?.to_vec();
        turn.apply(&mut dx, columns, -T::ONE);
        Ok(vec![Some(tensor(dx, &shape)?)])
    })
}

/// The turns of every row.
pub(super) struct Turn<T> {
    /// Cosines and sines of the angles, `[places, 2, width/2]`.
    table: Vec<T>,
    places: Vec<usize>,
    heads: usize,
    width: usize,
}

impl<T: Real> Turn<T> {
    pub(super) fn new(spans: &Spans, heads: usize, width: usize) -> Self {
        let frequencies: Vec<f64> = (0..width / 2).map(|j| 10_000f64.powf(-2.0 * j as f64 / width as f64)).collect();
        let mut table = Vec::with_capacity(spans.longest() * width);
        for place in 0..spans.longest() {
            table.extend(frequencies.iter().map(|frequency| T::of((place as f64 * frequency).cos())));
            table.extend(frequencies.iter().map(|frequency| T::of((place as f64 * frequency).sin())));
        }
        Self { table, places: spans.places(), heads, width }
    }

    /// Turns the heads at the start of rows of `columns` values, forward or, with a `direction` of -1, back.
    pub(super) fn apply(&self, values: &mut [T], columns: usize, direction: T) {
        let width = self.width;
        let rows = parallel::rows_per_chunk(columns);
        values.par_chunks_mut(rows * columns).enumerate().for_each(|(chunk, part)| {
            parallel::vectorised(
                #[inline(always)]
                || {
                    for (row, values) in part.chunks_exact_mut(columns).enumerate() {
                        let table = &self.table[self.places[chunk * rows + row] * width..][..width];
                        let (cos, sin) = table.split_at(width / 2);
                        for head in values[..self.heads * width].chunks_exact_mut(width) {
                            let (a, b) = head.split_at_mut(width / 2);
                            for (((a, b), c), s) in a.iter_mut().zip(b).zip(cos).zip(sin) {
                                let s = *s * direction;
                                (*a, *b) = (*a * *c - *b * s, *b * *c + *a * s);
                            }
                        }
                    }
                },
            );
        });
    }
}

//! Sums along one row, in an order fixed by its length.

use super::Real;

/// Partial sums kept side by side, so that the loop vectorises.
const LANES: usize = 32;

/// Sum of `x`.
#[inline(always)]
pub(crate) fn sum<T: Real>(x: &[T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] += chunk[i];
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane += *x;
    }
    fold(lanes)
}

/// Sum of `x·y`.
#[inline(always)]
pub(crate) fn dot<T: Real>(x: &[T], y: &[T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let (rest_x, rest_y) = (xs.remainder(), ys.remainder());
    for (x, y) in xs.zip(ys) {
        for i in 0..LANES {
            lanes[i] = x[i].fma(y[i], lanes[i]);
        }
    }
    for ((lane, x), y) in lanes.iter_mut().zip(rest_x).zip(rest_y) {
        *lane = x.fma(*y, *lane);
    }
    fold(lanes)
}

/// Sum of `x²` in double precision.
#[inline(always)]
pub(crate) fn sum_of_squares<T: Real>(x: &[T]) -> f64 {
    let mut lanes = [0.0; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for i in 0..LANES {
            let x = chunk[i].wide();
            lanes[i] = x.mul_add(x, lanes[i]);
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        let x = x.wide();
        *lane = x.mul_add(x, *lane);
    }
    fold(lanes)
}

/// Sum of `(x - mean)²`.
#[inline(always)]
pub(crate) fn squares_about<T: Real>(x: &[T], mean: T) -> T {
    let mut lanes = [T::ZERO; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for i in 0..LANES {
            let d = chunk[i] - mean;
            lanes[i] = d.fma(d, lanes[i]);
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        let d = *x - mean;
        *lane = d.fma(d, *lane);
    }
    fold(lanes)
}

/// The sums of both values of `f(x, y, z)`.
#[inline(always)]
pub(crate) fn sum_pairs<T: Real>(x: &[T], y: &[T], z: &[T], f: impl Fn(T, T, T) -> (T, T)) -> (T, T) {
    let (mut first, mut second) = ([T::ZERO; LANES], [T::ZERO; LANES]);
    let (xs, ys, zs) = (x.chunks_exact(LANES), y.chunks_exact(LANES), z.chunks_exact(LANES));
    let (rest_x, rest_y, rest_z) = (xs.remainder(), ys.remainder(), zs.remainder());
    for ((x, y), z) in xs.zip(ys).zip(zs) {
        for i in 0..LANES {
            let (a, b) = f(x[i], y[i], z[i]);
            first[i] += a;
            second[i] += b;
        }
    }
    for (i, ((x, y), z)) in rest_x.iter().zip(rest_y).zip(rest_z).enumerate() {
        let (a, b) = f(*x, *y, *z);
        first[i] += a;
        second[i] += b;
    }
    (fold(first), fold(second))
}

/// Largest of `x`, NaN if one is; negative infinity of nothing.
#[inline(always)]
pub(crate) fn max<T: Real>(x: &[T]) -> T {
    let mut lanes = [T::NEG_INFINITY; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] = lanes[i].larger(chunk[i]);
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane = lane.larger(*x);
    }
    let mut largest = lanes[0];
    for lane in &lanes[1..] {
        largest = largest.larger(*lane);
    }
    largest
}

/// `log Σ exp(x)`.
#[inline(always)]
pub(crate) fn log_sum_exp<T: Real>(x: &[T]) -> T {
    let shift = max(x);
    let mut lanes = [T::ZERO; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] += (chunk[i] - shift).exp();
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane += (*x - shift).exp();
    }
    shift + fold(lanes).ln()
}

/// Replaces `x` by its softmax.
#[inline(always)]
pub(crate) fn softmax<T: Real>(x: &mut [T]) {
    let shift = max(x);
    for x in x.iter_mut() {
        *x = (*x - shift).exp();
    }
    let scale = T::ONE / sum(x);
    for x in x.iter_mut() {
        *x *= scale;
    }
}

#[inline(always)]
fn fold<T: Real>(lanes: [T; LANES]) -> T {
    let mut lanes = lanes;
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            let upper = lanes[i + width];
            lanes[i] += upper;
        }
        width /= 2;
    }
    lanes[0]
}

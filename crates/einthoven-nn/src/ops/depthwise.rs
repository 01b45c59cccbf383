use std::ops::Range;

use candle_core::Tensor;

use super::{require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel};

const OP: &str = "depthwise_conv1d";

/// Depthwise convolution with odd kernel `k` and zero padding that keeps the length:
/// `y[t, c] = bias[c] + Σⱼ w[c, 0, j]·x[t + j - k/2, c]`.
///
/// `x` `[batch, time, c]`, `w` `[c, 1, k]`, `bias` `[c]`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit, the kernel is even or an operand is empty.
pub fn depthwise_conv1d(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let mut inputs = vec![x, w];
    inputs.extend(bias);
    require_operands(OP, &inputs)?;
    let fits = x.rank() == 3
        && w.rank() == 3
        && w.dims()[..2] == [x.dims()[2], 1]
        && w.dims()[2] % 2 == 1
        && bias.is_none_or(|bias| bias.elem_count() == x.dims()[2]);
    require(OP, fits, || {
        let bias = bias.map(|bias| bias.dims());
        format!("x {:?}, weight {:?}, bias {bias:?} do not fit", x.dims(), w.dims())
    })?;
    with_element_type!(OP, x.dtype(), T => run::<T>(x, w, bias))
}

fn run<T: Real>(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let size = Size::new(x, w)?;
    let (xs, ws) = (dense(x)?, dense(w)?);
    let start = match bias {
        Some(bias) => view::<T>(OP, &dense(bias)?)?.to_vec(),
        None => vec![T::ZERO; size.channels],
    };
    let taps = by_tap(&view::<T>(OP, &ws)?, size, false);
    let y = convolve(&view(OP, &xs)?, &taps, Start::PerChannel(&start), size);
    let bias_shape = bias.map(|bias| bias.shape().clone());
    let mut inputs = vec![x, w];
    inputs.extend(bias);
    record(OP, T::storage(y), x.shape(), &inputs, move |gradient, needs| {
        let dy = view::<T>(OP, gradient)?;
        let mut gradients = vec![None; needs.len()];
        if needs[0] {
            let zeros = vec![T::ZERO; size.channels];
            let taps = by_tap(&view::<T>(OP, &ws)?, size, true);
            let dx = convolve(&dy, &taps, Start::PerChannel(&zeros), size);
            gradients[0] = Some(tensor(dx, xs.shape())?);
        }
        if needs[1..].contains(&true) {
            let (dw, db) = parameter_gradients(&view(OP, &xs)?, &dy, size);
            gradients[1] = Some(tensor(dw, ws.shape())?);
            if let Some(shape) = &bias_shape {
                gradients[2] = Some(tensor(db, shape)?);
            }
        }
        Ok(gradients)
    })
}

/// The sizes of one depthwise convolution.
#[derive(Clone, Copy)]
pub(super) struct Size {
    pub batch: usize,
    pub time: usize,
    pub channels: usize,
    pub kernel: usize,
}

impl Size {
    pub(super) fn new(x: &Tensor, w: &Tensor) -> Result<Self> {
        let (batch, time, channels) = x.dims3()?;
        Ok(Self { batch, time, channels, kernel: w.dim(2)? })
    }
}

/// What the sums of a convolution start from.
#[derive(Clone, Copy)]
pub(super) enum Start<'a, T> {
    /// `[c]`
    PerChannel(&'a [T]),
    /// `[batch, time, c]`
    PerElement(&'a [T]),
}

/// `[c, k]` as `[k, c]`, with the taps in reverse order if `flip` is set, as the gradient of the input needs them.
pub(super) fn by_tap<T: Real>(w: &[T], size: Size, flip: bool) -> Vec<T> {
    let Size { channels, kernel, .. } = size;
    let mut taps = vec![T::ZERO; w.len()];
    for (channel, w) in w.chunks_exact(kernel).enumerate() {
        for (j, w) in w.iter().enumerate() {
            let tap = if flip { kernel - 1 - j } else { j };
            taps[tap * channels + channel] = *w;
        }
    }
    taps
}

/// The convolution of `x` with `taps` `[k, c]`.
pub(super) fn convolve<T: Real>(x: &[T], taps: &[T], start: Start<'_, T>, size: Size) -> Vec<T> {
    let Size { time, channels, kernel, .. } = size;
    let step = parallel::rows_per_chunk(channels);
    parallel::fill(
        x.len(),
        step * channels,
        #[inline(always)]
        |offset, y: &mut [T]| {
            for (i, y) in y.chunks_exact_mut(channels).enumerate() {
                let row = offset / channels + i;
                let start = match start {
                    Start::PerChannel(start) => start,
                    Start::PerElement(start) => &start[row * channels..][..channels],
                };
                let (example, t) = (row / time, row % time);
                let taken = taps_inside(t, time, kernel);
                let first = example * time + t + taken.start - kernel / 2;
                let x = &x[first * channels..][..taken.len() * channels];
                let taps = &taps[taken.start * channels..taken.end * channels];
                match taken.len() {
                    7 => row_of::<T, 7>(y, x, taps, start),
                    _ => row_of_any(y, x, taps, start),
                }
            }
        },
    )
}

/// The taps that fall inside the signal at time `t`.
#[inline(always)]
fn taps_inside(t: usize, time: usize, kernel: usize) -> Range<usize> {
    let half = kernel / 2;
    half.saturating_sub(t)..kernel.min(time + half - t)
}

/// One output row with a number of taps known to the compiler.
#[inline(always)]
fn row_of<T: Real, const K: usize>(y: &mut [T], x: &[T], taps: &[T], start: &[T]) {
    let channels = y.len();
    let xs: [&[T]; K] = std::array::from_fn(|j| &x[j * channels..][..channels]);
    let ws: [&[T]; K] = std::array::from_fn(|j| &taps[j * channels..][..channels]);
    let start = &start[..channels];
    for c in 0..channels {
        let mut sum = start[c];
        for j in 0..K {
            sum = xs[j][c].fma(ws[j][c], sum);
        }
        y[c] = sum;
    }
}

#[inline(always)]
fn row_of_any<T: Real>(y: &mut [T], x: &[T], taps: &[T], start: &[T]) {
    let channels = y.len();
    y.copy_from_slice(start);
    for (x, w) in x.chunks_exact(channels).zip(taps.chunks_exact(channels)) {
        for ((y, x), w) in y.iter_mut().zip(x).zip(w) {
            *y = x.fma(*w, *y);
        }
    }
}

/// The gradients of the weight, `[c, k]`, and of the bias, `[c]`.
pub(super) fn parameter_gradients<T: Real>(x: &[T], dy: &[T], size: Size) -> (Vec<T>, Vec<T>) {
    let Size { batch, time, channels, kernel } = size;
    // Tiles of one example's rows, summed in registers before they are added to memory.
    const TILE: usize = 32;
    let tiles = time.div_ceil(TILE);
    let step = (batch * tiles).div_ceil(64).max(parallel::rows_per_chunk(channels) / TILE).max(1);
    let sums = parallel::sum_parts(
        batch * tiles,
        step,
        (kernel + 1) * channels,
        #[inline(always)]
        |range, sums: &mut [T]| {
            for tile in range {
                let (example, first) = (tile / tiles, tile % tiles * TILE);
                let rows = first..(first + TILE).min(time);
                let base = example * time * channels;
                let (x, dy) = (&x[base..][..time * channels], &dy[base..][..time * channels]);
                let half = kernel / 2;
                if kernel == 7 && rows.start >= half && rows.end + half <= time {
                    tile_of::<T, 7>(x, dy, channels, rows, sums);
                } else {
                    tile_of_any(x, dy, size, rows, sums);
                }
            }
        },
    );
    let (by_tap, bias) = sums.split_at(kernel * channels);
    let mut weight = vec![T::ZERO; kernel * channels];
    for (j, tap) in by_tap.chunks_exact(channels).enumerate() {
        for (channel, value) in tap.iter().enumerate() {
            weight[channel * kernel + j] = *value;
        }
    }
    (weight, bias.to_vec())
}

/// Adds the gradients of rows whose taps all lie inside the signal.
#[inline(always)]
fn tile_of<T: Real, const K: usize>(x: &[T], dy: &[T], channels: usize, rows: Range<usize>, sums: &mut [T]) {
    let mut channel = 0;
    while channel + 16 <= channels {
        lanes_of::<T, K, 16>(x, dy, channels, rows.clone(), channel, sums);
        channel += 16;
    }
    while channel + 8 <= channels {
        lanes_of::<T, K, 8>(x, dy, channels, rows.clone(), channel, sums);
        channel += 8;
    }
    while channel < channels {
        lanes_of::<T, K, 1>(x, dy, channels, rows.clone(), channel, sums);
        channel += 1;
    }
}

/// `N` adjacent channels of [`tile_of`], their sums in registers.
#[inline(always)]
fn lanes_of<T: Real, const K: usize, const N: usize>(
    x: &[T],
    dy: &[T],
    channels: usize,
    rows: Range<usize>,
    channel: usize,
    sums: &mut [T],
) {
    let mut taps = [[T::ZERO; N]; K];
    let mut bias = [T::ZERO; N];
    for row in rows {
        let dy = &dy[row * channels + channel..][..N];
        for (j, tap) in taps.iter_mut().enumerate() {
            let x = &x[(row + j - K / 2) * channels + channel..][..N];
            for i in 0..N {
                tap[i] = dy[i].fma(x[i], tap[i]);
            }
        }
        for i in 0..N {
            bias[i] += dy[i];
        }
    }
    for (j, tap) in taps.iter().chain([&bias]).enumerate() {
        let sums = &mut sums[j * channels + channel..][..N];
        for i in 0..N {
            sums[i] += tap[i];
        }
    }
}

#[inline(always)]
fn tile_of_any<T: Real>(x: &[T], dy: &[T], size: Size, rows: Range<usize>, sums: &mut [T]) {
    let Size { time, channels, kernel, .. } = size;
    for row in rows {
        let dy = &dy[row * channels..][..channels];
        for j in taps_inside(row, time, kernel) {
            let x = &x[(row + j - kernel / 2) * channels..][..channels];
            for ((sum, x), dy) in sums[j * channels..].iter_mut().zip(x).zip(dy) {
                *sum = dy.fma(*x, *sum);
            }
        }
        for (sum, dy) in sums[kernel * channels..].iter_mut().zip(dy) {
            *sum += *dy;
        }
    }
}

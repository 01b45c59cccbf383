use candle_core::Tensor;

use super::{Spans, require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel};

/// Maximum over windows of time: `x` `[batch, time, c]`, result `[batch, (time + 2·padding - kernel)/stride + 1, c]`.
///
/// Padding counts as negative infinity; among equal values the first gets the gradient.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when `x` is empty or not of rank 3, or a window would hold no sample.
pub fn max_pool1d(x: &Tensor, kernel: usize, stride: usize, padding: usize) -> Result<Tensor> {
    const OP: &str = "max_pool1d";
    let time = time_of(OP, x)?;
    let fits = stride > 0 && 2 * padding <= kernel && time + 2 * padding >= kernel && kernel > 0;
    require(OP, fits, || format!("time {time}, kernel {kernel}, stride {stride}, padding {padding} do not fit"))?;
    let windows: Vec<Window> = (0..(time + 2 * padding - kernel) / stride + 1)
        .map(|i| {
            let start = (i * stride).saturating_sub(padding);
            (start, (i * stride + kernel - padding).min(time))
        })
        .collect();
    with_element_type!(OP, x.dtype(), T => maximum::<T>(OP, x, vec![windows; x.dims()[0]]))
}

/// Maximum over time, `[batch, time, c]` to `[batch, c]`; with `lengths` over the first `lengths[i]` steps of example `i`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when `x` is empty or not of rank 3, or a length is zero or beyond time.
pub fn max_over_time(x: &Tensor, lengths: Option<&[usize]>) -> Result<Tensor> {
    const OP: &str = "max_over_time";
    let windows: Vec<Vec<Window>> = lengths_of(OP, x, lengths)?.into_iter().map(|length| vec![(0, length)]).collect();
    let y = with_element_type!(OP, x.dtype(), T => maximum::<T>(OP, x, windows))?;
    Ok(y.squeeze(1)?)
}

/// Mean over adjacent windows of `kernel` samples: `x` `[batch, time, c]`, result `[batch, ⌊time/kernel⌋, c]`.
///
/// With `ceil_mode`, samples left over at the end form a shorter window, whose mean is over those it has.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when `x` is empty or not of rank 3, or there is no window.
pub fn avg_pool1d(x: &Tensor, kernel: usize, ceil_mode: bool) -> Result<Tensor> {
    const OP: &str = "avg_pool1d";
    let time = time_of(OP, x)?;
    let fits = kernel > 0 && (time >= kernel || ceil_mode);
    require(OP, fits, || format!("time {time} does not hold a window of {kernel}"))?;
    let count = if ceil_mode { time.div_ceil(kernel) } else { time / kernel };
    let windows: Vec<Window> = (0..count).map(|i| (i * kernel, ((i + 1) * kernel).min(time))).collect();
    with_element_type!(OP, x.dtype(), T => mean::<T>(OP, x, vec![windows; x.dims()[0]]))
}

/// Mean over time, `[batch, time, c]` to `[batch, c]`; with `lengths` over the first `lengths[i]` steps of example `i`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when `x` is empty or not of rank 3, or a length is zero or beyond time.
pub fn mean_over_time(x: &Tensor, lengths: Option<&[usize]>) -> Result<Tensor> {
    const OP: &str = "mean_over_time";
    let windows: Vec<Vec<Window>> = lengths_of(OP, x, lengths)?.into_iter().map(|length| vec![(0, length)]).collect();
    let y = with_element_type!(OP, x.dtype(), T => mean::<T>(OP, x, windows))?;
    Ok(y.squeeze(1)?)
}

/// Mean over the rows of each example, `[rows, c]` to `[examples, c]`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when `x` is empty or has other rows than `spans`.
pub fn mean_over_spans(x: &Tensor, spans: &Spans) -> Result<Tensor> {
    const OP: &str = "mean_over_spans";
    require_operands(OP, &[x])?;
    let fits = x.rank() == 2 && x.dims()[0] == spans.rows();
    require(OP, fits, || format!("{:?} has other rows than the {} of the spans", x.dims(), spans.rows()))?;
    let windows = vec![spans.ranges().iter().map(|range| (range.start, range.end)).collect()];
    let y = with_element_type!(OP, x.dtype(), T => mean::<T>(OP, &x.unsqueeze(0)?, windows))?;
    Ok(y.squeeze(0)?)
}

/// First step and the step after the last.
type Window = (usize, usize);

fn time_of(op: &'static str, x: &Tensor) -> Result<usize> {
    require_operands(op, &[x])?;
    require(op, x.rank() == 3, || format!("needs [batch, time, channels], found {:?}", x.dims()))?;
    Ok(x.dims()[1])
}

fn lengths_of(op: &'static str, x: &Tensor, lengths: Option<&[usize]>) -> Result<Vec<usize>> {
    let time = time_of(op, x)?;
    let batch = x.dims()[0];
    let Some(lengths) = lengths else {
        return Ok(vec![time; batch]);
    };
    let fits = lengths.len() == batch && lengths.iter().all(|length| (1..=time).contains(length));
    require(op, fits, || format!("lengths {lengths:?} do not fit {batch} examples of {time} steps"))?;
    Ok(lengths.to_vec())
}

fn maximum<T: Real>(op: &'static str, x: &Tensor, windows: Vec<Vec<Window>>) -> Result<Tensor> {
    let (batch, time, channels) = x.dims3()?;
    let count = windows[0].len();
    let xs = dense(x)?;
    let y = {
        let x = view::<T>(op, &xs)?;
        parallel::fill_rows(
            batch * count,
            channels,
            #[inline(always)]
            |row, y: &mut [T]| {
                let (example, window) = (row / count, row % count);
                let (first, end) = windows[example][window];
                y.fill(T::NEG_INFINITY);
                for step in first..end {
                    for (y, x) in y.iter_mut().zip(&x[(example * time + step) * channels..][..channels]) {
                        *y = if exceeds(*x, *y) { *x } else { *y };
                    }
                }
            },
        )
    };
    record(op, T::storage(y), (batch, count, channels), &[x], move |gradient, _| {
        let (x, dy) = (view::<T>(op, &xs)?, view::<T>(op, gradient)?);
        let len = time * channels;
        let dx = parallel::fill(
            batch * len,
            len,
            #[inline(always)]
            |start, dx: &mut [T]| {
                let example = start / len;
                let x = &x[start..][..len];
                // The largest so far, and the step that it was found at, which is looked for again rather than kept.
                let (mut largest, mut found) = (vec![T::ZERO; channels], vec![0u32; channels]);
                for (window, (first, end)) in windows[example].iter().enumerate() {
                    largest.copy_from_slice(&x[first * channels..][..channels]);
                    found.fill(*first as u32);
                    for step in first + 1..*end {
                        let x = &x[step * channels..][..channels];
                        for ((largest, found), x) in largest.iter_mut().zip(&mut found).zip(x) {
                            let exceeds = exceeds(*x, *largest);
                            *largest = if exceeds { *x } else { *largest };
                            *found = if exceeds { step as u32 } else { *found };
                        }
                    }
                    let dy = &dy[(example * count + window) * channels..][..channels];
                    for (channel, (dy, step)) in dy.iter().zip(&found).enumerate() {
                        dx[*step as usize * channels + channel] += *dy;
                    }
                }
            },
        );
        Ok(vec![Some(tensor(dx, (batch, time, channels))?)])
    })
}

/// Whether `x` takes the place of the largest value so far: NaN does, and stays.
#[inline(always)]
fn exceeds<T: Real>(x: T, largest: T) -> bool {
    (x > largest) | (x.is_nan() & !largest.is_nan())
}

/// Means over windows in order of time that do not overlap.
fn mean<T: Real>(op: &'static str, x: &Tensor, windows: Vec<Vec<Window>>) -> Result<Tensor> {
    let (batch, time, channels) = x.dims3()?;
    let count = windows[0].len();
    let xs = dense(x)?;
    let y = {
        let x = view::<T>(op, &xs)?;
        parallel::fill_rows(
            batch * count,
            channels,
            #[inline(always)]
            |row, y: &mut [T]| {
                let (example, window) = (row / count, row % count);
                let (first, end) = windows[example][window];
                for step in first..end {
                    let x = &x[(example * time + step) * channels..][..channels];
                    for (y, x) in y.iter_mut().zip(x) {
                        *y += *x;
                    }
                }
                let scale = T::of(1.0 / (end - first) as f64);
                for y in y {
                    *y *= scale;
                }
            },
        )
    };
    record(op, T::storage(y), (batch, count, channels), &[x], move |gradient, _| {
        let dy = view::<T>(op, gradient)?;
        let dx = parallel::fill_rows(
            batch * time,
            channels,
            #[inline(always)]
            |row, dx: &mut [T]| {
                let (example, step) = (row / time, row % time);
                let windows = &windows[example];
                // The last window that starts at this step or before it, if it reaches so far.
                let next = windows.partition_point(|(first, _)| *first <= step);
                let Some((first, end)) = next.checked_sub(1).map(|last| windows[last]) else { return };
                if step < end {
                    let scale = T::of(1.0 / (end - first) as f64);
                    let dy = &dy[(example * count + next - 1) * channels..][..channels];
                    for (dx, dy) in dx.iter_mut().zip(dy) {
                        *dx = *dy * scale;
                    }
                }
            },
        );
        Ok(vec![Some(tensor(dx, (batch, time, channels))?)])
    })
}

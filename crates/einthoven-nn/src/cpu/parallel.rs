//! Parallel loops over chunks whose bounds depend on the shape alone.
//!
//! Every function runs its body inside the dispatch to the best instruction set of the machine.
//! Partial sums are combined in the order of the chunks.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::{Real, rows};

/// Elements that one task handles: enough to hide its overhead, few enough to stay in the cache.
const GRAIN: usize = 1 << 14;

/// The most partial sums of one reduction.
const MAX_PARTS: usize = 64;

/// Rows of `width` elements in one chunk of an element-wise loop.
pub(crate) fn rows_per_chunk(width: usize) -> usize {
    (GRAIN / width.max(1)).max(1)
}

/// Rows of one chunk of a reduction over `rows` rows.
fn rows_per_part(rows: usize, width: usize) -> usize {
    rows_per_chunk(width).max(rows.div_ceil(MAX_PARTS))
}

/// Runs `body` with the best instruction set of this machine.
#[inline(always)]
pub(crate) fn vectorised<R>(body: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(body)
}

/// A vector of `len` elements, computed in chunks of `chunk` elements: `body(start, chunk)` finds zeros.
///
/// The zeros are written chunk by chunk just before, while the chunk is in the cache, which costs next to nothing.
pub(crate) fn fill<T: Real>(len: usize, chunk: usize, body: impl Fn(usize, &mut [T]) + Sync + Send) -> Vec<T> {
    let mut values: Vec<T> = Vec::with_capacity(len);
    let chunk = chunk.max(1);
    values.spare_capacity_mut()[..len].par_chunks_mut(chunk).enumerate().for_each(|(index, part)| {
        vectorised(
            #[inline(always)]
            || body(index * chunk, zeroed(part)),
        )
    });
    // SAFETY: every chunk of the first `len` elements has been initialised by `zeroed`.
    unsafe { values.set_len(len) };
    values
}

/// Like [`fill`] for rows of `width` elements: `body(row, values of the row)`.
pub(crate) fn fill_rows<T: Real>(rows: usize, width: usize, body: impl Fn(usize, &mut [T]) + Sync + Send) -> Vec<T> {
    fill(
        rows * width,
        rows_per_chunk(width) * width,
        #[inline(always)]
        |start, chunk: &mut [T]| {
            let first = start / width.max(1);
            for (i, row) in chunk.chunks_exact_mut(width).enumerate() {
                body(first + i, row);
            }
        },
    )
}

/// Like [`fill_rows`], and sums a vector of `sums` elements on the way: `body(row, values, sums so far)`.
pub(crate) fn fill_rows_and_sum<T: Real>(
    rows: usize,
    width: usize,
    sums: usize,
    body: impl Fn(usize, &mut [T], &mut [T]) + Sync + Send,
) -> (Vec<T>, Vec<T>) {
    let mut values: Vec<T> = Vec::with_capacity(rows * width);
    let step = rows_per_part(rows, width);
    let partial: Vec<Vec<T>> = values.spare_capacity_mut()[..rows * width]
        .par_chunks_mut((step * width).max(1))
        .enumerate()
        .map(|(index, part)| {
            let mut sum = vec![T::ZERO; sums];
            vectorised(
                #[inline(always)]
                || {
                    for (i, row) in zeroed(part).chunks_exact_mut(width).enumerate() {
                        body(index * step + i, row, &mut sum);
                    }
                },
            );
            sum
        })
        .collect();
    // SAFETY: every chunk of the first `rows · width` elements has been initialised by `zeroed`.
    unsafe { values.set_len(rows * width) };
    (values, combine(partial, sums))
}

/// Sums vectors of `sums` elements over rows of a matrix `width` wide: `body(row, sums so far)`.
pub(crate) fn sum_rows<T: Real>(
    rows: usize,
    width: usize,
    sums: usize,
    body: impl Fn(usize, &mut [T]) + Sync + Send,
) -> Vec<T> {
    sum_parts(
        rows,
        rows_per_part(rows, width),
        sums,
        #[inline(always)]
        |range, sum: &mut [T]| {
            for row in range {
                body(row, sum);
            }
        },
    )
}

/// Sums vectors of `sums` elements over `0..count` in parts of `step`: `body(range, sums so far)`.
pub(crate) fn sum_parts<T: Real>(
    count: usize,
    step: usize,
    sums: usize,
    body: impl Fn(std::ops::Range<usize>, &mut [T]) + Sync + Send,
) -> Vec<T> {
    let partial: Vec<Vec<T>> = (0..count.div_ceil(step.max(1)))
        .into_par_iter()
        .map(|part| {
            let mut sum = vec![T::ZERO; sums];
            let range = part * step..((part + 1) * step).min(count);
            vectorised(
                #[inline(always)]
                || body(range, &mut sum),
            );
            sum
        })
        .collect();
    combine(partial, sums)
}

/// `Σ x·y`.
pub(crate) fn dot<T: Real>(x: &[T], y: &[T]) -> T {
    sum_parts(
        x.len(),
        GRAIN.max(x.len().div_ceil(MAX_PARTS)),
        1,
        #[inline(always)]
        |range, sum: &mut [T]| {
            for (x, y) in x[range.clone()].chunks(GRAIN).zip(y[range].chunks(GRAIN)) {
                sum[0] += rows::dot(x, y);
            }
        },
    )[0]
}

/// Sums over the rows of each example apart: `body(row, sums of the example so far)`, result `[batch, sums]`.
pub(crate) fn sum_per_example<T: Real>(
    batch: usize,
    rows: usize,
    width: usize,
    sums: usize,
    body: impl Fn(usize, &mut [T]) + Sync + Send,
) -> Vec<T> {
    let (step, parts) = parts_of_example(rows, width);
    let partial = fill(
        batch * parts * sums,
        sums,
        #[inline(always)]
        |start, sum: &mut [T]| {
            let index = start / sums;
            let (example, part) = (index / parts, index % parts);
            for row in part * step..((part + 1) * step).min(rows) {
                body(example * rows + row, sum);
            }
        },
    );
    combine_per_example(partial, parts, sums)
}

/// Like [`sum_per_example`], and computes rows of `width` elements on the way: `body(row, values, sums so far)`.
pub(crate) fn fill_rows_and_sum_per_example<T: Real>(
    batch: usize,
    rows: usize,
    width: usize,
    sums: usize,
    body: impl Fn(usize, &mut [T], &mut [T]) + Sync + Send,
) -> (Vec<T>, Vec<T>) {
    let (step, parts) = parts_of_example(rows, width);
    let len = batch * rows * width;
    let mut values: Vec<T> = Vec::with_capacity(len);
    let mut partial = vec![T::ZERO; batch * parts * sums];
    let examples = values.spare_capacity_mut()[..len].par_chunks_mut(rows * width);
    let pieces = examples.flat_map(|example| example.par_chunks_mut(step * width));
    let pieces: Vec<_> = pieces.collect();
    pieces.into_par_iter().zip(partial.par_chunks_mut(sums)).enumerate().for_each(|(index, (piece, sum))| {
        let first = index / parts * rows + index % parts * step;
        vectorised(
            #[inline(always)]
            || {
                for (i, row) in zeroed(piece).chunks_exact_mut(width).enumerate() {
                    body(first + i, row, sum);
                }
            },
        );
    });
    // SAFETY: the pieces cover the first `len` elements, and each has been initialised by `zeroed`.
    unsafe { values.set_len(len) };
    (values, combine_per_example(partial, parts, sums))
}

/// Rows of a part, and parts of an example: few, since the batch already gives parallel work.
fn parts_of_example(rows: usize, width: usize) -> (usize, usize) {
    let step = rows_per_chunk(width).max(rows.div_ceil(4));
    (step, rows.div_ceil(step).max(1))
}

fn combine_per_example<T: Real>(partial: Vec<T>, parts: usize, sums: usize) -> Vec<T> {
    if parts == 1 {
        return partial;
    }
    let mut total = vec![T::ZERO; partial.len() / parts];
    for (total, partial) in total.chunks_exact_mut(sums).zip(partial.chunks_exact(parts * sums)) {
        for part in partial.chunks_exact(sums) {
            add_to(total, part);
        }
    }
    total
}

/// Changes rows of `width` elements in place and sums a vector of `sums` elements on the way:
/// `body(row, values, sums so far)`.
pub(crate) fn update_rows_and_sum<T: Real>(
    values: &mut [T],
    width: usize,
    sums: usize,
    body: impl Fn(usize, &mut [T], &mut [T]) + Sync + Send,
) -> Vec<T> {
    let step = rows_per_part(values.len() / width.max(1), width);
    let partial: Vec<Vec<T>> = values
        .par_chunks_mut((step * width).max(1))
        .enumerate()
        .map(|(index, part)| {
            let mut sum = vec![T::ZERO; sums];
            vectorised(
                #[inline(always)]
                || {
                    for (i, row) in part.chunks_exact_mut(width).enumerate() {
                        body(index * step + i, row, &mut sum);
                    }
                },
            );
            sum
        })
        .collect();
    combine(partial, sums)
}

/// Adds the parts in order.
fn combine<T: Real>(parts: Vec<Vec<T>>, sums: usize) -> Vec<T> {
    let mut parts = parts.into_iter();
    let mut total = parts.next().unwrap_or_else(|| vec![T::ZERO; sums]);
    for part in parts {
        add_to(&mut total, &part);
    }
    total
}

#[inline(always)]
fn add_to<T: Real>(total: &mut [T], part: &[T]) {
    for (total, part) in total.iter_mut().zip(part) {
        *total += *part;
    }
}

#[inline(always)]
fn zeroed<T: Real>(part: &mut [MaybeUninit<T>]) -> &mut [T] {
    part.fill(MaybeUninit::new(T::ZERO));
    // SAFETY: every element has just been written, and `MaybeUninit<T>` has the layout of `T`.
    unsafe { &mut *(std::ptr::from_mut(part) as *mut [T]) }
}

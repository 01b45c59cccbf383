//! Matrix products of operands rounded to bf16, summed in `f32`.
//!
//! The right operand is packed in blocks of [`TERMS`] terms of the sum and [`COLUMNS`] columns, which all tasks read from the
//! outer cache; each task packs [`BLOCK`] rows of the left one, which stay in its inner cache. The sum of an element goes over
//! the pairs of a block in their order, and over the blocks in theirs, whoever computes it.

mod kernel;
mod pack;
#[cfg(test)]
mod tests;

use std::cell::Cell;

use kernel::{MOST_VECTORS, ROWS, Target, tile};
use pack::{LANES, Line, Source, pack};
use rayon::prelude::*;

/// The most terms of a sum between two visits of the result.
const TERMS: usize = 512;

/// The most columns that are packed at a time.
const COLUMNS: usize = 3072;

/// Rows of a task.
const BLOCK: usize = 64;

/// Tasks that are worth having, and the columns that a task has at least where rows alone do not make as many.
const TASKS: usize = 16;
const FEW_COLUMNS: usize = 192;

thread_local! {
    /// Room for packed rows and columns, kept from product to product.
    static LEFT: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
    static RIGHT: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// Lends `len` lines to `body`. They are taken out of the thread meanwhile, as it may begin with another product while it waits
/// for others to end their part of this one.
fn with_lines<R>(
    room: &'static std::thread::LocalKey<Cell<Vec<Line>>>,
    len: usize,
    body: impl FnOnce(&mut [Line]) -> R,
) -> R {
    let mut lines = room.take();
    if lines.len() < len {
        lines.resize(len, Line::ZERO);
    }
    let result = body(&mut lines[..len]);
    room.set(lines);
    result
}

/// Whether the processor has the instructions.
pub(crate) fn is_supported() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512bf16")
}

/// Whether a product gains: a thinner one, such as that of a vector, takes longer to be packed than to be computed in `f32`.
pub(crate) fn pays((m, k, n): (usize, usize, usize)) -> bool {
    m >= ROWS && k >= 4 && n > LANES
}

/// `out = factor · a · b`, or `out += factor · a · b` if `accumulate` is set; rows of `out` start `stride` elements apart. An
/// operand is where it starts and its strides from row to row and from column to column, one of which is 1.
///
/// # Safety
/// The operands must hold `[m, k]` and `[k, n]`, `out` be valid for `m` rows of `n` elements `stride` apart, and
/// [`is_supported`] hold.
#[allow(clippy::too_many_arguments)] // the BLAS signature
pub(crate) unsafe fn product(
    (m, k, n): (usize, usize, usize),
    out: *mut f32,
    stride: usize,
    accumulate: bool,
    (a, a_row, a_column): (*const f32, usize, usize),
    (b, b_row, b_column): (*const f32, usize, usize),
    factor: f32,
    parallel: bool,
) {
    debug_assert!(a_row.min(a_column) == 1 && b_row.min(b_column) == 1);
    let a = Source { data: a, lane_stride: a_row, term_stride: a_column };
    let b = Source { data: b, lane_stride: b_column, term_stride: b_row };
    for (first_column, columns) in parts(n, COLUMNS, LANES) {
        for (first_term, terms) in parts(k, TERMS, 2 * LANES) {
            // SAFETY: parts of what the caller promises.
            unsafe {
                let target = Target { out, stride, factor, accumulate: accumulate || first_term > 0 };
                let (a, b) = (a.skip(0, first_term), b.skip(first_column, first_term));
                block((m, terms, columns), target.skip(0, first_column), a, b, parallel);
            }
        }
    }
}

/// `0..count` as equal parts of at most `most`, a multiple of `unit`: where each begins and how long it is.
fn parts(count: usize, most: usize, unit: usize) -> impl Iterator<Item = (usize, usize)> {
    let step = count.div_ceil(count.div_ceil(most).max(1)).next_multiple_of(unit).max(unit);
    (0..count).step_by(step).map(move |first| (first, step.min(count - first)))
}

/// The product of as many columns and terms as are packed at once.
///
/// # Safety
/// As for [`product`].
unsafe fn block((m, terms, columns): (usize, usize, usize), target: Target, a: Source, b: Source, parallel: bool) {
    let pairs = terms.div_ceil(2);
    with_lines(&RIGHT, columns.div_ceil(LANES) * pairs, |right| {
        let pack_right = |(index, strip): (usize, &mut [Line])| {
            let first = index * LANES;
            // SAFETY: columns and terms that the caller promises.
            unsafe { pack(b.skip(first, 0), LANES.min(columns - first), terms, strip) }
        };
        if parallel {
            right.par_chunks_mut(pairs).enumerate().for_each(pack_right);
        } else {
            right.chunks_mut(pairs).enumerate().for_each(pack_right);
        }
        let right = &*right;
        let row_tasks = m.div_ceil(BLOCK);
        let groups = TASKS.div_ceil(row_tasks).min(columns.div_ceil(FEW_COLUMNS));
        let group = columns.div_ceil(groups).next_multiple_of(LANES * MOST_VECTORS);
        let task = |task: usize| {
            let (first_row, first_column) = (task / groups * BLOCK, task % groups * group);
            if first_column >= columns {
                return;
            }
            let size = (BLOCK.min(m - first_row), terms, group.min(columns - first_column));
            // SAFETY: rows and columns that the caller promises, each task's own.
            unsafe {
                let strips = &right[first_column / LANES * pairs..];
                task_of(size, target.skip(first_row, first_column), a.skip(first_row, 0), strips);
            }
        };
        if parallel {
            (0..row_tasks * groups).into_par_iter().for_each(task);
        } else {
            (0..row_tasks).for_each(|rows| (0..groups).for_each(|group| task(rows * groups + group)));
        }
    });
}

/// The product of at most [`BLOCK`] rows of `a` and packed columns.
///
/// # Safety
/// As for [`product`].
unsafe fn task_of((m, terms, columns): (usize, usize, usize), target: Target, a: Source, right: &[Line]) {
    let pairs = terms.div_ceil(2);
    with_lines(&LEFT, m.div_ceil(LANES) * pairs, |left| {
        for (index, strip) in left.chunks_mut(pairs).enumerate() {
            let first = index * LANES;
            // SAFETY: rows and terms that the caller promises.
            unsafe { pack(a.skip(first, 0), LANES.min(m - first), terms, strip) }
        }
        let strips = columns.div_ceil(LANES);
        for (first, count) in parts(strips, MOST_VECTORS, 1) {
            let first_column = first * LANES;
            let width = (count * LANES).min(columns - first_column);
            for first_row in (0..m).step_by(ROWS) {
                let rows = left[first_row / LANES * pairs..].as_ptr();
                // SAFETY: the strips hold these rows and columns, and the target has room for them.
                unsafe {
                    let rows = rows.cast::<u32>().add(first_row % LANES);
                    let target = target.skip(first_row, first_column);
                    tile(pairs, rows, right[first * pairs..].as_ptr(), target, (ROWS.min(m - first_row), width));
                }
            }
        }
    });
}

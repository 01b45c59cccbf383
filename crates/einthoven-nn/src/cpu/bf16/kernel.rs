//! The innermost loop: a tile of the result in registers.

use std::arch::x86_64::{
    __m512bh, __m512i, __mmask16, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_load_si512, _mm512_mask_storeu_ps,
    _mm512_maskz_loadu_ps, _mm512_mul_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512,
};

use super::pack::{LANES, Line};

/// Rows of a tile. With [`MOST_VECTORS`] they take 24 of 32 registers, enough to hide the latency of a multiplication.
pub(super) const ROWS: usize = 8;

/// The most vectors of columns of a tile.
pub(super) const MOST_VECTORS: usize = 3;

/// Where a product goes to, and how.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub out: *mut f32,
    /// From one row to the next.
    pub stride: usize,
    pub factor: f32,
    /// Whether it is added to what is there.
    pub accumulate: bool,
}

// SAFETY: the tasks that have it write to different places.
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}

impl Target {
    /// From another first row and column on.
    ///
    /// # Safety
    /// These must be within the result.
    pub(super) unsafe fn skip(self, rows: usize, columns: usize) -> Self {
        // SAFETY: as promised by the caller.
        Self { out: unsafe { self.out.add(rows * self.stride + columns) }, ..self }
    }
}

/// A tile of up to [`ROWS`] rows and [`MOST_VECTORS`] vectors of columns.
///
/// `a` is where the rows begin in a strip, `b` the first of strips of `pairs` lines each.
///
/// # Safety
/// The strips must be as long, the target valid for `rows` and `columns`, and the processor have the instructions.
#[target_feature(enable = "avx512f,avx512bf16")]
pub(super) unsafe fn tile(
    pairs: usize,
    a: *const u32,
    b: *const Line,
    target: Target,
    (rows, columns): (usize, usize),
) {
    // SAFETY: as promised by the caller.
    unsafe {
        match columns.div_ceil(LANES) {
            1 => tile_of::<1>(pairs, a, b, target, rows, columns),
            2 => tile_of::<2>(pairs, a, b, target, rows, columns),
            _ => tile_of::<MOST_VECTORS>(pairs, a, b, target, rows, columns),
        }
    }
}

/// The same bits as pairs of bf16.
#[target_feature(enable = "avx512f,avx512bf16")]
#[inline]
fn bf16(bits: __m512i) -> __m512bh {
    // SAFETY: both are 512 bits of plain data.
    unsafe { std::mem::transmute::<__m512i, __m512bh>(bits) }
}

#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn tile_of<const VECTORS: usize>(
    pairs: usize,
    a: *const u32,
    b: *const Line,
    target: Target,
    rows: usize,
    columns: usize,
) {
    let mut sums = [[_mm512_setzero_ps(); VECTORS]; ROWS];
    for pair in 0..pairs {
        // SAFETY: within the strips.
        unsafe {
            let mut right = [bf16(_mm512_setzero_si512()); VECTORS];
            for (vector, right) in right.iter_mut().enumerate() {
                *right = bf16(_mm512_load_si512(b.add(vector * pairs + pair).cast()));
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                let left = bf16(_mm512_set1_epi32(*a.add(pair * LANES + row) as i32));
                for (sum, right) in sums.iter_mut().zip(right) {
                    *sum = _mm512_dpbf16_ps(*sum, left, right);
                }
            }
        }
    }
    let factor = _mm512_set1_ps(target.factor);
    let last: __mmask16 = !0 >> (VECTORS * LANES - columns);
    for (row, sums) in sums.iter().enumerate().take(rows) {
        for (vector, sum) in sums.iter().enumerate() {
            let mask = if vector + 1 == VECTORS { last } else { !0 };
            // SAFETY: masked loads and stores touch the tile alone, which the caller promises.
            unsafe {
                let out = target.out.add(row * target.stride + vector * LANES);
                let value = if target.accumulate {
                    _mm512_fmadd_ps(*sum, factor, _mm512_maskz_loadu_ps(mask, out))
                } else {
                    _mm512_mul_ps(*sum, factor)
                };
                _mm512_mask_storeu_ps(out, mask, value);
            }
        }
    }
}

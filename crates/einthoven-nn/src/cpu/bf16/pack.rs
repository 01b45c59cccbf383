//! Rows and columns as strips of bf16.

use std::arch::x86_64::{
    __m512, __m512bh, __m512i, __mmask16, _mm512_cvtne2ps_pbh, _mm512_loadu_si512, _mm512_maskz_loadu_ps,
    _mm512_permutexvar_epi16, _mm512_setzero_si512, _mm512_shuffle_i32x4, _mm512_store_si512, _mm512_unpackhi_epi32,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

/// Rows or columns that are packed side by side: the lanes of a vector register.
pub(super) const LANES: usize = 16;

/// Two adjacent terms of the sum for each of [`LANES`] rows or columns, the earlier one in the lower half.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line([u32; LANES]);

impl Line {
    pub(super) const ZERO: Self = Self([0; LANES]);
}

/// The rows of the left operand or the columns of the right one.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub data: *const f32,
    /// From one row or column to the next.
    pub lane_stride: usize,
    /// From one term of the sum to the next. One of the strides is 1.
    pub term_stride: usize,
}

// SAFETY: only read, by tasks that end before the borrow does from which it was made.
unsafe impl Send for Source {}
// SAFETY: as above.
unsafe impl Sync for Source {}

impl Source {
    /// From another first row or column, and another first term, on.
    ///
    /// # Safety
    /// These must be within the operand.
    pub(super) unsafe fn skip(self, lanes: usize, terms: usize) -> Self {
        // SAFETY: as promised by the caller.
        let data = unsafe { self.data.add(lanes * self.lane_stride + terms * self.term_stride) };
        Self { data, ..self }
    }
}

/// The first `count` lanes of a vector.
fn first(count: usize) -> __mmask16 {
    if count >= LANES { !0 } else { (1 << count) - 1 }
}

/// Rounds `terms` of the first `lanes` rows or columns to bf16, to the nearest, ties to even, and packs them into a strip of
/// `terms.div_ceil(2)` lines. What is beyond the lanes or terms becomes zero.
///
/// # Safety
/// The source must hold as much, and the processor have the instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn pack(source: Source, lanes: usize, terms: usize, strip: &mut [Line]) {
    if source.term_stride == 1 {
        // SAFETY: as promised by the caller.
        unsafe { pack_rows(source, lanes, terms, strip) }
    } else {
        // SAFETY: as promised by the caller.
        unsafe { pack_columns(source, lanes, terms, strip) }
    }
}

/// Lanes lie side by side in memory.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn pack_columns(source: Source, lanes: usize, terms: usize, strip: &mut [Line]) {
    const INTERLEAVED: [u16; 2 * LANES] = {
        let mut order = [0; 2 * LANES];
        let mut lane = 0;
        while lane < LANES {
            order[2 * lane] = lane as u16;
            order[2 * lane + 1] = (LANES + lane) as u16;
            lane += 1;
        }
        order
    };
    let mask = first(lanes);
    // SAFETY: the array has the size of a vector; masked loads read `lanes` values of terms that the caller promises; the lines
    // are aligned.
    unsafe {
        let order = _mm512_loadu_si512(INTERLEAVED.as_ptr().cast());
        for (pair, line) in strip.iter_mut().enumerate() {
            let at = source.data.add(2 * pair * source.term_stride);
            let even = _mm512_maskz_loadu_ps(mask, at);
            let next = if 2 * pair + 1 < terms { mask } else { 0 };
            let odd = _mm512_maskz_loadu_ps(next, at.wrapping_add(source.term_stride));
            let line = std::ptr::from_mut(line).cast();
            _mm512_store_si512(line, _mm512_permutexvar_epi16(order, rounded(even, odd)));
        }
    }
}

/// Terms lie side by side in memory.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn pack_rows(source: Source, lanes: usize, terms: usize, strip: &mut [Line]) {
    for (tile, lines) in strip.chunks_mut(LANES).enumerate() {
        let start = 2 * LANES * tile;
        let low = first(terms - start);
        let high = first((terms - start).saturating_sub(LANES));
        let mut rows = [_mm512_setzero_si512(); LANES];
        for (lane, row) in rows.iter_mut().enumerate().take(lanes) {
            // SAFETY: masked loads read terms of lanes that the caller promises.
            *row = unsafe {
                let at = source.data.add(lane * source.lane_stride + start);
                rounded(_mm512_maskz_loadu_ps(low, at), _mm512_maskz_loadu_ps(high, at.wrapping_add(LANES)))
            };
        }
        for (line, row) in lines.iter_mut().zip(transposed(rows)) {
            // SAFETY: a line is as long as a vector and aligned.
            unsafe { _mm512_store_si512(std::ptr::from_mut(line).cast(), row) };
        }
    }
}

/// The values of both vectors as bf16, one vector after the other.
#[target_feature(enable = "avx512f,avx512bf16")]
#[inline]
fn rounded(low: __m512, high: __m512) -> __m512i {
    // SAFETY: both are 512 bits of plain data.
    unsafe { std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low)) }
}

/// A square of 32-bit values with rows and columns exchanged.
#[target_feature(enable = "avx512f")]
#[inline]
fn transposed(rows: [__m512i; LANES]) -> [__m512i; LANES] {
    let mut pairs = rows;
    for i in 0..LANES / 2 {
        pairs[2 * i] = _mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
    }
    // Of rows 4i to 4i + 3, column j and every fourth after it, in vector 4i + j.
    let mut quads = pairs;
    for i in 0..LANES / 4 {
        for half in 0..2 {
            let (upper, lower) = (pairs[4 * i + half], pairs[4 * i + half + 2]);
            quads[4 * i + 2 * half] = _mm512_unpacklo_epi64(upper, lower);
            quads[4 * i + 2 * half + 1] = _mm512_unpackhi_epi64(upper, lower);
        }
    }
    // Blocks of four by four are exchanged as single values were.
    let mut columns = quads;
    for j in 0..4 {
        let [a, b, c, d] = [quads[j], quads[4 + j], quads[8 + j], quads[12 + j]];
        let (ab_even, cd_even) = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0x88>(c, d));
        let (ab_odd, cd_odd) = (_mm512_shuffle_i32x4::<0xdd>(a, b), _mm512_shuffle_i32x4::<0xdd>(c, d));
        columns[j] = _mm512_shuffle_i32x4::<0x88>(ab_even, cd_even);
        columns[4 + j] = _mm512_shuffle_i32x4::<0x88>(ab_odd, cd_odd);
        columns[8 + j] = _mm512_shuffle_i32x4::<0xdd>(ab_even, cd_even);
        columns[12 + j] = _mm512_shuffle_i32x4::<0xdd>(ab_odd, cd_odd);
    }
    columns
}

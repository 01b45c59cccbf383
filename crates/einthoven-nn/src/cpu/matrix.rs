//! Matrix products: in `f32` and `f64` by the `gemm` crate, in bf16 by kernels of our own.
//!
//! The split of the work among threads decides who computes an element, never the order of the sum in it,
//! so results do not depend on the number of threads.

use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(target_arch = "x86_64")]
use candle_core::DType;

use super::Real;
#[cfg(target_arch = "x86_64")]
use super::{
    bf16,
    precision::{MatmulPrecision, matmul_precision},
};

/// See [`product_flops`].
static FLOPS: AtomicU64 = AtomicU64::new(0);

/// Floating-point operations (an addition or a multiplication each) of all matrix products of this process so far.
///
/// Almost all the arithmetic of a model is in its products, so that the difference over a step, by its time, is what
/// the machine achieved.
pub fn product_flops() -> u64 {
    FLOPS.load(Ordering::Relaxed)
}

/// A matrix read from a slice by strides.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    data: &'a [T],
    row_stride: usize,
    column_stride: usize,
}

impl<'a, T: Real> Matrix<'a, T> {
    /// Rows of `width` elements, one after another.
    pub(crate) fn rows(data: &'a [T], width: usize) -> Self {
        Self { data, row_stride: width, column_stride: 1 }
    }

    /// Rows that start `stride` elements apart.
    pub(crate) fn strided(data: &'a [T], stride: usize) -> Self {
        Self { data, row_stride: stride, column_stride: 1 }
    }

    /// The transposed matrix.
    pub(crate) fn t(self) -> Self {
        Self { row_stride: self.column_stride, column_stride: self.row_stride, ..self }
    }

    fn holds(&self, rows: usize, columns: usize) -> bool {
        rows == 0 || columns == 0 || (rows - 1) * self.row_stride + (columns - 1) * self.column_stride < self.data.len()
    }
}

/// Who computes a product.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Threads {
    /// The calling thread, which is usually one of many at work.
    One,
    /// All.
    All,
}

/// `a · b` as `[m, n]`, for `a` `[m, k]` and `b` `[k, n]`.
pub(crate) fn product<T: Real>((m, k, n): (usize, usize, usize), a: Matrix<'_, T>, b: Matrix<'_, T>) -> Vec<T> {
    assert!(a.holds(m, k) && b.holds(k, n), "matrix product beyond its operands");
    let mut out: Vec<T> = Vec::with_capacity(m * n);
    // SAFETY: the operands are long enough (checked above), `out` has room for `m · n` elements, and without
    // `accumulate` the product writes every one of them and reads none.
    unsafe {
        run((m, k, n), out.as_mut_ptr(), n, false, a, b, T::ONE, Threads::All);
        out.set_len(m * n);
    }
    out
}

/// `out = factor · a · b`, or `out += factor · a · b` if `accumulate` is set; rows of `out` start `stride` elements apart.
#[allow(clippy::too_many_arguments)] // the BLAS signature
pub(crate) fn product_into<T: Real>(
    (m, k, n): (usize, usize, usize),
    out: &mut [T],
    stride: usize,
    accumulate: bool,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    factor: T,
    threads: Threads,
) {
    assert!(a.holds(m, k) && b.holds(k, n), "matrix product beyond its operands");
    assert!(m == 0 || n == 0 || (m - 1) * stride + n <= out.len() && n <= stride.max(n));
    // SAFETY: operands and result are long enough, as checked above.
    unsafe { run((m, k, n), out.as_mut_ptr(), stride, accumulate, a, b, factor, threads) }
}

/// # Safety
/// `a` must hold `[m, k]`, `b` `[k, n]`, and `out` must be valid for writes (reads too, if `accumulate` is set) of
/// `m` rows of `n` elements, `stride` apart.
#[allow(clippy::too_many_arguments)]
unsafe fn run<T: Real>(
    (m, k, n): (usize, usize, usize),
    out: *mut T,
    stride: usize,
    accumulate: bool,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    factor: T,
    threads: Threads,
) {
    FLOPS.fetch_add(2 * (m * k * n) as u64, Ordering::Relaxed);
    #[cfg(target_arch = "x86_64")]
    if T::DTYPE == DType::F32 && matmul_precision() == MatmulPrecision::Bf16 && bf16::pays((m, k, n)) {
        let operand = |matrix: Matrix<'_, T>| (matrix.data.as_ptr().cast(), matrix.row_stride, matrix.column_stride);
        let (factor, parallel) = (factor.wide() as f32, threads == Threads::All);
        // SAFETY: as promised by the caller; the elements are `f32`, and bf16 is only set where the processor has it.
        unsafe {
            bf16::product((m, k, n), out.cast(), stride, accumulate, operand(a), operand(b), factor, parallel);
        }
        return;
    }
    let parallelism = match threads {
        Threads::One => gemm::Parallelism::None,
        Threads::All => gemm::Parallelism::Rayon(0),
    };
    // SAFETY: as promised by the caller; strides fit in isize because they lie inside a slice.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out,
            1,
            stride as isize,
            accumulate,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            T::ONE,
            factor,
            false,
            false,
            false,
            parallelism,
        );
    }
}

//! The precision that matrix products are computed with.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What the operands of matrix products are rounded to. Tensors stay `f32`, and so do the sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatmulPrecision {
    /// `f32`: nothing is rounded.
    #[default]
    F32,
    /// `bf16`, which has the range of `f32` and 8 significant bits, to the nearest. About 1.8 times as fast on processors with
    /// AVX512-BF16. Subnormal numbers count as zero. Products that are too thin to gain from it stay `f32`.
    Bf16,
}

static IS_BF16: AtomicBool = AtomicBool::new(false);

/// How this process computes matrix products of `f32` tensors, as [`set_matmul_precision`] has set it.
pub fn matmul_precision() -> MatmulPrecision {
    if IS_BF16.load(Ordering::Relaxed) { MatmulPrecision::Bf16 } else { MatmulPrecision::F32 }
}

/// Sets how this process computes matrix products of `f32` tensors from now on, convolutions and attention included, forward
/// and backward; those of `f64` are never rounded. `F32` until it is called.
///
/// ```
/// use einthoven_nn::{MatmulPrecision, set_matmul_precision};
///
/// if let Err(error) = set_matmul_precision(MatmulPrecision::Bf16) {
///     eprintln!("{error}");
/// }
/// ```
///
/// # Errors
/// [`Error::Precision`] where the processor does not multiply bf16; nothing is changed then.
pub fn set_matmul_precision(precision: MatmulPrecision) -> Result<()> {
    let is_bf16 = precision == MatmulPrecision::Bf16;
    if is_bf16 && !is_supported() {
        return Err(Error::Precision);
    }
    IS_BF16.store(is_bf16, Ordering::Relaxed);
    Ok(())
}

#[cfg(target_arch = "x86_64")]
fn is_supported() -> bool {
    super::bf16::is_supported()
}

#[cfg(not(target_arch = "x86_64"))]
fn is_supported() -> bool {
    false
}

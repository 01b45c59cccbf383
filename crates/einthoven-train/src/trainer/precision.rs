//! What matrix products are rounded to while a step is taken.

use einthoven_nn::{MatmulPrecision, matmul_precision, set_matmul_precision};

use crate::{Error, Result};

/// Products have the precision of a run as long as this lives, and the one before afterwards: the setting is the process's,
/// which also validates, embeds and judges.
pub(super) struct Rounding {
    before: MatmulPrecision,
}

impl Rounding {
    /// Fails where the processor cannot do it.
    pub fn to(precision: MatmulPrecision) -> Result<Self> {
        let before = matmul_precision();
        set_matmul_precision(precision)
            .map_err(|error| Error::Config { key: "precision", message: error.to_string() })?;
        Ok(Self { before })
    }
}

impl Drop for Rounding {
    fn drop(&mut self) {
        // It was set before, so the processor can do it.
        let _ = set_matmul_precision(self.before);
    }
}

//! Parts of a run.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A part of a run, written `{ fraction = 0.1 }`, `{ steps = 500 }` or `{ epochs = 5 }`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Span {
    /// A fraction of all steps, 0 to 1.
    Fraction(f64),
    /// A number of steps.
    Steps(u64),
    /// A number of epochs.
    Epochs(u64),
}

impl Span {
    /// The length in steps, of a run of `total` steps.
    pub(crate) fn steps(self, total: u64, steps_per_epoch: u64) -> u64 {
        match self {
            Self::Fraction(fraction) => (fraction * total as f64).round() as u64,
            Self::Steps(steps) => steps,
            Self::Epochs(epochs) => epochs.saturating_mul(steps_per_epoch),
        }
    }
}

/// Refuses a fraction that is none.
pub(crate) fn check_fraction(key: &'static str, span: Span) -> Result<()> {
    match span {
        Span::Fraction(fraction) if !(0.0..=1.0).contains(&fraction) => {
            let message = format!("a fraction must lie between 0 and 1, is {fraction}");
            Err(Error::Config { key, message })
        }
        _ => Ok(()),
    }
}

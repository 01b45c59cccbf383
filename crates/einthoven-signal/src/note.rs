//! What whoever uses a recording should know of how it came about.

use std::fmt;

/// Something that was done to a recording, or is odd about it, and is no error.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Note {
    /// A signal of the file is not in the recording.
    LeftOut {
        /// The signal, by the file's name for it.
        signal: String,
        /// Why.
        reason: LeftOut,
    },
}

/// Why a signal of a file is not in the recording.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LeftOut {
    /// Its unit is not one of voltage.
    Unit(String),
    /// Its sampling rate, in Hz, is not that of the leads.
    Rate(f64),
    /// It holds annotations.
    Annotations,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeftOut { signal, reason } => write!(f, "signal {signal} is left out: {reason}"),
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit(unit) => write!(f, "its unit `{unit}` is not one of voltage"),
            Self::Rate(rate) => write!(f, "its sampling rate of {rate} Hz is not that of the leads"),
            Self::Annotations => f.write_str("it holds annotations"),
        }
    }
}

//! What whoever uses a recording should know of how it came about.

use std::fmt;

use crate::{Lead, Unit};

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
    /// Of several samples in each frame of a WFDB record the mean was taken, and so the lead's rate reduced.
    Averaged {
        /// The lead.
        lead: Lead,
        /// Samples of the lead in a frame.
        samples: u32,
    },
    /// A lead was computed from I and II, not recorded.
    Derived {
        /// The lead.
        lead: Lead,
    },
    /// The samples are hardly millivolts.
    SuspectUnit {
        /// How much the leads vary (their mean absolute deviation, the median of the leads), mV.
        deviation_mv: f64,
        /// The unit in which that would be an ECG's.
        unit: Unit,
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
    /// It holds no numbers.
    NoNumbers,
    /// It is not of the recording that is read but of another one in the file, such as the typical beat.
    Another,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeftOut { signal, reason } => write!(f, "signal {signal} is left out: {reason}"),
            Self::Averaged { lead, samples } => {
                write!(f, "lead {lead} has the mean of {samples} samples in each frame")
            }
            Self::Derived { lead } => write!(f, "lead {lead} is computed from I and II"),
            Self::SuspectUnit { deviation_mv, unit } => {
                let digits = if *deviation_mv < 1.0 { 6 } else { 0 };
                write!(
                    f,
                    "the leads vary by {deviation_mv:.digits$} mV, ECGs by about 0.1: the samples may be in {unit}"
                )
            }
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit(unit) => write!(f, "its unit `{unit}` is not one of voltage"),
            Self::Rate(rate) => write!(f, "its sampling rate of {rate} Hz is not that of the leads"),
            Self::Annotations => f.write_str("it holds annotations"),
            Self::NoNumbers => f.write_str("it holds no numbers"),
            Self::Another => f.write_str("it is not of the file's first recording of rhythm"),
        }
    }
}

//! What can be measured on an ECG, without a model: beats, intervals, axes, voltages, rhythm, and how well each lead was
//! recorded.
//!
//! [`measure`] finds the beats in all leads together, sorts them by shape, averages those of the rhythm into a typical
//! beat, and measures on it as IEC 60601-2-51 (and the CSE study, Willems et al., N. Engl. J. Med. 325:1767, 1991)
//! have it: a wave begins where the first lead leaves rest and ends where the last one returns.
//! [`quality`] says of each lead whether it is flat, cut off, noisy, drifting or perhaps swapped with another.
//!
//! Twelve leads serve best; fewer, even one, are measured as far as they go. What cannot be measured is `None`, never a
//! number that means nothing. Everything is computed in one order: the same recording gives the same bits.
//!
//! ```
//! use einthoven_random::Streams;
//! use einthoven_signal::measure::measure;
//! use einthoven_signal::simulate::{SimulatorConfig, simulate};
//!
//! let ecg = simulate(&SimulatorConfig::default(), &Streams::new(1), 0)?;
//! let measured = measure(&ecg.record)?;
//! let rate = measured.rate.heart_rate.unwrap_or_default();
//! assert!((rate - ecg.truth.heart_rate).abs() < 2.0);
//! # Ok::<(), einthoven_signal::Error>(())
//! ```

mod amplitude;
mod analysis;
mod atria;
mod condition;
mod detect;
mod numeric;
mod quality;
mod result;
mod rhythm;
mod shape;
mod signal;
mod stimulus;
mod swap;
mod ventricles;
mod view;

pub use quality::{Defect, LeadQuality, quality};
pub use result::{Axes, Beat, Intervals, LeadMeasurements, Measurements, Rate, Rhythm, Voltage, Wave, Waves};

use crate::{Record, Result};
use analysis::Analysis;

/// Measures a recording.
///
/// In a recording without beats everything is `None` or empty.
///
/// # Errors
/// [`Error::Unmeasurable`](crate::Error::Unmeasurable) for one that is shorter than 1 s or sampled below 50 Hz;
/// [`Error::Resample`](crate::Error::Resample) for one sampled above 50 kHz.
pub fn measure(record: &Record) -> Result<Measurements> {
    let analysis = Analysis::of(record)?;
    Ok(Measurements {
        rate: rhythm::rate(&analysis),
        rhythm: rhythm::rhythm(&analysis),
        intervals: analysis.intervals(),
        axes: amplitude::axes(&analysis),
        voltage: amplitude::voltage(&analysis),
        leads: amplitude::leads(&analysis),
        typical: analysis.typical_waves(),
        beats: analysis.beats(),
    })
}

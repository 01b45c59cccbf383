//! Resampling and filtering, equal to SciPy's `resample_poly`, `butter` and `sosfiltfilt` up to rounding.

mod butterworth;
mod resample;
mod sections;

pub use resample::{Resampler, resample_poly};
pub use sections::{Section, sosfiltfilt};

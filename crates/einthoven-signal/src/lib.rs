//! What an ECG is: recordings, leads, file formats, filters, and the contract between a recording and a model.
//!
//! [`open`] reads a recording into a [`Record`]: named leads, a sampling rate, samples in millivolts, and [`Note`]s on
//! what was left out or is odd.
//! [`InputContract::prepare`] is the only way from there to what a model sees: which leads in which order,
//! at which rate, how long, in which scale. The contract is saved with a model, so that nobody can feed it
//! the wrong leads, rate or units.
//! [`measure::measure`] finds beats and measures them, without a model; [`measure::quality`] judges each lead.
//!
//! ```
//! use einthoven_signal::{InputContract, Lead, Record, Source};
//!
//! let samples = vec![0.1; 12 * 1000];
//! let record = Record::new(Lead::TWELVE.to_vec(), 100.0, samples, Source::Memory)?;
//! let prepared = InputContract::esi_corrected().prepare(&record)?;
//! assert_eq!(prepared.samples.len(), 12 * 5000);
//! # Ok::<(), einthoven_signal::Error>(())
//! ```

mod amplitude;
pub mod contract;
pub mod draw;
pub mod dsp;
mod error;
pub mod format;
mod frank;
mod lead;
mod limb;
pub mod measure;
mod note;
mod record;
mod sex;
pub mod simulate;

pub use contract::{BandPass, Crop, InputContract, LimbLeads, Missing, Pad, Prepared, Scaling};
pub use error::{Error, Result};
pub use format::{ArrayOptions, Unit, open, open_with};
pub use lead::Lead;
pub(crate) use lead::LeadNames;
pub use note::{LeftOut, Note};
pub use record::{Record, Source};
pub use sex::Sex;

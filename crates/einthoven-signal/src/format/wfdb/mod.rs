//! WFDB, the format of PhysioNet: a header (`.hea`) and signal files (`.dat`, `.mat`).
//!
//! Signals in storage formats 8, 16, 24, 32, 61, 80, 160, 212, 310 and 311 and in FLAC (508, 516, 524) are read, also
//! behind a byte offset (as in the PhysioNet challenges' `.mat` files), with skew, with several samples per frame and
//! in several segments of fixed or variable layout. [`read_annotations`] reads the files of marks beside a record, and [`write()`]
//! writes a recording in storage format 16.

mod annotation;
mod digital;
mod files;
mod flac;
mod header;
mod physical;
mod samples;
mod signal;
mod waves;
mod write;

pub use annotation::{Annotation, Annotations, read_annotations};
pub use digital::{Digital, read_digital};
pub use header::{Header, Segment};
pub use physical::read;
pub use signal::Signal;
pub use waves::{MarkedWave, WaveKind, marked_waves, read_lead_annotations};
pub use write::write;

//! Checkpoints of published systems, as the models that they make here.
//!
//! The shape of a model is read off its tensors, whose names are those of the authors. What a checkpoint holds beside the network
//! (classifier heads, parts that only pretraining needs) is left out and named; whatever else is missing, left over or of
//! another shape is an error that names it.

mod esi;
mod shape;
mod signal;
mod text;

pub use esi::{ImportedEsi, esi};
pub use signal::{ImportedEncoder, SignalSystem};
pub use text::{ImportedMerlText, merl_text};

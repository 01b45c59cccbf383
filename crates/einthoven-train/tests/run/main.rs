//! Whole runs of a tiny model on a simulated cohort.

#![allow(clippy::unwrap_used)]

mod classifier;
mod early_stop;
mod locked;
mod matrix;
mod memory;
mod precision;
mod resume;
mod support;
mod trace;
mod training;

//! Whole runs of a tiny model on a simulated cohort.

#![allow(clippy::unwrap_used)]

mod matrix;
mod resume;
mod support;
mod training;

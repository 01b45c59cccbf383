//! Checkpoints of published systems: what PyTorch wrote gives PyTorch's numbers, and what is damaged or hostile is refused.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attention;
mod classifier;
#[path = "../common/mod.rs"]
mod common;
mod esi;
mod hostile;
mod locked;
mod merl;
mod parity;
mod pickles;

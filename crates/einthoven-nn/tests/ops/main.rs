//! Every operation against plain tensor arithmetic, finite differences, `f32`, strides and thread counts.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "candle's own operations are the plain arithmetic to compare with")]

mod block;
mod elementwise;
mod graph;
mod losses;
mod norms;
mod products;
#[path = "../support/mod.rs"]
mod support;

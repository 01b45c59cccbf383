//! What the CPU bodies of the operations are made of.
//!
//! - [`Real`]: the element types and the elementary functions that vectorise.
//! - [`view`]: tensors as slices.
//! - [`parallel`]: loops over chunks that are fixed by the shape, so that results do not depend on the
//!   number of threads. Each chunk runs with the best instruction set of the machine.
//! - [`matrix`]: matrix products; [`precision`]: what their operands are rounded to.
//!
//! Loops are plain Rust that the compiler vectorises once the instruction set is known. For that their
//! closures and functions must be inlined into the dispatch of `parallel`: mark them `#[inline(always)]`.

#[cfg(target_arch = "x86_64")]
mod bf16;
pub(crate) mod matrix;
pub(crate) mod parallel;
pub(crate) mod precision;
mod real;
pub(crate) mod rows;
pub(crate) mod view;

pub(crate) use real::Real;

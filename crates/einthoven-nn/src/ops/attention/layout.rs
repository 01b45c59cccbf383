//! How a width is divided into heads, and where their queries, keys and values lie.

use super::{Attention, OP};
use crate::Result;
use crate::cpu::Real;
use crate::ops::require;

/// The division of a width into heads.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Heads {
    pub(super) count: usize,
    pub(super) of_keys: usize,
    pub(super) width: usize,
}

impl Heads {
    pub(in crate::ops) fn new(options: &Attention, width: usize) -> Result<Self> {
        let Attention { heads: count, key_heads: of_keys, .. } = *options;
        let fits = count > 0 && of_keys > 0 && count.is_multiple_of(of_keys) && width > 0;
        require(OP, fits, || format!("{count} heads of width {width} cannot be spread over {of_keys} key heads"))?;
        Ok(Self { count, of_keys, width })
    }

    /// Columns of all queries.
    pub(in crate::ops) fn queries(&self) -> usize {
        self.count * self.width
    }

    /// Columns of queries, keys and values side by side.
    pub(in crate::ops) fn joint(&self) -> usize {
        (self.count + 2 * self.of_keys) * self.width
    }

    pub(super) fn scale<T: Real>(&self) -> T {
        T::of(1.0 / (self.width as f64).sqrt())
    }
}

/// At which columns queries, keys and values begin in rows of which width.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Layout {
    pub(super) query_stride: usize,
    pub(super) key_stride: usize,
    pub(super) key_column: usize,
    pub(super) value_column: usize,
}

impl Layout {
    /// Queries, keys and values at the start of rows `stride` wide.
    pub(in crate::ops) fn joint(heads: Heads, stride: usize) -> Self {
        let key_column = heads.queries();
        let value_column = key_column + heads.of_keys * heads.width;
        Self { query_stride: stride, key_stride: stride, key_column, value_column }
    }

    pub(super) fn apart(heads: Heads) -> Self {
        let of_keys = heads.of_keys * heads.width;
        Self { query_stride: heads.queries(), key_stride: 2 * of_keys, key_column: 0, value_column: of_keys }
    }
}

/// Where the gradients of an example go: to one matrix of queries, keys and values, or to two.
pub(in crate::ops) enum Target<'a, T> {
    Joint(&'a mut [T]),
    Apart(&'a mut [T], &'a mut [T]),
}

impl<T> Target<'_, T> {
    pub(super) fn queries(&mut self) -> &mut [T] {
        match self {
            Self::Joint(all) | Self::Apart(all, _) => all,
        }
    }

    pub(super) fn keys(&mut self) -> &mut [T] {
        match self {
            Self::Joint(all) | Self::Apart(_, all) => all,
        }
    }
}

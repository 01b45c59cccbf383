use std::ops::Range;

use super::require;
use crate::Result;

const OP: &str = "spans";

/// Where the examples of a batch lie among the rows of a matrix.
///
/// Texts differ in length. Laid end to end ([`Spans::packed`]), they need no padding, and no operation spends time on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spans {
    ranges: Vec<Range<usize>>,
    rows: usize,
}

impl Spans {
    /// Examples of these `lengths`, end to end.
    ///
    /// # Errors
    /// [`Error::Operand`](crate::Error::Operand) when there is no example or one is empty.
    pub fn packed(lengths: &[usize]) -> Result<Self> {
        let mut rows = 0;
        let ranges = lengths.iter().map(|length| {
            rows += length;
            rows - length..rows
        });
        let ranges = ranges.collect();
        Self { ranges, rows }.checked()
    }

    /// Examples of these `lengths`, each at the start of its own `stride` rows; the rows after it belong to nobody.
    ///
    /// # Errors
    /// [`Error::Operand`](crate::Error::Operand) when there is no example, one is empty or one is longer than `stride`.
    pub fn padded(lengths: &[usize], stride: usize) -> Result<Self> {
        require(OP, lengths.iter().all(|length| *length <= stride), || {
            format!("lengths {lengths:?} go beyond {stride} rows")
        })?;
        let ranges = lengths.iter().enumerate().map(|(example, length)| example * stride..example * stride + length);
        Self { ranges: ranges.collect(), rows: lengths.len() * stride }.checked()
    }

    /// `count` examples of one `length`.
    ///
    /// # Errors
    /// [`Error::Operand`](crate::Error::Operand) when either is zero.
    pub fn even(count: usize, length: usize) -> Result<Self> {
        Self::packed(&vec![length; count])
    }

    fn checked(self) -> Result<Self> {
        let fits = !self.ranges.is_empty() && self.ranges.iter().all(|range| !range.is_empty());
        require(OP, fits, || "a batch needs an example, and every example a row".to_owned())?;
        Ok(self)
    }

    /// How many examples there are.
    pub fn count(&self) -> usize {
        self.ranges.len()
    }

    /// Rows of the whole matrix.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows of each example, in order.
    pub fn ranges(&self) -> &[Range<usize>] {
        &self.ranges
    }

    /// The place of each row in its example; 0 for a row that belongs to nobody.
    pub fn places(&self) -> Vec<usize> {
        let mut places = vec![0; self.rows];
        for range in &self.ranges {
            for (place, row) in range.clone().enumerate() {
                places[row] = place;
            }
        }
        places
    }

    /// Rows of the longest example.
    pub fn longest(&self) -> usize {
        self.ranges.iter().map(ExactSizeIterator::len).max().unwrap_or(0)
    }

    /// The values of each example in a matrix `width` wide.
    pub(super) fn split_mut<'a, T>(&self, mut values: &'a mut [T], width: usize) -> Vec<&'a mut [T]> {
        let mut parts = Vec::with_capacity(self.ranges.len());
        let mut at = 0;
        for range in &self.ranges {
            let (_, rest) = values.split_at_mut((range.start - at) * width);
            let (part, rest) = rest.split_at_mut(range.len() * width);
            parts.push(part);
            (values, at) = (rest, range.end);
        }
        parts
    }
}

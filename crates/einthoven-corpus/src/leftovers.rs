//! What was left out, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The records that were left out of something, each with its reason.
///
/// Nothing is left out in silence: whoever leaves records out hands one of these back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftovers {
    /// The records left out, in the order of the dataset.
    pub records: Vec<Leftover>,
}

/// One record left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// The record's id.
    pub id: String,
    /// Why it was left out.
    pub reason: String,
}

impl Leftovers {
    /// Number of records left out.
    pub fn count(&self) -> usize {
        self.records.len()
    }

    /// Whether nothing was left out.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Notes one more record.
    pub fn push(&mut self, id: impl Into<String>, reason: impl Into<String>) {
        self.records.push(Leftover { id: id.into(), reason: reason.into() });
    }
}

/// One line: the count and the first few records.
impl fmt::Display for Leftovers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 3;
        write!(f, "{} records left out", self.count())?;
        for (i, record) in self.records.iter().take(SHOWN).enumerate() {
            let separator = if i == 0 { ": " } else { "; " };
            write!(f, "{separator}{} ({})", record.id, record.reason)?;
        }
        if self.count() > SHOWN {
            f.write_str("; …")?;
        }
        Ok(())
    }
}

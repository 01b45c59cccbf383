//! A table of scores that knows its rows and columns.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, same_length};

/// Scores of records for classes (or texts), `[records, classes]`, none of them NaN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreTable {
    records: Vec<String>,
    classes: Vec<String>,
    values: Vec<f64>,
}

impl ScoreTable {
    /// A table from row-major `values`; fails on a wrong count, or on NaN with the record and class it stands at.
    pub fn new(records: Vec<String>, classes: Vec<String>, values: Vec<f64>) -> Result<Self> {
        same_length("scores in the table", records.len() * classes.len(), values.len())?;
        if let Some(index) = values.iter().position(|value| value.is_nan()) {
            return Err(Error::NotANumber {
                class: classes[index % classes.len()].clone(),
                record: records[index / classes.len()].clone(),
            });
        }
        Ok(Self { records, classes, values })
    }

    /// Names of the rows.
    pub fn records(&self) -> &[String] {
        &self.records
    }

    /// Names of the columns.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The scores of one record, in the order of the classes.
    pub fn row(&self, record: usize) -> &[f64] {
        let width = self.classes.len();
        &self.values[record * width..(record + 1) * width]
    }

    /// The scores of one class, in the order of the records.
    pub fn column(&self, class: usize) -> Vec<f64> {
        (0..self.records.len()).map(|record| self.row(record)[class]).collect()
    }
}

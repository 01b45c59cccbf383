//! From a table of numbers to a recording.

use std::path::Path;

use super::{ArrayOptions, Unit, in_file};
use crate::{Error, Record, Result, Source};

/// A table of numbers, one row after the other.
pub(super) struct Array<V> {
    pub rows: usize,
    pub columns: usize,
    /// The number at a place, which is asked for rather than kept, as it takes more memory than most files do.
    pub value: V,
}

impl<V: Fn(usize) -> f64> Array<V> {
    /// The recording of the file `path`, with the leads along the axis of their number.
    pub fn into_record(self, options: ArrayOptions, path: &Path) -> Result<Record> {
        let by_rows = match &options.leads {
            Some(leads) => self.leads_are_rows(leads.len(), path)?,
            None => false,
        };
        let places = 0..self.rows * self.columns;
        if by_rows { record(places.map(self.value), options, path) } else { self.columns_into_record(options, path) }
    }

    /// The recording of the file `path`, with a lead in each column.
    pub fn columns_into_record(self, options: ArrayOptions, path: &Path) -> Result<Record> {
        let (rows, columns) = (self.rows, self.columns);
        let places = (0..rows * columns).map(|i| i % rows * columns + i / rows);
        record(places.map(self.value), options, path)
    }

    fn leads_are_rows(&self, leads: usize, path: &Path) -> Result<bool> {
        let (rows, columns) = (self.rows, self.columns);
        let message = match (rows == leads, columns == leads) {
            (true, true) if leads > 1 => "so that it is not clear which axis is the leads'",
            (by_rows, by_columns) if by_rows || by_columns => return Ok(by_rows),
            _ => "so that no axis can be the leads'",
        };
        Err(Error::Array {
            path: path.to_owned(),
            message: format!("{leads} leads are named and the array is {rows} × {columns}, {message}"),
        })
    }
}

/// The recording of `values`, one lead after the other.
pub(super) fn record(values: impl ExactSizeIterator<Item = f64>, options: ArrayOptions, path: &Path) -> Result<Record> {
    let Some(leads) = options.leads else {
        return Err(Error::UnknownLeads { path: path.to_owned() });
    };
    let Some(sampling_rate) = options.sampling_rate else {
        return Err(Error::UnknownSamplingRate { path: path.to_owned() });
    };
    let scale = options.unit.unwrap_or(Unit::Millivolt).millivolts();
    let samples = values.map(|x| (x * scale) as f32).collect();
    let source = Source::File(path.to_owned());
    Record::new(leads, sampling_rate, samples, source).map_err(|error| in_file(path, error))
}

//! A recording in a Parquet file.

use std::path::Path;

use super::super::array::record;
use super::super::{ArrayOptions, in_file};
use super::column::{Column, File, Kind, Value};
use crate::{Error, LeftOut, Note, Record, Result};

/// What pandas calls the numbers of rows, which are no lead.
const INDEX: &str = "__index_level_";

pub(super) fn read(path: &Path, options: &ArrayOptions) -> Result<Record> {
    let fail = |message: String| Error::Array { path: path.to_owned(), message };
    let file = File::open(path)?;
    let mut said = ArrayOptions::default();
    if let Some(rate) = file.said("sampling_rate") {
        let wrong = |_| fail(format!("the sampling rate is `{rate}`: expected a number in Hz"));
        said.sampling_rate = Some(rate.trim().parse().map_err(wrong)?);
    }
    if let Some(unit) = file.said("unit") {
        said.unit = Some(unit.parse().map_err(|error| in_file(path, error))?);
    }

    let (columns, mut left_out) = file.columns();
    let columns: Vec<Column> = columns.into_iter().filter(|column| !column.name.starts_with(INDEX)).collect();
    let numbers = |column: &&Column| !matches!(column.kind, Kind::Text | Kind::Truth);
    let lists = columns.iter().any(|column| column.list && numbers(&column));
    let (leads, others): (Vec<_>, Vec<_>) = columns.iter().partition(|column| column.list == lists && numbers(column));
    if leads.is_empty() {
        return Err(fail("there is no column of numbers in the file".into()));
    }
    for column in others {
        if lists && is_rate(&column.name) && numbers(&column) {
            said.sampling_rate = said.sampling_rate.or(samples(&file, column)?.1.first().copied());
        } else {
            left_out.push(column.name.clone());
        }
    }

    let mut names = Vec::with_capacity(leads.len());
    let mut all = Vec::new();
    let mut length = None;
    for column in &leads {
        names.push(column.name.parse().map_err(|error| in_file(path, error))?);
        let (rows, samples) = samples(&file, column)?;
        if lists && rows != 1 {
            return Err(fail(format!("it holds {rows} rows of lists: expected one recording, which is one row")));
        }
        let expected = *length.get_or_insert(samples.len());
        if samples.len() != expected {
            let message =
                format!("column {} has {} samples where the first has {expected}", column.name, samples.len());
            return Err(fail(message));
        }
        all.extend(samples);
    }
    // Leads are called as the columns are, whatever else is said.
    if options.leads.as_ref().is_some_and(|given| given.len() != names.len()) {
        let given = options.leads.as_ref().map_or(0, Vec::len);
        return Err(fail(format!("{given} leads are given but the file has {}", names.len())));
    }
    said.leads = Some(names);
    let options = options.complete(said, path)?;
    if options.unit.is_none() && leads.iter().any(|column| matches!(column.kind, Kind::Integer | Kind::Unsigned)) {
        return Err(fail(
            "its columns are integers of unknown unit: give it with --unit (`ArrayOptions::unit`)".into(),
        ));
    }
    let notes = left_out.into_iter().map(|signal| Note::LeftOut { signal, reason: LeftOut::NoNumbers });
    Ok(record(all.into_iter(), options, path)?.with_notes(notes))
}

fn is_rate(name: &str) -> bool {
    name.eq_ignore_ascii_case("fs") || name.eq_ignore_ascii_case("sampling_rate")
}

/// The number of rows of a column, and its numbers, with NaN for nulls.
fn samples(file: &File<'_>, column: &Column) -> Result<(usize, Vec<f64>)> {
    let mut rows = 0;
    let mut samples = Vec::new();
    file.read(column, |begins, value| {
        rows += usize::from(begins);
        samples.extend(value.map(|value| match value {
            Value::Integer(x) => x as f64,
            Value::Float(x) => x,
            Value::Null | Value::Truth(_) | Value::Text(_) => f64::NAN,
        }));
    })?;
    Ok((rows, samples))
}

//! MATLAB files of version 5 (`.mat`, as `save` writes them up to and with `-v7`), after the MAT-File Format document.
//!
//! A recording is the one matrix of numbers in the file, be it a variable or a field of a structure. Its rate may stand
//! beside it as a number `fs` or `sampling_rate`. The original files of CPSC2018, a structure `ECG` of `sex`, `age` and
//! `data`, say by their layout what they are: twelve leads at 500 Hz in millivolts.

mod element;

use std::path::Path;

use super::array::Array;
use super::{ArrayOptions, read_file};
use crate::{Error, Lead, Record, Result};
use element::{Content, Matrix, Value};

/// What a file begins with, of any version from 5 on.
pub(super) const MAGIC: &[u8] = b"MATLAB ";

/// What a file of version 7.3 begins with: HDF5 in MATLAB's way.
const HDF5: &[u8] = b"MATLAB 7.3";

/// Sampling rate of CPSC2018, Hz.
const CPSC_RATE: f64 = 500.0;

type Parsed<T> = std::result::Result<T, String>;

/// Reads the matrix of a MATLAB file, `[leads, samples]` or `[samples, leads]`, whichever fits the number of leads; NaN
/// marks a missing sample.
///
/// Age and sex in a file of CPSC2018 become comments as the PhysioNet/CinC Challenges write them.
///
/// # Errors
/// [`Error::Unsupported`] for version 7.3; [`Error::Damaged`]; [`Error::Array`] if there is no matrix or more than one,
/// or one of integers without a unit; [`Error::UnknownLeads`] and [`Error::UnknownSamplingRate`] unless given; those
/// of [`Record::new`].
pub fn read(path: &Path, options: &ArrayOptions) -> Result<Record> {
    let bytes = read_file(path)?;
    if bytes.starts_with(HDF5) {
        let feature = "MATLAB's version 7.3 (save it again with `-v7`)".into();
        return Err(Error::Unsupported { path: path.to_owned(), feature });
    }
    let damaged = |message| Error::Damaged { path: path.to_owned(), message };
    let fail = |message| Error::Array { path: path.to_owned(), message };
    let (arrays, big_endian) = element::arrays(&bytes).map_err(damaged)?;
    let mut values = Vec::new();
    for array in &arrays {
        element::values(array, big_endian, &mut values).map_err(damaged)?;
    }

    let signal = signal(&values).map_err(fail)?;
    let cpsc = cpsc(&values);
    let said = match cpsc {
        Some(_) => ArrayOptions { leads: Some(Lead::TWELVE.to_vec()), sampling_rate: Some(CPSC_RATE), unit: None },
        None => ArrayOptions { sampling_rate: rate(&values), ..ArrayOptions::default() },
    };
    let options = options.complete(said, path)?;
    if signal.of_integers && options.unit.is_none() {
        return Err(fail(
            "the matrix holds integers of unknown unit: give it with --unit (`ArrayOptions::unit`)".into(),
        ));
    }
    // What is stored column by column is the transpose of what is stored row by row.
    let array = Array { rows: signal.columns, columns: signal.rows, value: |place| signal.at(place) };
    Ok(array.into_record(options, path)?.with_comments(cpsc.unwrap_or_default()))
}

fn matrix<'a>(value: &'a Value) -> Option<&'a Matrix<'a>> {
    match &value.content {
        Content::Matrix(matrix) => Some(matrix),
        Content::Text(_) => None,
    }
}

/// The only matrix of more than one number.
fn signal<'a>(values: &'a [Value]) -> Parsed<&'a Matrix<'a>> {
    let mut signals =
        values.iter().filter_map(|value| Some((value, matrix(value)?))).filter(|(_, m)| m.rows.max(m.columns) > 1);
    let Some((first, signal)) = signals.next() else {
        return Err("there is no matrix of numbers in the file".into());
    };
    match signals.next() {
        None => Ok(signal),
        Some((second, _)) => Err(format!(
            "the file has more than one matrix, {} and {}: save the one of the recording alone",
            first.name, second.name
        )),
    }
}

/// The sampling rate that stands beside the matrix, Hz.
fn rate(values: &[Value]) -> Option<f64> {
    let named = |value: &&Value| {
        let name = value.name.rsplit('.').next().unwrap_or_default();
        name.eq_ignore_ascii_case("fs") || name.eq_ignore_ascii_case("sampling_rate")
    };
    let rate = matrix(values.iter().find(named)?)?;
    (rate.rows.max(rate.columns) == 1).then(|| rate.at(0))
}

/// Comments on age and sex, if the file is laid out as those of CPSC2018.
fn cpsc(values: &[Value]) -> Option<Vec<String>> {
    let field = |name: &str| values.iter().find(|value| value.name == name);
    let (data, age) = (matrix(field("ECG.data")?)?, matrix(field("ECG.age")?)?);
    let Content::Text(sex) = &field("ECG.sex")?.content else {
        return None;
    };
    (data.rows == Lead::TWELVE.len()).then(|| vec![format!("Age: {}", age.at(0)), format!("Sex: {sex}")])
}

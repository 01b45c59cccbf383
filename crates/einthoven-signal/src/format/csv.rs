//! Comma-separated files (`.csv`): a row of lead names, then a row of numbers for each point in time.
//!
//! Lines before it that start with `#` may say `# sampling_rate: 500` and `# unit: mV`. Empty fields and `nan` are
//! missing samples. A file without lead names is read if these are given, in rows or in columns.

use std::path::Path;

use super::array::Array;
use super::{ArrayOptions, in_file, read_file};
use crate::{Error, Record, Result};

/// Reads a file of comma-separated numbers.
///
/// # Errors
/// [`Error::UnknownLeads`] and [`Error::UnknownSamplingRate`] if neither the file nor `options` nor the JSON file
/// beside it says them; [`Error::Parse`] or [`Error::Array`] if the file is damaged; those of [`Record::new`].
pub fn read(path: &Path, options: &ArrayOptions) -> Result<Record> {
    let bytes = read_file(path)?;
    // Spreadsheets mark UTF-8 with a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let (mut said, preamble) = preamble(bytes, path)?;
    let mut reader =
        ::csv::ReaderBuilder::new().has_headers(false).trim(::csv::Trim::All).from_reader(&bytes[preamble..]);
    // Line numbers of the parser are those after the preamble.
    let before = bytes[..preamble].iter().filter(|&&b| b == b'\n').count() as u64;

    let mut rows = 0;
    let mut columns = 0;
    let mut values = Vec::new();
    for (i, row) in reader.records().enumerate() {
        let row = row.map_err(|error| Error::Parse { path: path.to_owned(), source: error.into() })?;
        if i == 0 {
            columns = row.len();
            if !row.iter().all(|field| number(field).is_some()) {
                let names = row.iter().map(str::parse).collect::<Result<_>>();
                said.leads = Some(names.map_err(|error| in_file(path, error))?);
                continue;
            }
        }
        rows += 1;
        for field in &row {
            let value = number(field).ok_or_else(|| Error::Array {
                path: path.to_owned(),
                message: format!(
                    "`{field}` in line {} is not a number",
                    before + row.position().map_or(0, ::csv::Position::line)
                ),
            })?;
            values.push(value);
        }
    }

    if let (Some(named), Some(given)) = (&said.leads, &options.leads)
        && named.len() != given.len()
    {
        return Err(Error::Array {
            path: path.to_owned(),
            message: format!("{} leads are given but the file names {}", given.len(), named.len()),
        });
    }
    // Under a row of names, columns are leads, whatever the number of rows.
    let named = said.leads.is_some();
    let options = options.complete(said, path)?;
    let array = Array { rows, columns, value: |place: usize| values[place] };
    if named { array.columns_into_record(options, path) } else { array.into_record(options, path) }
}

/// What the lines that start with `#` say, and how many bytes they take.
fn preamble(bytes: &[u8], path: &Path) -> Result<(ArrayOptions, usize)> {
    let mut said = ArrayOptions::default();
    let mut length = 0;
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        let Some(comment) = line.strip_prefix(b"#") else {
            break;
        };
        length += line.len();
        let comment = String::from_utf8_lossy(comment);
        let Some((key, value)) = comment.split_once(':') else {
            continue;
        };
        match key.trim() {
            "sampling_rate" => {
                let rate = value.trim();
                let rate = rate.strip_suffix("Hz").unwrap_or(rate).trim();
                said.sampling_rate = Some(rate.parse().map_err(|_| Error::Array {
                    path: path.to_owned(),
                    message: format!("the sampling rate is `{rate}`: expected a number in Hz"),
                })?);
            }
            "unit" => said.unit = Some(value.parse().map_err(|error| in_file(path, error))?),
            _ => {}
        }
    }
    Ok((said, length))
}

/// The number in a field; NaN in an empty one.
fn number(field: &str) -> Option<f64> {
    if field.is_empty() { Some(f64::NAN) } else { field.parse().ok() }
}

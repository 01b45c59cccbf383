//! A table with named columns, in CSV or Parquet, and errors that say where.

use std::path::{Path, PathBuf};

use csv::StringRecord;
use einthoven_signal::format::parquet;

use crate::{Error, Result};

/// A table read row by row.
pub(crate) struct Table {
    pub path: PathBuf,
    header: StringRecord,
    rows: Rows,
}

/// The rows that are left.
enum Rows {
    Csv(Box<csv::StringRecordsIntoIter<std::fs::File>>),
    Parquet(std::iter::Enumerate<std::vec::IntoIter<Vec<String>>>),
}

/// A column of a table, by its place.
#[derive(Clone, Copy)]
pub(crate) struct Column(usize);

/// A row of a table.
pub(crate) struct Row<'a> {
    path: &'a Path,
    header: &'a StringRecord,
    /// The line it starts on, counted from 1; in a Parquet file, the row.
    pub line: u64,
    fields: StringRecord,
}

impl Table {
    /// Opens a Parquet file, known by its extension, or else a CSV file.
    pub fn open(path: PathBuf) -> Result<Self> {
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet")) {
            let table = parquet::read_rows(&path).map_err(|source| Error::Signals { source })?;
            let rows = Rows::Parquet(table.rows.into_iter().enumerate());
            return Ok(Self { path, header: table.columns.into(), rows });
        }
        let file = std::fs::File::open(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let mut reader = csv::Reader::from_reader(file);
        let header = reader.headers().cloned().map_err(|source| Error::Table { path: path.clone(), source })?;
        Ok(Self { path, header, rows: Rows::Csv(Box::new(reader.into_records())) })
    }

    /// The column called `name`.
    pub fn column(&self, name: &str) -> Result<Column> {
        self.find(name).ok_or_else(|| Error::MissingColumn { path: self.path.clone(), column: name.to_owned() })
    }

    /// The column called `name`, if there is one.
    pub fn find(&self, name: &str) -> Option<Column> {
        self.header.iter().position(|found| found.trim() == name).map(Column)
    }

    /// The columns whose names begin with `prefix`, in their order.
    pub fn columns_with_prefix(&self, prefix: &str) -> Vec<Column> {
        let named = self.header.iter().enumerate().filter(|(_, name)| name.trim().starts_with(prefix));
        named.map(|(index, _)| Column(index)).collect()
    }

    /// The first column, whatever its name: the published statement table leaves its header empty.
    pub fn first_column(&self) -> Column {
        Column(0)
    }

    /// The next row, if any.
    pub fn next(&mut self) -> Option<Result<Row<'_>>> {
        let fields = match &mut self.rows {
            Rows::Csv(rows) => rows.next()?,
            Rows::Parquet(rows) => {
                let (row, fields) = rows.next()?;
                let line = row as u64 + 1;
                return Some(Ok(Row { path: &self.path, header: &self.header, line, fields: fields.into() }));
            }
        };
        Some(match fields {
            Ok(fields) => {
                let line = fields.position().map_or(0, csv::Position::line);
                Ok(Row { path: &self.path, header: &self.header, line, fields })
            }
            Err(source) => Err(Error::Table { path: self.path.clone(), source }),
        })
    }
}

impl Row<'_> {
    /// The text of a field, empty where there is none.
    pub fn text(&self, column: Column) -> &str {
        // The reader refuses rows that are shorter than the header.
        self.fields.get(column.0).unwrap_or_default().trim()
    }

    /// The text of a field that must not be empty.
    pub fn required(&self, column: Column) -> Result<&str> {
        match self.text(column) {
            "" => self.refuse(column, "a value"),
            text => Ok(text),
        }
    }

    /// A field as `read` understands it; none where it is empty.
    pub fn optional<T>(
        &self,
        column: Column,
        expected: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        match self.text(column) {
            "" => Ok(None),
            text => match read(text) {
                None => self.refuse(column, expected),
                value => Ok(value),
            },
        }
    }

    /// The error about a field.
    pub fn refuse<T>(&self, column: Column, expected: &'static str) -> Result<T> {
        Err(Error::Field {
            path: self.path.to_owned(),
            line: self.line,
            column: self.header.get(column.0).unwrap_or_default().trim().to_owned(),
            value: self.text(column).to_owned(),
            expected,
        })
    }
}

/// A whole number, which pandas may have written as `15709.0`.
pub(crate) fn whole_number(text: &str) -> Option<u64> {
    let digits = text.strip_suffix(".0").unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::whole_number;

    #[test]
    fn whole_numbers_may_carry_a_zero_fraction() {
        assert_eq!(whole_number("15709.0"), Some(15709));
        assert_eq!(whole_number("3"), Some(3));
        for text in ["", "3.5", "-3", "+3", "1e3", "nan", ".0"] {
            assert_eq!(whole_number(text), None, "{text}");
        }
    }
}

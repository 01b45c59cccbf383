//! A CSV table with named columns, and errors that say where.

use std::path::{Path, PathBuf};

use csv::StringRecord;

use crate::{Error, Result};

/// A CSV file read row by row.
pub(super) struct Table {
    pub path: PathBuf,
    header: StringRecord,
    rows: csv::StringRecordsIntoIter<std::fs::File>,
}

/// A column of a table.
#[derive(Clone, Copy)]
pub(super) struct Column {
    name: &'static str,
    index: usize,
}

/// A row of a table.
pub(super) struct Row<'a> {
    path: &'a Path,
    /// The line it starts on, counted from 1.
    pub line: u64,
    fields: StringRecord,
}

impl Table {
    pub fn open(path: PathBuf) -> Result<Self> {
        let file = std::fs::File::open(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let mut reader = csv::Reader::from_reader(file);
        let header = reader.headers().cloned().map_err(|source| Error::Table { path: path.clone(), source })?;
        Ok(Self { path, header, rows: reader.into_records() })
    }

    /// The column called `name`.
    pub fn column(&self, name: &'static str) -> Result<Column> {
        let index = self.header.iter().position(|found| found.trim() == name);
        index
            .map(|index| Column { name, index })
            .ok_or_else(|| Error::MissingColumn { path: self.path.clone(), column: name })
    }

    /// The first column, `name` in messages: the published statement table leaves its header empty.
    pub fn first_column(&self, name: &'static str) -> Column {
        Column { name, index: 0 }
    }

    /// The next row, if any.
    pub fn next(&mut self) -> Option<Result<Row<'_>>> {
        let fields = self.rows.next()?;
        Some(match fields {
            Ok(fields) => Ok(Row { path: &self.path, line: fields.position().map_or(0, csv::Position::line), fields }),
            Err(source) => Err(Error::Table { path: self.path.clone(), source }),
        })
    }
}

impl Row<'_> {
    /// The text of a field, empty where there is none.
    pub fn text(&self, column: Column) -> &str {
        // The reader refuses rows that are shorter than the header.
        self.fields.get(column.index).unwrap_or_default().trim()
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
            column: column.name,
            value: self.text(column).to_owned(),
            expected,
        })
    }
}

/// A whole number, which pandas may have written as `15709.0`.
pub(super) fn whole_number(text: &str) -> Option<u64> {
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

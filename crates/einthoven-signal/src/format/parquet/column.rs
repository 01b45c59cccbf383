//! The columns of a file, value by value.

use std::path::Path;

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result as Parsed};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::schema::types::ColumnDescriptor;

use super::super::read_file;
use super::footer;
use super::page::{Budget, Pages};
use crate::{Error, Result};

/// Rows that are decoded at once.
const AT_ONCE: usize = 1024;

/// A file.
pub(super) struct File<'a> {
    path: &'a Path,
    bytes: Bytes,
    metadata: ParquetMetaData,
    budget: Budget,
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Truth,
    Integer,
    /// An integer that is stored as if it had no sign.
    Unsigned,
    /// An integer of so many decimals.
    Decimal(i32),
    Float,
    Text,
}

/// A value.
pub(super) enum Value<'a> {
    Null,
    Truth(bool),
    Integer(i128),
    Float(f64),
    Text(&'a str),
}

/// A column that can be read: of values, or of lists of them.
pub(super) struct Column {
    index: usize,
    pub name: String,
    pub kind: Kind,
    pub list: bool,
}

impl<'a> File<'a> {
    pub fn open(path: &'a Path) -> Result<Self> {
        let bytes = Bytes::from(read_file(path)?);
        if !footer::is_bounded(&bytes) {
            return Err(Error::Damaged { path: path.to_owned(), message: "its footer is damaged".to_owned() });
        }
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&bytes).map_err(|error| wrong(path, error))?;
        let budget = Budget::of(bytes.len());
        Ok(Self { path, bytes, metadata, budget })
    }

    /// The value of a key in the file's metadata.
    pub fn said(&self, key: &str) -> Option<&str> {
        let pairs = self.metadata.file_metadata().key_value_metadata()?;
        pairs.iter().find(|pair| pair.key == key)?.value.as_deref()
    }

    /// The columns that can be read, and the names of the others.
    pub fn columns(&self) -> (Vec<Column>, Vec<String>) {
        let all = self.metadata.file_metadata().schema_descr().columns();
        let root = |column: &ColumnDescriptor| column.path().parts().first().cloned().unwrap_or_default();
        let (mut columns, mut others) = (Vec::new(), Vec::new());
        for (index, column) in all.iter().enumerate() {
            let parts = column.path().parts();
            let name = root(column);
            // A list is a column in a repeated group in the column's group, or repeated itself; a map has two of them.
            let beside = |other: usize| all.get(other).is_some_and(|other| root(other) == name);
            let alone = !beside(index + 1) && !index.checked_sub(1).is_some_and(beside);
            let list = column.max_rep_level() == 1 && parts.len() <= 3 && alone;
            let flat = column.max_rep_level() == 0 && parts.len() == 1;
            match kind(column).filter(|_| list || flat) {
                Some(kind) => columns.push(Column { index, name, kind, list }),
                None => others.push(column.path().string()),
            }
        }
        (columns, others)
    }

    /// Hands over the values of a column, each with whether it begins a row. An empty list is a row without a value: [`None`].
    pub fn read(&self, column: &Column, mut each: impl FnMut(bool, Option<Value<'_>>)) -> Result<()> {
        let groups = self.metadata.row_groups().iter();
        for chunk in groups.filter_map(|group| group.columns().get(column.index)) {
            let read = Pages::of(&self.bytes, chunk, self.budget.clone()).and_then(|pages| {
                let chunk_descriptor = chunk.column_descr_ptr();
                let descriptor = chunk.column_descr();
                let mut chunk = Chunk { descriptor, budget: &self.budget, each: &mut each };
                let integer = |x: i64, unsigned: u64| match column.kind {
                    Kind::Decimal(scale) => Value::Float(x as f64 / 10_f64.powi(scale)),
                    Kind::Unsigned => Value::Integer(unsigned.into()),
                    _ => Value::Integer(x.into()),
                };
                match get_column_reader(chunk_descriptor, Box::new(pages)) {
                    ColumnReader::BoolColumnReader(reader) => chunk.read(reader, |&x| Ok(Value::Truth(x))),
                    ColumnReader::Int32ColumnReader(reader) => {
                        chunk.read(reader, |&x| Ok(integer(x.into(), x.cast_unsigned().into())))
                    }
                    ColumnReader::Int64ColumnReader(reader) => {
                        chunk.read(reader, |&x| Ok(integer(x, x.cast_unsigned())))
                    }
                    ColumnReader::FloatColumnReader(reader) => chunk.read(reader, |&x| Ok(Value::Float(x.into()))),
                    ColumnReader::DoubleColumnReader(reader) => chunk.read(reader, |&x| Ok(Value::Float(x))),
                    ColumnReader::ByteArrayColumnReader(reader) => {
                        chunk.read(reader, |text| text.as_utf8().map(Value::Text))
                    }
                    _ => Err(ParquetError::NYI(format!("the type of column {}", column.name))),
                }
            });
            read.map_err(|error| wrong(self.path, error))?;
        }
        Ok(())
    }
}

/// A column in a group of rows.
struct Chunk<'a, E> {
    descriptor: &'a ColumnDescriptor,
    budget: &'a Budget,
    each: &'a mut E,
}

impl<E: FnMut(bool, Option<Value<'_>>)> Chunk<'_, E> {
    fn read<T: DataType>(
        &mut self,
        mut reader: ColumnReaderImpl<T>,
        value: impl Fn(&T::T) -> Parsed<Value<'_>>,
    ) -> Parsed<()> {
        let (most, list) = (self.descriptor.max_def_level(), self.descriptor.max_rep_level() > 0);
        let null = most - i16::from(self.descriptor.self_type().is_optional());
        let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
        // A list may be long, and is decoded whole.
        let rows = if list { 1 } else { AT_ONCE };
        loop {
            values.clear();
            definitions.clear();
            repetitions.clear();
            let (_, _, levels) =
                reader.read_records(rows, Some(&mut definitions), Some(&mut repetitions), &mut values)?;
            if levels == 0 {
                return Ok(());
            }
            self.budget.spend(levels * size_of::<T::T>())?;
            let mut present = values.iter();
            for level in 0..levels {
                let begins = repetitions.get(level).is_none_or(|&level| level == 0);
                let definition = definitions.get(level).copied().unwrap_or(most);
                let value = match definition {
                    _ if definition == most => present.next().map(&value).transpose()?,
                    _ if !list || definition >= null => Some(Value::Null),
                    _ => None,
                };
                (self.each)(begins, value);
            }
        }
    }
}

/// What the values of a column are, if they can be read.
fn kind(column: &ColumnDescriptor) -> Option<Kind> {
    use parquet::basic::Type;
    let logical = column.logical_type_ref();
    let decimal = match (logical, column.converted_type()) {
        (Some(LogicalType::Decimal(decimal)), _) => Some(decimal.scale),
        (None, ConvertedType::DECIMAL) => Some(column.type_scale()),
        _ => None,
    };
    let plain = matches!(logical, None | Some(LogicalType::Integer(_)))
        && !matches!(
            column.converted_type(),
            ConvertedType::DATE
                | ConvertedType::TIME_MILLIS
                | ConvertedType::TIME_MICROS
                | ConvertedType::TIMESTAMP_MILLIS
                | ConvertedType::TIMESTAMP_MICROS
        );
    let unsigned = matches!(
        column.converted_type(),
        ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64
    );
    match (column.physical_type(), decimal) {
        (Type::INT32 | Type::INT64, Some(scale)) => Some(Kind::Decimal(scale)),
        (Type::INT32 | Type::INT64, None) => plain.then_some(if unsigned { Kind::Unsigned } else { Kind::Integer }),
        (Type::BOOLEAN, _) => Some(Kind::Truth),
        (Type::FLOAT | Type::DOUBLE, _) => Some(Kind::Float),
        (Type::BYTE_ARRAY, None) => {
            let text = matches!(logical, Some(LogicalType::String | LogicalType::Enum | LogicalType::Json));
            (text || column.converted_type() == ConvertedType::UTF8).then_some(Kind::Text)
        }
        _ => None,
    }
}

fn wrong(path: &Path, error: ParquetError) -> Error {
    match error {
        ParquetError::NYI(feature) => Error::Unsupported { path: path.to_owned(), feature },
        error => Error::Damaged { path: path.to_owned(), message: error.to_string() },
    }
}

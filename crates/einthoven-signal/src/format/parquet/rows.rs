//! A table in a Parquet file, as text.

use std::path::Path;

use super::TextTable;
use super::column::{File, Value};
use crate::{Error, Result};

pub(super) fn read(path: &Path) -> Result<TextTable> {
    let file = File::open(path)?;
    let (columns, _) = file.columns();
    let mut table = TextTable { columns: columns.iter().map(|column| column.name.clone()).collect(), rows: Vec::new() };
    for (place, column) in columns.iter().enumerate() {
        let mut row = 0;
        file.read(column, |begins, value| {
            row += usize::from(begins);
            if row > table.rows.len() {
                table.rows.push(Vec::new());
            }
            let Some(cells) = row.checked_sub(1).and_then(|row| table.rows.get_mut(row)) else {
                return;
            };
            let text = value.map_or_else(String::new, text);
            match (begins, cells.get_mut(place)) {
                (false, Some(cell)) => {
                    cell.push(';');
                    cell.push_str(&text);
                }
                _ => cells.push(text),
            }
        })?;
        if let Some(short) = table.rows.iter().position(|cells| cells.len() != place + 1) {
            let message = format!("column {} ends before row {}", column.name, short + 1);
            return Err(Error::Damaged { path: path.to_owned(), message });
        }
    }
    Ok(table)
}

fn text(value: Value<'_>) -> String {
    match value {
        Value::Null => String::new(),
        Value::Truth(x) => x.to_string(),
        Value::Integer(x) => x.to_string(),
        Value::Float(x) if x.is_nan() => String::new(),
        Value::Float(x) => x.to_string(),
        Value::Text(x) => x.to_owned(),
    }
}

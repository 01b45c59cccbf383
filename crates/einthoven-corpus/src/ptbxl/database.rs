//! `ptbxl_database.csv`: one row per record.

use std::path::{Component, Path, PathBuf};

use einthoven_signal::Sex;

use super::Statements;
use super::scp_codes;
use crate::csv_table::{Column, Row, Table, whole_number};
use crate::listing::{Listing, ListingBuilder};
use crate::{Code, Entry, Error, Location, Result};

/// The table of a PTB-XL folder.
pub(crate) const DATABASE: &str = "ptbxl_database.csv";

/// The age that stands for "over 89".
const OVER_89: u64 = 300;

/// Lists the records under `root`; `high_rate` takes those at 500 Hz, otherwise at 100 Hz.
pub(crate) fn open(root: &Path, high_rate: bool) -> Result<Listing> {
    let statements = Statements::open(root)?;
    let mut table = Table::open(root.join(DATABASE))?;
    let columns = Columns::find(&table, high_rate)?;
    let path = table.path.clone();
    let mut listing = ListingBuilder::new(root, &path);
    while let Some(row) = table.next() {
        let row = row?;
        let entry = columns.entry(&row, root, &path, &statements)?;
        listing.push(entry, row.line, Some("dat"))?;
    }
    listing.finish(statements.label_sets())
}

struct Columns {
    id: Column,
    patient: Column,
    age: Column,
    sex: Column,
    device: Option<Column>,
    report: Column,
    scp_codes: Column,
    fold: Column,
    filename: Column,
}

impl Columns {
    fn find(table: &Table, high_rate: bool) -> Result<Self> {
        let filename = if high_rate { "filename_hr" } else { "filename_lr" };
        Ok(Self {
            id: table.column("ecg_id")?,
            patient: table.column("patient_id")?,
            age: table.column("age")?,
            sex: table.column("sex")?,
            device: table.find("device"),
            report: table.column("report")?,
            scp_codes: table.column("scp_codes")?,
            fold: table.column("strat_fold")?,
            filename: table.column(filename)?,
        })
    }

    fn entry(&self, row: &Row<'_>, root: &Path, path: &Path, statements: &Statements) -> Result<Entry> {
        let number = |column| {
            let number = row.optional(column, "a whole number", whole_number)?;
            number.map_or_else(|| row.refuse(column, "a whole number"), Ok)
        };
        let codes = scp_codes::parse(row.text(self.scp_codes)).map_err(|e| Error::ScpCodes {
            path: path.to_owned(),
            line: row.line,
            at: e.at,
            message: e.message,
        })?;
        let english = |code: &Code| {
            let text = statements.english(&code.code).map(str::to_owned);
            text.ok_or_else(|| Error::UnknownCode {
                path: path.to_owned(),
                line: row.line,
                code: code.code.clone(),
                statements: statements.path.clone(),
            })
        };
        Ok(Entry {
            id: number(self.id)?.to_string(),
            patient: number(self.patient)?.to_string(),
            location: Location::File(root.join(self.header(row)?)),
            statements: codes.iter().map(english).collect::<Result<_>>()?,
            codes,
            report: Some(row.text(self.report).to_owned()).filter(|text| !text.is_empty()),
            age: row.optional(self.age, "an age in years, or 300 for over 89", age)?,
            sex: row.optional(self.sex, "0 (male) or 1 (female)", sex)?,
            device: self.device.and_then(|column| device(row.text(column))),
            fold: row.optional(self.fold, "a fold from 1 to 10", fold)?,
        })
    }

    /// The record's header file, relative to the root; it cannot lie outside.
    fn header(&self, row: &Row<'_>) -> Result<PathBuf> {
        let path = PathBuf::from(format!("{}.hea", row.required(self.filename)?));
        if path.components().all(|part| matches!(part, Component::Normal(_))) {
            Ok(path)
        } else {
            row.refuse(self.filename, "a path inside the dataset's folder")
        }
    }
}

fn age(text: &str) -> Option<u8> {
    match whole_number(text)? {
        OVER_89 => Some(90),
        age @ 0..=120 => u8::try_from(age).ok(),
        _ => None,
    }
}

fn sex(text: &str) -> Option<Sex> {
    match whole_number(text)? {
        0 => Some(Sex::Male),
        1 => Some(Sex::Female),
        _ => None,
    }
}

/// The device's model: `AT-6 C 5.5`, of which the number is its software's, is an `AT-6 C`, and `CS-12   E` a `CS-12 E`.
fn device(text: &str) -> Option<String> {
    let is_revision = |word: &str| word.starts_with(|first: char| first.is_ascii_digit());
    let model: Vec<&str> = text.split_whitespace().take_while(|word| !is_revision(word)).collect();
    (!model.is_empty()).then(|| model.join(" "))
}

fn fold(text: &str) -> Option<u8> {
    let fold = u8::try_from(whole_number(text)?).ok()?;
    (1..=10).contains(&fold).then_some(fold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coded_fields_are_read() {
        assert_eq!(age("56.0"), Some(56));
        assert_eq!(age("300.0"), Some(90));
        assert_eq!(age("121"), None);
        assert_eq!((sex("0"), sex("1"), sex("2")), (Some(Sex::Male), Some(Sex::Female), None));
        let models = ["CS-12   E", "AT-6 C 5.5", "AT-6     6", "AT-60    3", "CS100    3", ""].map(device);
        let expected = ["CS-12 E", "AT-6 C", "AT-6", "AT-60", "CS100"].map(|model| Some(model.to_owned()));
        assert_eq!((&models[..5], &models[5]), (&expected[..], &None));
        assert_eq!((fold("10"), fold("0"), fold("11")), (Some(10), None, None));
    }
}

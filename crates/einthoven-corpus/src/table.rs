//! A table of one's own: a CSV or Parquet file with a row for each recording.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use einthoven_signal::Sex;
use serde::{Deserialize, Serialize};

use crate::csv_table::{Column, Row, Table};
use crate::labels::{Classes, LabelSets};
use crate::listing::{Listing, ListingBuilder, fold_of_patient};
use crate::{Code, Entry, Location, Result, SplitConfig, ontology, statements};

/// Where the table of a dataset lies, and what its columns are called.
///
/// `path` must be there; a column that the table does not have says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TableConfig {
    /// The CSV or Parquet file, in the root folder. Where it is not there, one of the same name that ends in `.parquet`.
    pub file: PathBuf,
    /// Column of the recording's file, relative to the root folder; of a WFDB record with or without `.hea`.
    pub path: String,
    /// Column of the record's id. Without it, the path is the id.
    pub id: String,
    /// Column of the patient's id. Without it, each record is a patient of its own.
    pub patient: String,
    /// Column of what is said about the recording, in words.
    pub text: String,
    /// Column of labels, separated by `;` or, in Parquet, a list. SCP-ECG and SNOMED CT codes are put into words where there is no text.
    pub labels: String,
    /// Column of the age, in years.
    pub age: String,
    /// Column of the sex: `female` or `male`, `f` or `m`.
    pub sex: String,
    /// Column of the device that made the recording.
    pub device: String,
    /// Column of the fold, from 1 to 255.
    pub fold: String,
    /// Column of the split, in place of folds: `train`, `validation` or `test`.
    pub split: String,
}

impl Default for TableConfig {
    /// `records.csv` with columns of these names.
    fn default() -> Self {
        let [path, id, patient, text, labels, age, sex, device, fold, split] =
            ["path", "id", "patient", "text", "labels", "age", "sex", "device", "fold", "split"].map(str::to_owned);
        Self { file: "records.csv".into(), path, id, patient, text, labels, age, sex, device, fold, split }
    }
}

/// Lists the records of a table. Without folds, patients are dealt out to ten.
pub(crate) fn open(root: &Path, config: &TableConfig, splits: &SplitConfig) -> Result<Listing> {
    let file = root.join(&config.file);
    let parquet = file.with_extension("parquet");
    let mut table = Table::open(if !file.is_file() && parquet.is_file() { parquet } else { file })?;
    let columns = Columns::find(&table, config)?;
    let path = table.path.clone();
    let mut listing = ListingBuilder::new(root, &path);
    let mut labels = BTreeSet::new();
    while let Some(row) = table.next() {
        let row = row?;
        let entry = columns.entry(&row, root, splits)?;
        labels.extend(entry.codes.iter().map(|code| code.code.clone()));
        listing.push(entry, row.line, None)?;
    }
    let classes = Classes::codes(labels.iter().map(String::as_str));
    listing.finish(LabelSets::from([("labels".to_owned(), classes)]))
}

struct Columns {
    path: Column,
    id: Option<Column>,
    patient: Option<Column>,
    text: Option<Column>,
    labels: Option<Column>,
    age: Option<Column>,
    sex: Option<Column>,
    device: Option<Column>,
    fold: Option<Column>,
    split: Option<Column>,
}

impl Columns {
    fn find(table: &Table, config: &TableConfig) -> Result<Self> {
        Ok(Self {
            path: table.column(&config.path)?,
            id: table.find(&config.id),
            patient: table.find(&config.patient),
            text: table.find(&config.text),
            labels: table.find(&config.labels),
            age: table.find(&config.age),
            sex: table.find(&config.sex),
            device: table.find(&config.device),
            fold: table.find(&config.fold),
            split: table.find(&config.split),
        })
    }

    fn entry(&self, row: &Row<'_>, root: &Path, splits: &SplitConfig) -> Result<Entry> {
        let path = row.required(self.path)?;
        let id = self.id.map_or(Ok(path), |column| row.required(column))?.to_owned();
        let patient = self.patient.map_or(Ok(id.as_str()), |column| row.required(column))?.to_owned();
        let report = self.text.map(|column| row.text(column).to_owned()).filter(|text| !text.is_empty());
        let codes = self.labels.map_or_else(Vec::new, |column| codes(row.text(column)));
        let statements = match &report {
            Some(text) => vec![text.trim_end_matches('.').to_owned()],
            None => codes.iter().map(|code| english(&code.code)).collect(),
        };
        Ok(Entry {
            location: Location::File(recording(root, path)),
            age: self.read(row, self.age, "an age in years, from 0 to 120", age)?,
            sex: self.read(row, self.sex, "female, male, f or m", sex)?,
            device: self.device.map(|column| row.text(column).to_owned()).filter(|text| !text.is_empty()),
            fold: match (self.fold, self.split) {
                (Some(_), _) => self.read(row, self.fold, "a fold from 1 to 255", fold)?,
                (None, Some(_)) => {
                    self.read(row, self.split, "train, validation or test", |text| fold_of_split(text, splits))?
                }
                (None, None) => Some(fold_of_patient(&patient)),
            },
            id,
            patient,
            codes,
            statements,
            report,
        })
    }

    fn read<T>(
        &self,
        row: &Row<'_>,
        column: Option<Column>,
        expected: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        column.map_or(Ok(None), |column| row.optional(column, expected, read))
    }
}

/// The file of a recording: as it is, or of a WFDB record that is named without extension, its header.
fn recording(root: &Path, path: &str) -> PathBuf {
    let header = root.join(format!("{path}.hea"));
    if header.is_file() { header } else { root.join(path) }
}

fn codes(text: &str) -> Vec<Code> {
    let labels = text.split(';').map(str::trim).filter(|label| !label.is_empty());
    labels.map(|label| Code { code: label.to_owned(), likelihood: 100.0 }).collect()
}

/// What a label says: in English where it is a code that is known.
fn english(label: &str) -> String {
    let known = statements::english(label).or_else(|| ontology::snomed(label).map(|diagnosis| diagnosis.name.as_str()));
    known.unwrap_or(label).to_owned()
}

fn age(text: &str) -> Option<u8> {
    let age: f64 = text.parse().ok()?;
    // Years that are complete.
    (0.0..=120.0).contains(&age).then_some(age as u8)
}

fn sex(text: &str) -> Option<Sex> {
    match text.to_lowercase().as_str() {
        "female" | "f" => Some(Sex::Female),
        "male" | "m" => Some(Sex::Male),
        _ => None,
    }
}

fn fold(text: &str) -> Option<u8> {
    text.parse().ok().filter(|&fold| fold > 0)
}

/// The first fold of the split called `text`.
fn fold_of_split(text: &str, splits: &SplitConfig) -> Option<u8> {
    let folds = match text.to_lowercase().as_str() {
        "train" | "training" => &splits.train,
        "validation" | "valid" | "val" | "dev" => &splits.validation,
        "test" => &splits.test,
        _ => return None,
    };
    folds.first().copied()
}

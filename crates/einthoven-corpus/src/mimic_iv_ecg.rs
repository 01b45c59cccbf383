//! MIMIC-IV-ECG (doi 10.13026/4nqg-sb35) in its published layout: `record_list.csv`, `machine_measurements.csv`, `files/`.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use crate::csv_table::{Row, Table};
use crate::labels::LabelSets;
use crate::listing::{Listing, ListingBuilder, fold_of_patient};
use crate::{Entry, Location, Result};

/// The table of records.
pub(crate) const RECORD_LIST: &str = "record_list.csv";

/// The table of what the cart's program measured and reported, a row for each study.
const MEASUREMENTS: &str = "machine_measurements.csv";

/// Lists the records under `root`, one for each study, with the lines of the machine's report as statements.
pub(crate) fn open(root: &Path) -> Result<Listing> {
    let mut reports = reports(root)?;
    let mut table = Table::open(root.join(RECORD_LIST))?;
    let [subject, study, header] = ["subject_id", "study_id", "path"].map(|name| table.column(name));
    let (subject, study, header) = (subject?, study?, header?);
    let path = table.path.clone();
    let mut listing = ListingBuilder::new(root, &path);
    while let Some(row) = table.next() {
        let row = row?;
        let patient = row.required(subject)?.to_owned();
        let id = row.required(study)?.to_owned();
        let file = PathBuf::from(format!("{}.hea", row.required(header)?));
        if !file.components().all(|part| matches!(part, Component::Normal(_))) {
            return row.refuse(header, "a path inside the dataset's folder");
        }
        let entry = Entry {
            fold: Some(fold_of_patient(&patient)),
            statements: reports.remove(&id).unwrap_or_default(),
            location: Location::File(root.join(file)),
            codes: Vec::new(),
            report: None,
            age: None,
            sex: None,
            device: None,
            patient,
            id,
        };
        listing.push(entry, row.line, Some("dat"))?;
    }
    listing.finish(LabelSets::new())
}

/// The lines of the report of each study.
fn reports(root: &Path) -> Result<HashMap<String, Vec<String>>> {
    let mut table = Table::open(root.join(MEASUREMENTS))?;
    let study = table.column("study_id")?;
    // `report_0` to `report_17`.
    table.column("report_0")?;
    let lines = table.columns_with_prefix("report_");
    let mut reports = HashMap::new();
    while let Some(row) = table.next() {
        let row: Row = row?;
        let said = lines.iter().map(|&line| row.text(line)).filter(|text| !text.is_empty());
        reports.insert(row.required(study)?.to_owned(), said.map(str::to_owned).collect());
    }
    Ok(reports)
}

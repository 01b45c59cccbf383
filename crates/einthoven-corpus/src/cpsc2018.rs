//! CPSC2018 as the China Physiological Signal Challenge gave it out: `REFERENCE.csv` and MATLAB files, in folders or beside it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::csv_table::Table;
use crate::listing::{Listing, ListingBuilder, files_below, fold_of_patient};
use crate::{Code, Entry, Error, Location, Result, ontology};

/// The table of labels.
pub(crate) const REFERENCE: &str = "REFERENCE.csv";

/// The nine labels as SNOMED CT codes, in the order of their numbers from 1, as the PhysioNet/CinC Challenge 2020 mapped them: normal, atrial fibrillation,
/// first degree AV block, left and right bundle branch block, premature atrial and ventricular contraction, ST depression and ST elevation.
const LABELS: [&str; 9] = [
    "426783006",
    "164889003",
    "270492004",
    "164909002",
    "59118001",
    "284470004",
    "164884008",
    "429622005",
    "164931005",
];

/// Lists the recordings under `root`. No patient is known: each recording is one of its own.
pub(crate) fn open(root: &Path) -> Result<Listing> {
    let files = files_below(root, &|path| path.extension().is_some_and(|extension| extension == "mat"))?;
    if files.is_empty() {
        return Err(Error::NoRecordings { root: root.to_owned(), expected: "MATLAB files (.mat)" });
    }
    let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut by_name: BTreeMap<String, std::path::PathBuf> = files.into_iter().map(|path| (name(&path), path)).collect();
    let tables = files_below(root, &|path| path.file_name().is_some_and(|name| name == REFERENCE))?;
    let mut table = Table::open(tables.into_iter().next().unwrap_or_else(|| root.join(REFERENCE)))?;
    let recording = table.column("Recording")?;
    let labels = [table.column("First_label")?, table.column("Second_label")?, table.column("Third_label")?];
    let path = table.path.clone();
    let mut listing = ListingBuilder::new(root, &path);
    while let Some(row) = table.next() {
        let row = row?;
        let id = row.required(recording)?.to_owned();
        let mut codes = Vec::new();
        for column in labels {
            let code = |text: &str| LABELS.get(text.parse::<usize>().ok()?.checked_sub(1)?).copied();
            let code = row.optional(column, "a label from 1 to 9", code)?;
            codes.extend(code.map(|code| Code { code: code.to_owned(), likelihood: 100.0 }));
        }
        let entry = Entry {
            patient: id.clone(),
            fold: Some(fold_of_patient(&id)),
            location: Location::File(by_name.remove(&id).unwrap_or_else(|| root.join(format!("{id}.mat")))),
            statements: codes.iter().filter_map(|code| Some(ontology::snomed(&code.code)?.name.clone())).collect(),
            codes,
            report: None,
            age: None,
            sex: None,
            device: None,
            id,
        };
        listing.push(entry, row.line, None)?;
    }
    listing.finish(ontology::label_sets())
}

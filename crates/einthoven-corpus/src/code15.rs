//! CODE-15 % (doi 10.5281/zenodo.4916206) in its published layout: `exams.csv` and beside it `exams_part0.hdf5` to `exams_part17.hdf5`.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path};

use einthoven_signal::Sex;
use einthoven_signal::format::hdf5::Archive;

use crate::csv_table::{Table, whole_number};
use crate::listing::{Listing, fold_of_patient};
use crate::{Code, Entry, Error, Location, Result, ontology};

/// The table of exams.
pub(crate) const EXAMS: &str = "exams.csv";

/// The six abnormalities: their columns, and the SNOMED CT codes that the PhysioNet/CinC Challenge 2021 uses for them.
const ABNORMALITIES: [(&str, &str); 6] = [
    ("1dAVb", "270492004"),
    ("RBBB", "59118001"),
    ("LBBB", "164909002"),
    ("SB", "426177001"),
    ("ST", "427084000"),
    ("AF", "164889003"),
];

/// A file of tracings that is there.
struct Part {
    archive: usize,
    /// The place of each exam.
    records: HashMap<i64, usize>,
}

/// Lists the exams under `root`, and opens the files of tracings.
pub(crate) fn open(root: &Path) -> Result<(Listing, Vec<Archive>)> {
    let mut table = Table::open(root.join(EXAMS))?;
    let [exam, patient, age, is_male, normal, file] =
        ["exam_id", "patient_id", "age", "is_male", "normal_ecg", "trace_file"].map(|name| table.column(name));
    let (exam, patient, age, is_male, normal, file) = (exam?, patient?, age?, is_male?, normal?, file?);
    let mut flags = Vec::new();
    for (name, code) in ABNORMALITIES {
        flags.push((table.column(name)?, code));
    }
    let mut listing = Listing { label_sets: ontology::label_sets(), ..Listing::default() };
    let mut archives = Vec::new();
    let mut parts: BTreeMap<String, Option<Part>> = BTreeMap::new();
    let mut listed = 0;
    while let Some(row) = table.next() {
        let row = row?;
        listed += 1;
        let name = row.required(file)?;
        if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
            return row.refuse(file, "a path inside the dataset's folder");
        }
        let part = match parts.get(name) {
            Some(part) => part,
            None => {
                let opened = part(root, name, &mut archives)?;
                parts.entry(name.to_owned()).or_insert(opened)
            }
        };
        let id = row.required(exam)?.to_owned();
        let Some(part) = part else {
            listing.missing.push(id, format!("{name} is missing"));
            continue;
        };
        let Some(&record) = id.parse().ok().and_then(|number: i64| part.records.get(&number)) else {
            listing.missing.push(id, format!("it is not in {name}"));
            continue;
        };
        let patient = row.required(patient)?.to_owned();
        let is_true = |column| row.optional(column, "True or False", truth).map(|value| value == Some(true));
        let mut codes = Vec::new();
        for &(column, code) in &flags {
            if is_true(column)? {
                codes.push(Code { code: code.to_owned(), likelihood: 100.0 });
            }
        }
        let mut statements: Vec<String> =
            codes.iter().filter_map(|code| Some(ontology::snomed(&code.code)?.name.clone())).collect();
        if is_true(normal)? {
            statements.push("normal ECG".to_owned());
        }
        let years = |text: &str| whole_number(text).and_then(|age| u8::try_from(age).ok()).filter(|&age| age <= 120);
        let sex = |text: &str| truth(text).map(|male| if male { Sex::Male } else { Sex::Female });
        listing.entries.push(Entry {
            fold: Some(fold_of_patient(&patient)),
            location: Location::Archive { archive: part.archive, record },
            age: row.optional(age, "an age in years, from 0 to 120", years)?,
            sex: row.optional(is_male, "True or False", sex)?,
            device: None,
            report: None,
            codes,
            statements,
            patient,
            id,
        });
    }
    match parts.keys().next() {
        Some(first) if archives.is_empty() => {
            Err(Error::NoRecords { table: table.path.clone(), listed, first: root.join(first) })
        }
        _ => Ok((listing, archives)),
    }
}

/// Opens a file of tracings, if it is there.
fn part(root: &Path, name: &str, archives: &mut Vec<Archive>) -> Result<Option<Part>> {
    let path = root.join(name);
    if !path.is_file() {
        return Ok(None);
    }
    let archive = Archive::open(&path).map_err(|source| Error::Signals { source })?;
    let records = archive.exam_ids().iter().enumerate().map(|(place, &id)| (id, place)).collect();
    archives.push(archive);
    Ok(Some(Part { archive: archives.len() - 1, records }))
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

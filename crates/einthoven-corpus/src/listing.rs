//! What the readers of layouts hand over: entries, label sets, and what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::labels::LabelSets;
use crate::{Entry, Error, Leftovers, Location, Result};

/// Folds that patients are dealt out to where a dataset has none.
const FOLDS: u64 = 10;

/// The records of a folder.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// The records that are there, in the order of the table or of their names.
    pub entries: Vec<Entry>,
    /// The records whose files are missing, or whose header cannot be read.
    pub missing: Leftovers,
    pub label_sets: LabelSets,
    /// Codes that the ontology does not know, with the number of their records.
    pub unknown_codes: BTreeMap<String, usize>,
}

/// A listing in the making, from the rows of a table.
pub(crate) struct ListingBuilder<'a> {
    root: &'a Path,
    table: &'a Path,
    ids: BTreeSet<String>,
    first_missing: Option<PathBuf>,
    listing: Listing,
}

impl<'a> ListingBuilder<'a> {
    pub fn new(root: &'a Path, table: &'a Path) -> Self {
        Self { root, table, ids: BTreeSet::new(), first_missing: None, listing: Listing::default() }
    }

    /// Adds the record of a line. Its file must be there, and beside it the one with the extension `signals`.
    pub fn push(&mut self, entry: Entry, line: u64, signals: Option<&str>) -> Result<()> {
        if !self.ids.insert(entry.id.clone()) {
            let key = format!("record {}", entry.id);
            return Err(Error::Duplicate { path: self.table.to_owned(), line, key });
        }
        match missing_file(&entry.location, signals) {
            None => self.listing.entries.push(entry),
            Some(file) => {
                let shown = file.strip_prefix(self.root).unwrap_or(&file);
                self.listing.missing.push(entry.id, format!("{} is missing", shown.display()));
                self.first_missing.get_or_insert(file);
            }
        }
        Ok(())
    }

    pub fn finish(self, label_sets: LabelSets) -> Result<Listing> {
        match self.first_missing {
            Some(first) if self.listing.entries.is_empty() => {
                Err(Error::NoRecords { table: self.table.to_owned(), listed: self.ids.len(), first })
            }
            _ => Ok(Listing { label_sets, ..self.listing }),
        }
    }
}

/// The first file of a record that is not there.
fn missing_file(location: &Location, signals: Option<&str>) -> Option<PathBuf> {
    let Location::File(file) = location else {
        return None;
    };
    let beside = signals.map(|extension| file.with_extension(extension));
    std::iter::once(file.clone()).chain(beside).find(|file| !file.is_file())
}

/// The fold of a patient in a dataset that has none, from 1 to 10: a pure function of the id, so that a patient stays in it
/// whatever else is in the folder.
pub(crate) fn fold_of_patient(patient: &str) -> u8 {
    let digest = Sha256::digest(patient);
    let number = digest.iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte));
    (number % FOLDS) as u8 + 1
}

/// The files below `root` that `wanted` says, sorted; folders that are links are not entered, so that there is no loop.
pub(crate) fn files_below(root: &Path, wanted: &impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut folders = vec![root.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let unreadable = |source| Error::Read { path: folder.clone(), source };
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let path = entry.path();
            if entry.file_type().map_err(unreadable)?.is_dir() {
                folders.push(path);
            } else if wanted(&path) && path.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patients_are_dealt_out_evenly_and_for_good() {
        assert_eq!(["a", "JS00001", "10000032"].map(fold_of_patient), [1, 4, 7]);
        let mut counts = [0; 10];
        for patient in 0..10_000 {
            counts[usize::from(fold_of_patient(&patient.to_string())) - 1] += 1;
        }
        // 1000 ± 30 in each.
        assert!(counts.iter().all(|count| (880..1120).contains(count)), "{counts:?}");
    }
}

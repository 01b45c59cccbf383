//! A plain folder of recordings, of any format that is read, and nothing said about them.

use std::path::{Component, Path, PathBuf};

use crate::labels::LabelSets;
use crate::listing::{Listing, ListingBuilder, files_below, fold_of_patient};
use crate::{Entry, Error, Location, Result, TableConfig};

/// The extensions of recordings.
const EXTENSIONS: [&str; 9] = ["csv", "dcm", "edf", "hea", "mat", "npy", "parquet", "scp", "xml"];

/// PhysioNet's list of a folder's records, a name a line.
const RECORDS: &str = "RECORDS";

/// How deep folders with lists of their own may lie in one another.
const DEEPEST: usize = 16;

/// Lists the recordings in `root`: those that PhysioNet's list `RECORDS` names, or without one all in it and in the folders in it. An id is the path below
/// `root` without its extension. A table that has the usual name and lies in `root` is no recording, nor is a `.mat` file that belongs to a WFDB header.
pub(crate) fn open(root: &Path) -> Result<Listing> {
    let list = root.join(RECORDS);
    if list.is_file() {
        let mut listing = ListingBuilder::new(root, &list);
        listed(root, Path::new(""), 0, &mut listing)?;
        return listing.finish(LabelSets::new());
    }
    let table = root.join(TableConfig::default().file);
    let is_recording = |path: &Path| {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        let Some(extension) = extension.filter(|found| EXTENSIONS.contains(&found.as_str())) else {
            return false;
        };
        let is_table = path == table || path == table.with_extension("parquet");
        let belongs = extension == "mat" && path.with_extension("hea").is_file();
        !is_table && !belongs
    };
    let files = files_below(root, &is_recording)?;
    if files.is_empty() {
        return Err(Error::NoRecordings {
            root: root.to_owned(),
            expected: "recordings (.hea, .dcm, .xml, .scp, .edf, .mat, .npy, .parquet or .csv)",
        });
    }
    let mut listing = Listing::default();
    for path in files {
        let id = path.strip_prefix(root).unwrap_or(&path).with_extension("").display().to_string();
        if listing.entries.last().is_some_and(|entry: &Entry| entry.id == id) {
            listing.missing.push(path.display().to_string(), "another recording has the same name");
            continue;
        }
        listing.entries.push(entry(id, path));
    }
    Ok(listing)
}

/// The records that the list in the folder `below` the root names. A name that ends in `/` is a folder with a list of its own.
fn listed(root: &Path, below: &Path, depth: usize, listing: &mut ListingBuilder<'_>) -> Result<()> {
    let list = root.join(below).join(RECORDS);
    let text = std::fs::read_to_string(&list).map_err(|source| Error::Read { path: list.clone(), source })?;
    for (line, name) in (1..).zip(text.lines().map(str::trim)).filter(|(_, name)| !name.is_empty()) {
        let path = below.join(name);
        let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || depth > DEEPEST {
            let (value, column) = (name.to_owned(), "record".to_owned());
            let expected = "a record or folder inside the dataset's folder";
            return Err(Error::Field { path: list, line, column, value, expected });
        }
        if name.ends_with('/') {
            listed(root, &path, depth + 1, listing)?;
            continue;
        }
        // Of a WFDB record the name alone stands there, of other formats the file.
        let file = root.join(&path);
        let header = PathBuf::from(format!("{}.hea", file.display()));
        let found = if file.is_file() && !header.is_file() { file } else { header };
        listing.push(entry(path.display().to_string(), found), line, None)?;
    }
    Ok(())
}

fn entry(id: String, path: PathBuf) -> Entry {
    Entry {
        patient: id.clone(),
        fold: Some(fold_of_patient(&id)),
        location: Location::File(path),
        codes: Vec::new(),
        statements: Vec::new(),
        report: None,
        age: None,
        sex: None,
        device: None,
        id,
    }
}

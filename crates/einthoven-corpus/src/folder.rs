//! A plain folder of recordings, of any format that is read, and nothing said about them.

use std::path::Path;

use crate::listing::{Listing, files_below, fold_of_patient};
use crate::{Entry, Error, Location, Result, TableConfig};

/// The extensions of recordings.
const EXTENSIONS: [&str; 8] = ["csv", "dcm", "edf", "hea", "mat", "npy", "scp", "xml"];

/// Lists the recordings in `root` and the folders in it. An id is the path below `root` without its extension. A table that has the
/// usual name and lies in `root` is no recording, nor is a `.mat` file that belongs to a WFDB header.
pub(crate) fn open(root: &Path) -> Result<Listing> {
    let table = root.join(TableConfig::default().file);
    let is_recording = |path: &Path| {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        let Some(extension) = extension.filter(|found| EXTENSIONS.contains(&found.as_str())) else {
            return false;
        };
        path != table && !(extension == "mat" && path.with_extension("hea").is_file())
    };
    let files = files_below(root, &is_recording)?;
    if files.is_empty() {
        return Err(Error::NoRecordings {
            root: root.to_owned(),
            expected: "recordings (.hea, .dcm, .xml, .scp, .edf, .mat, .npy or .csv)",
        });
    }
    let mut listing = Listing::default();
    for path in files {
        let id = path.strip_prefix(root).unwrap_or(&path).with_extension("").display().to_string();
        if listing.entries.last().is_some_and(|entry: &Entry| entry.id == id) {
            listing.missing.push(path.display().to_string(), "another recording has the same name");
            continue;
        }
        listing.entries.push(Entry {
            patient: id.clone(),
            fold: Some(fold_of_patient(&id)),
            location: Location::File(path),
            codes: Vec::new(),
            statements: Vec::new(),
            report: None,
            age: None,
            sex: None,
            id,
        });
    }
    Ok(listing)
}

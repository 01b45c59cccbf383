//! LUDB (doi 10.13026/eegm-h675) in its published layout: WFDB records in `data/`, whose headers say age, sex and diagnoses. What is marked in
//! each lead is read by [`einthoven_signal::format::wfdb::read_lead_annotations`].

use std::collections::BTreeSet;
use std::path::Path;

use einthoven_signal::Sex;
use einthoven_signal::format::wfdb::Header;

use crate::labels::{Classes, LabelSets};
use crate::listing::{Listing, files_below, fold_of_patient};
use crate::{Code, Entry, Error, Location, Result};

/// Lists the records under `root`, one of each patient, with the lines of the diagnosis as statements.
pub(crate) fn open(root: &Path) -> Result<Listing> {
    let headers = files_below(root, &|path| path.extension().is_some_and(|extension| extension == "hea"))?;
    if headers.is_empty() {
        return Err(Error::NoRecordings { root: root.to_owned(), expected: "WFDB headers (.hea)" });
    }
    let mut listing = Listing::default();
    for path in &headers {
        let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let entry = Header::read(path).map_err(|error| error.to_string()).and_then(|header| {
            match header.signals.iter().find(|signal| !path.with_file_name(&signal.file).is_file()) {
                Some(signal) => Err(format!("{} is missing", signal.file)),
                None => entry(id.clone(), path, &header.comments),
            }
        });
        match entry {
            Ok(entry) => listing.entries.push(entry),
            Err(reason) => listing.missing.push(id, reason),
        }
    }
    let diagnoses: BTreeSet<&str> =
        listing.entries.iter().flat_map(|entry| &entry.codes).map(|code| code.code.as_str()).collect();
    listing.label_sets = LabelSets::from([("diagnoses".to_owned(), Classes::codes(diagnoses))]);
    Ok(listing)
}

fn entry(id: String, path: &Path, comments: &[String]) -> std::result::Result<Entry, String> {
    let (mut age, mut sex, mut statements) = (None, None, Vec::new());
    for comment in comments.iter().map(|comment| comment.trim()).filter(|comment| !comment.is_empty()) {
        match comment.strip_prefix('<').and_then(|key| key.split_once(">:")) {
            Some(("age", years)) => age = years_of(years.trim())?,
            Some(("sex", "")) => {}
            Some(("sex", letter)) => sex = sex_of(letter.trim())?,
            // The heading of the lines that follow.
            Some(_) => {}
            None => statements.push(comment.trim_end_matches('.').to_owned()),
        }
    }
    Ok(Entry {
        patient: id.clone(),
        fold: Some(fold_of_patient(&id)),
        location: Location::File(path.to_owned()),
        codes: statements.iter().map(|code| Code { code: code.clone(), likelihood: 100.0 }).collect(),
        statements,
        report: None,
        age,
        sex,
        device: None,
        id,
    })
}

fn years_of(text: &str) -> std::result::Result<Option<u8>, String> {
    match text.parse() {
        _ if text.is_empty() => Ok(None),
        // Over 89, which is written as `>89`.
        _ if text.starts_with('>') => Ok(Some(90)),
        Ok(age @ 0..=120) => Ok(Some(age)),
        _ => Err(format!("its age is `{text}`: expected years")),
    }
}

fn sex_of(text: &str) -> std::result::Result<Option<Sex>, String> {
    match text {
        "F" => Ok(Some(Sex::Female)),
        "M" => Ok(Some(Sex::Male)),
        _ => Err(format!("its sex is `{text}`: expected F or M")),
    }
}

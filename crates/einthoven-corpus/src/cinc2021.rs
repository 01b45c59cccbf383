//! The layout of the PhysioNet/CinC Challenge 2021: WFDB records that carry age, sex and SNOMED CT codes in the comments of
//! their headers. Also that of Chapman-Shaoxing-Ningbo, and of CPSC2018 and Georgia as the challenge gives them out.

use std::collections::BTreeMap;
use std::path::Path;

use einthoven_signal::Sex;
use einthoven_signal::format::wfdb::Header;
use rayon::prelude::*;

use crate::listing::{Listing, files_below, fold_of_patient};
use crate::{Code, Entry, Error, Location, Result, ontology};

/// Lists the records in `root` and the folders in it. No patient is known: each record is one of its own.
pub(crate) fn open(root: &Path) -> Result<Listing> {
    let headers = files_below(root, &|path| path.extension().is_some_and(|extension| extension == "hea"))?;
    if headers.is_empty() {
        return Err(Error::NoRecordings { root: root.to_owned(), expected: "WFDB headers (.hea)" });
    }
    let read: Vec<_> = headers.par_iter().map(|path| entry(path)).collect();
    let mut listing = Listing { label_sets: ontology::label_sets(), ..Listing::default() };
    let mut seen = BTreeMap::new();
    for (path, entry) in headers.iter().zip(read) {
        let shown = path.strip_prefix(root).unwrap_or(path);
        match entry {
            Ok(entry) => {
                if let Some(first) = seen.insert(entry.id.clone(), path) {
                    let reason = format!("{} has the same name", first.display());
                    listing.missing.push(shown.display().to_string(), reason);
                    continue;
                }
                for code in entry.codes.iter().filter(|code| ontology::snomed(&code.code).is_none()) {
                    *listing.unknown_codes.entry(code.code.clone()).or_default() += 1;
                }
                listing.entries.push(entry);
            }
            Err(reason) => listing.missing.push(shown.display().to_string(), reason),
        }
    }
    Ok(listing)
}

/// The record of a header, or why there is none.
fn entry(path: &Path) -> std::result::Result<Entry, String> {
    let header = Header::read(path).map_err(|error| error.to_string())?;
    if let Some(signal) = header.signals.iter().find(|signal| !path.with_file_name(&signal.file).is_file()) {
        return Err(format!("{} is missing", signal.file));
    }
    let said = Said::of(&header.comments)?;
    let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let english = |code: &Code| Some(ontology::snomed(&code.code)?.name.clone());
    Ok(Entry {
        patient: id.clone(),
        fold: Some(fold_of_patient(&id)),
        location: Location::File(path.to_owned()),
        statements: said.codes.iter().filter_map(english).collect(),
        codes: said.codes,
        report: None,
        age: said.age,
        sex: said.sex,
        device: None,
        id,
    })
}

/// What the comments of a header say.
#[derive(Default)]
struct Said {
    codes: Vec<Code>,
    age: Option<u8>,
    sex: Option<Sex>,
}

impl Said {
    fn of(comments: &[String]) -> std::result::Result<Self, String> {
        let mut said = Self::default();
        for (key, value) in comments.iter().filter_map(|comment| comment.split_once(':')) {
            let value = value.trim();
            match key.trim() {
                "Age" => said.age = age(value)?,
                "Sex" => said.sex = sex(value)?,
                "Dx" => said.codes = codes(value)?,
                _ => {}
            }
        }
        Ok(said)
    }
}

fn is_unknown(text: &str) -> bool {
    ["", "nan", "unknown"].contains(&text.to_ascii_lowercase().as_str())
}

fn age(text: &str) -> std::result::Result<Option<u8>, String> {
    if is_unknown(text) {
        return Ok(None);
    }
    match text.parse() {
        Ok(age @ 0..=120) => Ok(Some(age)),
        _ => Err(format!("its age is `{text}`: expected years or Unknown")),
    }
}

fn sex(text: &str) -> std::result::Result<Option<Sex>, String> {
    match text.to_ascii_lowercase().as_str() {
        "female" | "f" => Ok(Some(Sex::Female)),
        "male" | "m" => Ok(Some(Sex::Male)),
        unknown if is_unknown(unknown) => Ok(None),
        _ => Err(format!("its sex is `{text}`: expected Female, Male or Unknown")),
    }
}

fn codes(text: &str) -> std::result::Result<Vec<Code>, String> {
    let mut codes: Vec<Code> = Vec::new();
    for code in text.split(',').map(str::trim).filter(|code| !is_unknown(code)) {
        if !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("its diagnosis `{code}` is no SNOMED CT code"));
        }
        // Some headers say a code twice.
        if codes.iter().all(|known| known.code != code) {
            codes.push(Code { code: code.to_owned(), likelihood: 100.0 });
        }
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_read() {
        let said = |lines: &[&str]| Said::of(&lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>());
        let full = said(&["Age: 78", "Sex: Male", "Dx: 67741000119109,426177001,426177001", "Rx: Unknown"]).unwrap();
        let codes: Vec<_> = full.codes.iter().map(|code| code.code.as_str()).collect();
        assert_eq!((full.age, full.sex, codes), (Some(78), Some(Sex::Male), vec!["67741000119109", "426177001"]));
        let empty = said(&["Age: NaN", "Sex: Unknown", "Dx: "]).unwrap();
        assert_eq!((empty.age, empty.sex, empty.codes.len()), (None, None, 0));
        for line in ["Age: old", "Age: 121", "Sex: X", "Dx: AF"] {
            assert!(said(&[line]).is_err(), "{line}");
        }
    }
}

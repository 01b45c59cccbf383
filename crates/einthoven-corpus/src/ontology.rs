//! One vocabulary for the codes of datasets: SNOMED CT codes in English, and the concept that each stands for.
//!
//! A concept is the slug of a page of the knowledge base (`datasets/knowledge`), such as `atrial-fibrillation`; the pages
//! themselves say which SCP-ECG codes they cover. The table `datasets/ontology/snomed-ct.csv` holds the 133 diagnoses that
//! the PhysioNet/CinC Challenge 2021 mapped.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::labels::{Classes, LabelSets};

const SNOMED_CT: &str = include_str!("../../../datasets/ontology/snomed-ct.csv");

/// A coded diagnosis.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diagnosis {
    /// The SNOMED CT code, such as `164889003`.
    pub code: String,
    /// The abbreviation that the challenge uses, such as `AF`.
    pub abbreviation: String,
    /// What it says, in English.
    pub name: String,
    /// The concept, where the vocabulary has it.
    pub concept: Option<String>,
    /// The nearest broader concept, where the vocabulary has no concept of its own for it.
    pub parent: Option<String>,
    /// The class that the challenge scored it as; two codes that say the same are one class.
    pub scored: Option<String>,
}

impl Diagnosis {
    /// The concept, or else the nearest broader one.
    pub fn nearest_concept(&self) -> Option<&str> {
        self.concept.as_deref().or(self.parent.as_deref())
    }
}

/// The table is part of the program: a test proves that it parses.
static DIAGNOSES: LazyLock<Vec<Diagnosis>> =
    LazyLock::new(|| csv::Reader::from_reader(SNOMED_CT.as_bytes()).into_deserialize().flatten().collect());

static BY_CODE: LazyLock<HashMap<&str, &Diagnosis>> =
    LazyLock::new(|| DIAGNOSES.iter().map(|diagnosis| (diagnosis.code.as_str(), diagnosis)).collect());

/// The diagnosis of a SNOMED CT code.
pub fn snomed(code: &str) -> Option<&'static Diagnosis> {
    BY_CODE.get(code).copied()
}

/// The diagnoses known, those that were scored first.
pub fn diagnoses() -> &'static [Diagnosis] {
    &DIAGNOSES
}

/// The label sets of SNOMED CT codes: `all` codes, the `concepts` of the vocabulary, the classes that were `scored`.
pub(crate) fn label_sets() -> LabelSets {
    let pairs = |class: fn(&'static Diagnosis) -> Option<&'static str>| {
        DIAGNOSES.iter().filter_map(move |diagnosis| Some((diagnosis.code.as_str(), class(diagnosis)?)))
    };
    [
        ("all", Classes::new(&[], pairs(|diagnosis| Some(&diagnosis.code)))),
        ("concepts", Classes::new(&[], pairs(Diagnosis::nearest_concept))),
        ("scored", Classes::new(&[], pairs(|diagnosis| diagnosis.scored.as_deref()))),
    ]
    .map(|(name, classes)| (name.to_owned(), classes))
    .into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_has_the_133_diagnoses_and_no_two_alike() {
        assert_eq!(SNOMED_CT.lines().count(), 134);
        assert_eq!(DIAGNOSES.len(), 133);
        assert_eq!(BY_CODE.len(), 133);
        let names: BTreeSet<_> = DIAGNOSES.iter().map(|diagnosis| &diagnosis.name).collect();
        assert_eq!(names.len(), 133);
        assert!(DIAGNOSES.iter().all(|d| d.concept.is_none() || d.parent.is_none()));
        let scored: BTreeSet<_> = DIAGNOSES.iter().filter_map(|diagnosis| diagnosis.scored.as_ref()).collect();
        // 30 codes, of which four pairs say the same.
        assert_eq!((DIAGNOSES.iter().filter(|d| d.scored.is_some()).count(), scored.len()), (30, 26));
    }
}

//! The layout of the PhysioNet/CinC Challenge 2021, and the vocabulary of its codes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use common::{data, wfdb};
use einthoven_corpus::{Dataset, DatasetOptions, Error, Split, ontology};
use einthoven_signal::Sex;

fn open(root: &Path) -> einthoven_corpus::Result<Dataset> {
    Dataset::open("cinc2021", Some(root), &DatasetOptions::default())
}

#[test]
fn headers_become_entries() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    wfdb::write(&root.join("g1"), "B1", "mat", "# Age: 78\n# Sex: Male\n# Dx: 164889003,713427006\n");
    wfdb::write(&root.join("g2"), "A1", "mat", "#Age: NaN\n#Sex: Female\n#Dx: 59118001,123\n");
    let dataset = open(root).unwrap();
    let [first, second] = &dataset.entries[..] else { panic!("{:?}", dataset.entries) };
    assert_eq!((first.id.as_str(), first.age, first.sex), ("B1", Some(78), Some(Sex::Male)));
    assert_eq!(first.statements, ["atrial fibrillation", "complete right bundle branch block"]);
    assert_eq!((second.patient.as_str(), second.age, second.sex), ("A1", None, Some(Sex::Female)));
    assert!((1..=10).contains(&first.fold.unwrap()));

    // A code that is not known is kept and counted, and says nothing.
    assert_eq!(second.codes.iter().map(|code| code.code.as_str()).collect::<Vec<_>>(), ["59118001", "123"]);
    assert_eq!(second.statements, ["right bundle branch block"]);
    assert_eq!(dataset.unknown_codes, BTreeMap::from([("123".to_owned(), 1)]));

    // Two codes that the challenge takes together are one class, and one concept.
    assert_eq!(dataset.label_sets(), ["all", "concepts", "scored"]);
    let members = |name: &str, index: usize| {
        let set = dataset.label_set(name).unwrap();
        let members = set.classes.iter().zip(&set.targets[index]).filter(|(_, member)| **member);
        members.map(|(class, _)| class.clone()).collect::<Vec<_>>()
    };
    assert_eq!(members("scored", 0), ["AF", "CRBBB"]);
    assert_eq!(members("scored", 1), ["CRBBB"]);
    assert_eq!(members("concepts", 1), ["complete-right-bundle-branch-block"]);
    assert_eq!((members("all", 1), dataset.label_set("all").unwrap().classes.len()), (vec!["59118001".into()], 133));
    assert_eq!(dataset.record(0).unwrap().len(), 1000);
}

#[test]
fn what_cannot_be_used_is_left_out_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["A1", "A2", "A3", "A4"] {
        wfdb::write(root, name, "mat", if name == "A3" { "# Age: old\n" } else { "# Age: 5\n" });
    }
    fs::remove_file(root.join("A2.mat")).unwrap();
    fs::write(root.join("A4.hea"), "A4 twelve\n").unwrap();
    wfdb::write(&root.join("again"), "A1", "mat", "");
    let dataset = open(root).unwrap();
    assert_eq!(dataset.len(), 1);
    let missing: Vec<_> = dataset.missing.records.iter().map(|left| (left.id.as_str(), left.reason.as_str())).collect();
    assert_eq!(
        missing[..2],
        [("A2.hea", "A2.mat is missing"), ("A3.hea", "its age is `old`: expected years or Unknown")]
    );
    assert!(missing[2].0 == "A4.hea" && missing[2].1.contains("line 1"), "{missing:?}");
    assert!(missing[3].0 == "again/A1.hea" && missing[3].1.ends_with("A1.hea has the same name"), "{missing:?}");

    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(open(empty.path()), Err(Error::NoRecordings { .. })));
    let rate = DatasetOptions { rate: Some(500), ..DatasetOptions::default() };
    assert!(matches!(Dataset::open("cinc2021", Some(root), &rate), Err(Error::Setting { key: "rate", .. })));
    assert!(matches!(Dataset::open("cinc2021", None, &DatasetOptions::default()), Err(Error::RootNeeded { .. })));
}

#[test]
fn the_sample_is_read_and_its_codes_are_all_known() {
    let Some(sample) = data("cinc2021-sample") else { return };
    let dataset = open(&sample).unwrap();
    assert_eq!((dataset.len(), dataset.missing.count()), (40, 0));
    assert!(dataset.unknown_codes.is_empty(), "{:?}", dataset.unknown_codes);
    let first = &dataset.entries[0];
    assert_eq!((first.id.as_str(), first.age, first.sex), ("E07500", Some(78), Some(Sex::Male)));
    assert_eq!(first.statements, ["left atrial enlargement", "sinus bradycardia"]);
    let counts = |name: &str| {
        let set = dataset.label_set(name).unwrap();
        set.classes.iter().cloned().zip(set.counts()).filter(|(_, count)| *count > 0).collect::<BTreeMap<_, _>>()
    };
    let (all, scored) = (counts("all"), counts("scored"));
    assert_eq!((all.len(), all["427084000"], all["284470004"]), (24, 22, 20));
    assert_eq!((scored["STach"], scored["PAC"], scored["CRBBB"]), (22, 20, 2));
    for index in 0..dataset.len() {
        let record = dataset.record(index).unwrap();
        assert_eq!((record.leads().len(), record.len(), record.sampling_rate()), (12, 5000, 500.0));
    }
    let parts = [Split::Train, Split::Validation, Split::Test].map(|split| dataset.select(&split).len());
    assert_eq!(parts.iter().sum::<usize>(), 40);
}

/// The codes in the front matter of the knowledge base's pages, by the slug of the page.
fn codes_of_pages() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/knowledge");
    let mut codes = BTreeMap::new();
    for page in fs::read_dir(folder).unwrap() {
        let path = page.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let slug = path.file_stem().unwrap().to_str().unwrap();
        codes.insert(slug.to_owned(), slug.to_owned());
        let Some((_, list)) = text.split_once("snomed: [") else { continue };
        for code in list.split(']').next().unwrap().split(',') {
            codes.insert(code.trim().trim_matches('"').to_owned(), slug.to_owned());
        }
    }
    codes
}

#[test]
fn concepts_are_pages_and_agree_with_their_codes() {
    let pages = codes_of_pages();
    for diagnosis in ontology::diagnoses() {
        if let Some(slug) = pages.get(&diagnosis.code) {
            assert_eq!(diagnosis.concept.as_ref(), Some(slug), "{}", diagnosis.name);
        }
        if let Some(concept) = diagnosis.nearest_concept() {
            assert!(pages.contains_key(concept), "{concept}");
        }
    }
    // What an ECG does not show, and what the vocabulary has no word for.
    let apart: BTreeSet<_> = ontology::diagnoses()
        .iter()
        .filter(|d| d.nearest_concept().is_none())
        .map(|d| d.abbreviation.as_str())
        .collect();
    let expected =
        ["AVB", "BRU", "BTS", "Brady", "CCR", "CD", "CHD", "CIAHB", "CR", "CVCL/CCVCL", "HF", "HVD", "SND", "TIA"];
    assert_eq!(apart, expected.into());
}

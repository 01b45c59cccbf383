//! Folds of one's own, and the audit for leakage.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use common::ptbxl_sample;
use einthoven_corpus::folds::{audit, read_parts, stratified_folds};
use einthoven_corpus::{Dataset, DatasetOptions, Error, SimulatedConfig, Split};

fn cohort(records: usize) -> Dataset {
    Dataset::simulated(&SimulatedConfig { records, ..SimulatedConfig::default() }).unwrap()
}

/// The dataset with three records a patient.
fn with_patients(mut dataset: Dataset) -> Dataset {
    for (index, entry) in dataset.entries.iter_mut().enumerate() {
        entry.patient = (index / 3).to_string();
    }
    dataset
}

#[test]
fn patients_stay_together_and_classes_are_spread() {
    let dataset = with_patients(cohort(600));
    let folds = stratified_folds(&dataset, Some("conditions"), 5, 1).unwrap();
    let mut of_patient: BTreeMap<&str, BTreeSet<u8>> = BTreeMap::new();
    for (entry, &fold) in dataset.entries.iter().zip(&folds) {
        of_patient.entry(&entry.patient).or_default().insert(fold);
    }
    assert!(of_patient.values().all(|folds| folds.len() == 1));
    assert_eq!(folds.iter().collect::<BTreeSet<_>>(), (1..=5).collect::<Vec<_>>().iter().collect());

    // Three records of a patient go together, so that a class cannot be spread to the record; patients dealt out in turn, which are
    // as good as drawn, are the measure.
    let set = dataset.label_set("conditions").unwrap();
    // Pearson's chi-squared.
    let unevenness = |folds: &[u8]| {
        let mut sum = 0.0;
        for fold in 1..=5 {
            let members: Vec<usize> = (0..600).filter(|&i| folds[i] == fold).collect();
            for (class, total) in set.counts().into_iter().enumerate() {
                let count = members.iter().filter(|&&i| set.targets[i][class]).count();
                let share = total as f64 / 5.0;
                sum += (count as f64 - share).powi(2) / share;
            }
        }
        sum
    };
    let in_turn: Vec<u8> = (0..600).map(|index| (index / 3 % 5) as u8 + 1).collect();
    let (stratified, by_chance) = (unevenness(&folds), unevenness(&in_turn));
    println!("chi-squared: {stratified} stratified, {by_chance} in turn");
    assert!(stratified < 0.25 * by_chance, "{stratified} {by_chance}");
}

#[test]
fn folds_are_a_pure_function_of_the_seed() {
    let dataset = cohort(100);
    let folds = |seed| stratified_folds(&dataset, Some("super"), 10, seed).unwrap();
    assert_eq!(folds(1), folds(1));
    assert_ne!(folds(1), folds(2));
    // Whatever the order of the records.
    let reversed = dataset.subset(&(0..100).rev().collect::<Vec<_>>());
    let again = stratified_folds(&reversed, Some("super"), 10, 1).unwrap();
    assert_eq!(again.into_iter().rev().collect::<Vec<_>>(), folds(1));
    let without = stratified_folds(&dataset, None, 3, 1).unwrap();
    assert!((1..=3).all(|fold| without.iter().filter(|&&f| f == fold).count().abs_diff(33) <= 1));
    assert!(matches!(stratified_folds(&dataset, None, 1, 1), Err(Error::Setting { key: "folds", .. })));
    assert!(matches!(stratified_folds(&dataset, Some("sub"), 3, 1), Err(Error::UnknownLabelSet { .. })));
}

#[test]
fn the_audit_finds_patients_in_two_parts() {
    let dataset = with_patients(cohort(9));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("split.csv");
    fs::write(&path, "id,split\n0,train\n1,train\n2,test\n3,test\n4,test\n5,test\n6,train\n99,test\n").unwrap();
    let audit = audit(&dataset, &read_parts(&path).unwrap());
    assert_eq!(audit.parts, BTreeMap::from([("test".to_owned(), 4), ("train".to_owned(), 3)]));
    assert_eq!((audit.unassigned, audit.unknown), (2, vec!["99".to_owned()]));
    let [leak] = &audit.leaks[..] else { panic!("{:?}", audit.leaks) };
    assert_eq!(
        (leak.patient.as_str(), &leak.records["train"], &leak.records["test"]),
        ("0", &vec!["0".into(), "1".into()], &vec!["2".into()])
    );

    fs::write(&path, "id,split\n0,train\n0,test\n").unwrap();
    assert!(matches!(read_parts(&path), Err(Error::Duplicate { line: 3, .. })));
    fs::write(&path, "record,split\n0,train\n").unwrap();
    assert!(matches!(read_parts(&path), Err(Error::MissingColumn { .. })));
}

#[test]
fn a_file_of_folds_takes_the_place_of_the_datasets_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("folds.csv");
    let open = |text: &str| {
        fs::write(&path, text).unwrap();
        let simulated = SimulatedConfig { records: 4, ..SimulatedConfig::default() };
        let options = DatasetOptions { folds: Some(path.clone()), simulated, ..DatasetOptions::default() };
        Dataset::open("simulated", None, &options)
    };
    let dataset = open("id,fold\n0,9\n1,1\n3,200\n").unwrap();
    assert_eq!(dataset.entries.iter().map(|entry| entry.fold).collect::<Vec<_>>(), [Some(9), Some(1), None, Some(200)]);
    assert_eq!(dataset.select(&Split::Validation).len(), 1);
    assert_eq!(
        open("id,fold\n0,none\n").unwrap_err().to_string().split(": ").nth(1),
        Some("the fold of record 0 is `none`, expected 1 to 255")
    );
    assert!(matches!(open("id,fold\nx,1\n"), Err(Error::OtherRecords { .. })));
}

/// The published folds of the sample keep patients apart, as the benchmark and MERL take them.
#[test]
fn the_published_folds_do_not_leak() {
    let Some(sample) = ptbxl_sample() else { return };
    let dataset = Dataset::ptbxl(&sample, 100).unwrap();
    let parts = dataset.entries.iter().map(|entry| (entry.id.clone(), entry.fold.unwrap().to_string())).collect();
    let audit = audit(&dataset, &parts);
    assert_eq!((audit.leaks.len(), audit.unassigned, audit.unknown.len()), (0, 0, 0));
}

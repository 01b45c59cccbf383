//! Dataset cards.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::Folder;
use einthoven_corpus::{Dataset, DatasetCard, DatasetOptions, Error, Layout, SimulatedConfig, Split, statements};
use einthoven_signal::Lead;
use einthoven_signal::simulate::Condition;

#[test]
fn the_cards_that_come_along_are_valid_and_agree_with_the_readers() {
    assert_eq!(DatasetCard::built_in().count(), 11);
    for name in DatasetCard::built_in() {
        let card = DatasetCard::open(name).unwrap();
        assert_eq!(card.name, name);
        let leads: BTreeSet<_> = card.signals.leads.iter().cloned().collect();
        assert!(leads.is_empty() || leads == Lead::TWELVE.into(), "{name}");
        assert_eq!(card.splits.train, [1, 2, 3, 4, 5, 6, 7, 8]);
        let again: DatasetCard = toml::from_str(&toml::to_string(&card).unwrap()).unwrap();
        assert_eq!(again, card);
    }
    let folder = Folder::with_records(1);
    let cohort = SimulatedConfig { records: 2, ..SimulatedConfig::default() };
    let options = DatasetOptions { simulated: cohort, ..DatasetOptions::default() };
    for dataset in [Dataset::ptbxl(folder.path(), 100).unwrap(), Dataset::open("simulated", None, &options).unwrap()] {
        let listed: Vec<_> = dataset.card.label_sets.keys().map(String::as_str).collect();
        assert_eq!(listed, dataset.label_sets());
        assert!(listed.iter().all(|name| dataset.label_set(name).is_ok()));
    }
}

#[test]
fn the_simulator_and_the_statement_table_say_the_same() {
    for condition in Condition::ALL {
        assert_eq!(statements::english(condition.code()), Some(condition.statement()));
    }
}

#[test]
fn unknown_names_are_refused_with_the_known_ones() {
    let error = DatasetCard::open("ptbxl").unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no dataset `ptbxl`: expected chapman-shaoxing-ningbo, cinc2021, code-15, cpsc2018, \
         cpsc2018-original, folder, ludb, mimic-iv-ecg, ptb-xl, simulated, table or the path of a card (.toml)"
    );
    assert!(matches!(DatasetCard::open("no/such/card.toml"), Err(Error::Read { .. })));
}

/// PTB-XL's card with a change, as a file in a folder.
fn own_card(folder: &Folder, from: &str, to: &str) -> String {
    let text = include_str!("../../../datasets/ptb-xl.toml");
    assert!(text.contains(from));
    let path = folder.path().join("card.toml");
    fs::write(&path, text.replace(from, to)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_card_of_ones_own_stands_for_its_folder() {
    let folder = Folder::with_records(3);
    let card = own_card(&folder, "name = \"ptb-xl\"", "name = \"our-clinic\"");
    let options = DatasetOptions { rate: Some(100), ..DatasetOptions::default() };
    let dataset = Dataset::open(&card, None, &options).unwrap();
    assert_eq!((dataset.name.as_str(), dataset.card.layout, dataset.len()), ("our-clinic", Layout::PtbXl, 3));
    assert_eq!(dataset.select(&Split::Train).len(), 3);
    assert!(dataset.select(&Split::Test).is_empty());
}

#[test]
fn misspelt_keys_and_overlapping_splits_are_refused() {
    let folder = Folder::new();
    let card = own_card(&folder, "licence =", "license =");
    let error = DatasetCard::open(&card).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("line") && source.contains("license"), "{source}");
    let card = own_card(&folder, "validation = [9]", "validation = [8, 9]");
    assert!(matches!(DatasetCard::open(&card), Err(Error::Setting { key: "train", .. })));
}

#[test]
fn checksums_tell_the_published_files_from_others() {
    let folder = Folder::with_records(1);
    let card = DatasetCard::open("ptb-xl").unwrap();
    match card.verify(folder.path()) {
        Err(Error::Checksum { path, expected, found, .. }) => {
            assert!(path.ends_with("ptbxl_database.csv"));
            assert_eq!((expected.len(), found.len()), (64, 64));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_sample_carries_the_published_statement_table() {
    let Some(sample) = common::ptbxl_sample() else { return };
    let mut card = DatasetCard::open("ptb-xl").unwrap();
    card.files.retain(|file| file.path.ends_with("scp_statements.csv"));
    assert_eq!(card.files.len(), 1);
    card.verify(&sample).unwrap();
}

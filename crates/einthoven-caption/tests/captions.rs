//! Descriptions in the captions of datasets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;

use common::{KNOWLEDGE, data};
use einthoven_corpus::{CaptionConfig, Dataset, SimulatedConfig, statements};

#[test]
fn every_scp_statement_is_described_by_its_own_page() {
    let describe = KNOWLEDGE.descriptions();
    for code in statements::codes() {
        let statement = statements::english(code).unwrap();
        assert_eq!(describe(statement).as_deref(), KNOWLEDGE.by_scp(code).map(|page| page.waveform()), "{statement}");
    }
}

/// Every statement of the dataset has a line in the caption of every record that has it.
fn assert_described(dataset: &Dataset) {
    let (kept, captions, leftovers) = CaptionConfig::default().captions(dataset, &KNOWLEDGE.descriptions());
    assert!(leftovers.is_empty(), "{leftovers}");
    let mut statements = BTreeSet::new();
    for (entry, caption) in kept.entries.iter().zip(captions.iter()) {
        assert_eq!(caption.lines().count(), 2 + entry.statements.len(), "{caption}");
        statements.extend(&entry.statements);
    }
    println!("{} records, {} statements", captions.len(), statements.len());
}

#[test]
fn every_record_of_the_sample_has_its_statements_described() {
    let Some(sample) = data("ptbxl-sample") else { return };
    let dataset = Dataset::ptbxl(&sample, 100).unwrap();
    assert_eq!(dataset.len(), 434);
    assert_described(&dataset);
}

#[test]
fn every_simulated_record_has_its_statements_described() {
    assert_described(&Dataset::simulated(&SimulatedConfig { records: 200, ..SimulatedConfig::default() }).unwrap());
}

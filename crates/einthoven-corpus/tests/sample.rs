//! The real PTB-XL sample: 434 records of folds 1 to 9.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use common::ptbxl_sample;
use einthoven_corpus::caption::no_descriptions;
use einthoven_corpus::{CaptionConfig, CaptionTemplate, Dataset, Split};

fn counts(dataset: &Dataset, label_set: &str) -> BTreeMap<String, usize> {
    let set = dataset.label_set(label_set).unwrap();
    let counts = set.counts();
    set.classes.into_iter().zip(counts).collect()
}

#[test]
fn the_sample_opens_with_its_folds() {
    let Some(sample) = ptbxl_sample() else { return };
    let dataset = Dataset::ptbxl(&sample, 100).unwrap();
    assert_eq!(dataset.len(), 434);
    assert!(dataset.missing.is_empty());
    let fold = |fold| dataset.select(&Split::Folds(vec![fold])).len();
    assert_eq!((1..=10).map(fold).collect::<Vec<_>>(), [58, 51, 34, 42, 47, 33, 44, 44, 81, 0]);
    assert_eq!(dataset.select(&Split::Train).len(), 353);
    assert_eq!(dataset.select(&Split::Validation).len(), 81);
}

#[test]
fn the_sample_has_the_published_label_sets() {
    let Some(sample) = ptbxl_sample() else { return };
    let dataset = Dataset::ptbxl(&sample, 100).unwrap();
    let sizes = ["all", "diagnostic", "sub", "super", "form", "rhythm"].map(|set| {
        let set = dataset.label_set(set).unwrap();
        (set.classes.len(), set.unlabelled())
    });
    assert_eq!(sizes, [(71, 0), (44, 10), (23, 10), (5, 10), (19, 324), (12, 28)]);
    let expected = |counts: [usize; 5]| {
        let classes = ["CD", "HYP", "MI", "NORM", "STTC"].map(str::to_owned);
        classes.into_iter().zip(counts).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(counts(&dataset, "super"), expected([67, 33, 65, 261, 80]));
    assert_eq!(counts(&dataset.select(&Split::Validation), "super"), expected([10, 8, 16, 36, 21]));
}

#[test]
fn the_sample_was_recorded_with_three_devices() {
    let Some(sample) = ptbxl_sample() else { return };
    let dataset = Dataset::ptbxl(&sample, 100).unwrap();
    let mut devices: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in &dataset.entries {
        *devices.entry(entry.device.as_deref().unwrap()).or_default() += 1;
    }
    assert_eq!(devices, BTreeMap::from([("AT-6 C", 203), ("CS-12", 16), ("CS-12 E", 215)]));
}

#[test]
fn the_sample_has_both_rates() {
    let Some(sample) = ptbxl_sample() else { return };
    for (rate, length) in [(100, 1000), (500, 5000)] {
        let dataset = Dataset::ptbxl(&sample, rate).unwrap();
        for index in [0, 200, 433] {
            let record = dataset.record(index).unwrap();
            assert_eq!((record.leads().len(), record.len()), (12, length));
            assert_eq!(record.sampling_rate(), f64::from(rate));
        }
    }
}

#[test]
fn the_sample_is_captioned() {
    let Some(sample) = ptbxl_sample() else { return };
    let dataset = Dataset::ptbxl(&sample, 100).unwrap();
    let (kept, captions, leftovers) = CaptionConfig::default().captions(&dataset, &no_descriptions);
    assert_eq!((kept.len(), captions.len(), leftovers.count()), (434, 434, 0));
    assert_eq!(
        captions[0],
        "This patient is a 56 year-old female. ECG Findings: normal ECG, low QRS voltage in frontal and horizontal \
         leads, sinus rhythm."
    );
    for (entry, caption) in kept.entries.iter().zip(captions.iter()) {
        assert!(!caption.to_lowercase().contains("nan"), "{caption}");
        assert!(!caption.contains(&entry.patient), "{caption}");
    }
    // Those of unknown age or sex, and those over 89.
    assert_eq!(captions.iter().filter(|c| !c.contains("year-old")).count(), 4);
    assert_eq!(captions.iter().filter(|c| c.contains("90+ year-old")).count(), 3);

    let config = CaptionConfig { template: CaptionTemplate::Findings, ..CaptionConfig::default() };
    let (_, captions, _) = config.captions(&dataset, &no_descriptions);
    assert_eq!(captions[0], "normal ECG, low QRS voltage in frontal and horizontal leads, sinus rhythm");
}

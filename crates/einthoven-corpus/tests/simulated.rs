//! The simulated cohort.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use einthoven_corpus::caption::no_descriptions;
use einthoven_corpus::{CaptionConfig, CaptionTemplate, Dataset, DatasetOptions, Error, SimulatedConfig, Split};
use einthoven_random::Streams;
use einthoven_signal::measure::measure;
use einthoven_signal::simulate::{Population, SimulatorConfig, simulate};

fn cohort(records: usize, seed: u64) -> Dataset {
    Dataset::simulated(&SimulatedConfig { records, seed, ..SimulatedConfig::default() }).unwrap()
}

#[test]
fn a_record_is_a_pure_function_of_seed_and_number() {
    let (small, large, other) = (cohort(12, 5), cohort(30, 5), cohort(12, 6));
    assert_eq!(small.entries, large.entries[..12]);
    assert_ne!(small.entries, other.entries);
    assert_eq!(small.record(7).unwrap(), large.record(7).unwrap());
    assert_ne!(small.record(7).unwrap().samples(), other.record(7).unwrap().samples());
    assert_eq!(large.subset(&[20, 7]).record(1).unwrap(), small.record(7).unwrap());
}

#[test]
fn entries_say_what_the_simulator_drew() {
    let dataset = cohort(20, 1);
    for (index, entry) in dataset.entries.iter().enumerate() {
        let truth = simulate(&SimulatorConfig::default(), &Streams::new(1), index as u64).unwrap();
        let codes: Vec<_> = truth.conditions.iter().map(|c| c.code()).collect();
        assert_eq!(entry.codes.iter().map(|c| c.code.as_str()).collect::<Vec<_>>(), codes);
        let statements: Vec<_> = truth.conditions.iter().map(|c| c.statement()).collect();
        assert_eq!(entry.statements, statements);
        assert_eq!((entry.age, entry.sex), (Some(truth.age), Some(truth.sex)));
        assert_eq!(dataset.record(index).unwrap(), truth.record);
    }
}

#[test]
fn folds_are_ten_and_patients_stay_in_one() {
    let dataset = cohort(40, 0);
    for fold in 1..=10 {
        assert_eq!(dataset.select(&Split::Folds(vec![fold])).len(), 4);
    }
    assert_eq!((dataset.select(&Split::Train).len(), dataset.select(&Split::Test).len()), (32, 4));
    let patients: BTreeSet<_> = dataset.entries.iter().map(|e| &e.patient).collect();
    assert_eq!(patients.len(), 40);
}

#[test]
fn conditions_are_the_labels() {
    let dataset = cohort(60, 0);
    let set = dataset.label_set("conditions").unwrap();
    assert!(set.classes.is_sorted() && set.classes.contains(&"AFIB".to_owned()));
    assert_eq!(set.unlabelled(), 0);
    for (entry, row) in dataset.entries.iter().zip(&set.targets) {
        let marked: BTreeSet<_> = set.classes.iter().zip(row).filter(|(_, m)| **m).map(|(c, _)| c).collect();
        assert_eq!(marked, entry.codes.iter().map(|c| &c.code).collect());
    }
    assert_eq!(set.classes.len(), 12);
    assert!(matches!(dataset.label_set("sub"), Err(Error::UnknownLabelSet { .. })));
}

#[test]
fn every_simulated_record_has_a_caption() {
    let dataset = cohort(10, 0);
    let (kept, captions, leftovers) = CaptionConfig::default().captions(&dataset, &no_descriptions);
    assert_eq!((kept.len(), leftovers.count()), (10, 0));
    let entry = &kept.entries[3];
    let age = entry.age.unwrap();
    let expected = format!(
        "This patient is a {age} year-old {}. ECG Findings: {}.",
        entry.sex.unwrap(),
        entry.statements.join(", ")
    );
    assert_eq!(captions[3], expected);
}

#[test]
fn the_rate_option_is_the_simulators() {
    let config = SimulatedConfig { records: 1, ..SimulatedConfig::default() };
    let options = DatasetOptions { rate: Some(100), simulated: config, ..DatasetOptions::default() };
    let dataset = Dataset::open("simulated", None, &options).unwrap();
    assert_eq!(dataset.record(0).unwrap().sampling_rate(), 100.0);
    let options = DatasetOptions { rate: Some(0), ..options };
    assert!(matches!(Dataset::open("simulated", None, &options), Err(Error::Simulator { .. })));
}

fn broad(records: usize) -> SimulatedConfig {
    let simulator =
        SimulatorConfig { population: Population::Broad, sampling_rate: 50.0, ..SimulatorConfig::default() };
    SimulatedConfig { records, seed: 3, simulator, ..SimulatedConfig::default() }
}

#[test]
fn the_broad_population_has_the_super_classes_of_the_archive() {
    let dataset = Dataset::simulated(&broad(600)).unwrap();
    assert_eq!(dataset.label_set("conditions").unwrap().classes.len(), 69);
    let set = dataset.label_set("super").unwrap();
    assert_eq!(set.classes, ["CD", "HYP", "MI", "NORM", "STTC"]);
    for (entry, row) in dataset.entries.iter().zip(&set.targets) {
        let has = |codes: &[&str]| entry.codes.iter().any(|code| codes.contains(&code.code.as_str()));
        let expected = [
            has(&["1AVB", "2AVB", "3AVB", "CLBBB", "CRBBB", "ILBBB", "IRBBB", "IVCD", "LAFB", "LPFB", "WPW"]),
            has(&["LVH", "RVH", "SEHYP", "LAO/LAE", "RAO/RAE"]),
            has(&[
                "AMI", "ASMI", "ALMI", "IMI", "ILMI", "IPMI", "IPLMI", "LMI", "PMI", "INJAL", "INJAS", "INJIL",
                "INJIN", "INJLA",
            ]),
            has(&["NORM"]),
            has(&[
                "ANEUR", "DIG", "EL", "ISC_", "ISCAL", "ISCAN", "ISCAS", "ISCIL", "ISCIN", "ISCLA", "LNGQT", "NDT",
                "NST_",
            ]),
        ];
        assert_eq!(*row, expected, "{:?}", entry.statements);
    }
    // NORM, and each of the others in at least a tenth of the records, as in PTB-XL.
    for (class, count) in set.classes.iter().zip(set.counts()) {
        let share = count as f64 / 600.0;
        assert!(
            if class == "NORM" { (0.4..0.52).contains(&share) } else { (0.1..0.4).contains(&share) },
            "{class} {share}"
        );
    }
}

#[test]
fn the_recordings_of_a_patient_stay_together() {
    let config = SimulatedConfig { recordings_per_patient: 3, ..broad(60) };
    let dataset = Dataset::simulated(&config).unwrap();
    for recordings in dataset.entries.chunks(3) {
        let [a, b, c] = recordings else { panic!("60 records") };
        for other in [b, c] {
            assert_eq!((&other.patient, &other.codes, other.fold), (&a.patient, &a.codes, a.fold));
            assert_ne!(other.id, a.id);
        }
    }
    assert_ne!(dataset.record(0).unwrap().samples(), dataset.record(1).unwrap().samples());
    let alone = Dataset::simulated(&broad(20)).unwrap();
    assert_eq!(dataset.record(6).unwrap().samples(), alone.record(2).unwrap().samples());
    let none = SimulatedConfig { recordings_per_patient: 0, ..broad(3) };
    assert!(matches!(Dataset::simulated(&none), Err(Error::Setting { .. })));
}

#[test]
fn a_cohort_is_the_same_at_any_number_of_threads() {
    let cohort = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Dataset::simulated(&broad(40)).unwrap())
    };
    let (one, three) = (cohort(1), cohort(3));
    assert_eq!(one.entries, three.entries);
    assert_eq!(one.record(11).unwrap(), three.record(11).unwrap());
}

#[test]
fn captions_say_what_is_measured() {
    let dataset = cohort(8, 3);
    let config = CaptionConfig { measurements: true, template: CaptionTemplate::Findings, ..CaptionConfig::default() };
    let plain = CaptionConfig { measurements: false, ..config.clone() };
    let (kept, captions, _) = config.captions(&dataset, &no_descriptions);
    let (_, shorter, _) = plain.captions(&dataset, &no_descriptions);
    for (index, (caption, shorter)) in captions.iter().zip(shorter.iter()).enumerate() {
        let measured = measure(&kept.record(index).unwrap()).unwrap();
        let rate = measured.rate.heart_rate.unwrap().round();
        assert!(caption.starts_with(&format!("{shorter}, heart rate {rate} bpm")), "{caption}");
        // In atrial fibrillation there is no PR interval, and none is said.
        assert_eq!(caption.contains("PR interval"), measured.intervals.pr_ms.is_some(), "{caption}");
    }
    assert_eq!(config.captions(&dataset, &no_descriptions).1, captions);
}

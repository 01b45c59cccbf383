//! Samples that are hardly millivolts.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::data;
use common::wfdb::Folder;
use einthoven_random::Streams;
use einthoven_signal::simulate::{SimulatorConfig, simulate};
use einthoven_signal::{Lead, Note, Record, Source, Unit, open};

fn scaled(record: &Record, factor: f32) -> Record {
    let samples = record.samples().iter().map(|x| x * factor).collect();
    Record::new(record.leads().to_vec(), record.sampling_rate(), samples, Source::Memory).unwrap()
}

/// Asserts that a recording is not suspected, and is in another unit; hands back how much it varies, mV.
fn check(record: &Record) -> f64 {
    assert_eq!(record.suspect_unit(), None, "{}", record.source());
    let [_, deviation] = [(1e-3, Unit::Volt), (1e3, Unit::Microvolt)].map(|(factor, expected)| {
        match scaled(record, factor).suspect_unit() {
            Some(Note::SuspectUnit { deviation_mv, unit }) if unit == expected => deviation_mv / f64::from(factor),
            note => panic!("{}: {note:?}", record.source()),
        }
    });
    deviation
}

#[test]
fn simulated_units_are_told() {
    let config = SimulatorConfig::default();
    for index in 0..50 {
        check(&simulate(&config, &Streams::new(1), index).unwrap().record);
    }
}

#[test]
fn real_units_are_told() {
    let Some(data) = data() else {
        return;
    };
    let mut deviations = Vec::new();
    for folder in ["ptbxl-sample/records100/00000", "cinc2021-sample"] {
        let Ok(entries) = std::fs::read_dir(data.join(folder)) else {
            println!("skipped: {folder} not found");
            continue;
        };
        for path in
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "hea"))
        {
            let record = open(&path).unwrap();
            assert_eq!(record.notes(), []);
            deviations.push(check(&record));
        }
    }
    deviations.sort_by(f64::total_cmp);
    if let [lowest, .., highest] = deviations[..] {
        let middle = deviations[deviations.len() / 2];
        println!("{} recordings vary by {lowest:.3} to {highest:.3}, median {middle:.3} mV", deviations.len());
    }
}

#[test]
fn a_file_in_another_unit_is_noted_and_read() {
    let folder = Folder::new();
    let rows: String = (0..1000).map(|i| format!("{}\n", 100 * (i % 7) - 300)).collect();
    let record = open(&folder.write("x.csv", format!("# sampling_rate: 500\nII\n{rows}"))).unwrap();
    let [note] = record.notes() else { panic!("{:?}", record.notes()) };
    assert_eq!(note.to_string(), "the leads vary by 171 mV, ECGs by about 0.1: the samples may be in uV");
    let right = open(&folder.write("x.csv", format!("# sampling_rate: 500\n# unit: uV\nII\n{rows}"))).unwrap();
    assert_eq!(right.notes(), []);
}

#[test]
fn flat_and_missing_leads_do_not_vote() {
    let of =
        |samples: Vec<f32>| Record::new(vec![Lead::I, Lead::II, Lead::V1], 100.0, samples, Source::Memory).unwrap();
    assert_eq!(of(vec![0.0; 30]).suspect_unit(), None);
    assert_eq!(of(vec![f32::NAN; 30]).suspect_unit(), None);
    let mut samples = vec![0.0; 20];
    samples.extend((0..10).map(|i| 300.0 * (i % 2) as f32));
    assert!(of(samples).suspect_unit().is_some());
}

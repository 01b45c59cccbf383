//! Records that are written read back.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::data;
use common::python::python;
use common::wfdb::Folder;
use einthoven_random::Streams;
use einthoven_signal::format::wfdb;
use einthoven_signal::simulate::{SimulatorConfig, simulate};
use einthoven_signal::{Error, Lead, Record, Source, open};

fn record(leads: &[Lead], samples: Vec<f32>) -> Record {
    Record::new(leads.to_vec(), 500.0, samples, Source::Memory).unwrap()
}

/// The recording after it was written and read.
fn back(folder: &Folder, record: &Record) -> Record {
    wfdb::write(record, &folder.path("r.hea")).unwrap();
    open(&folder.path("r.hea")).unwrap()
}

/// Asserts that all samples are within `tolerance` of their lead's range, and missing where they were.
fn assert_near(found: &Record, expected: &Record, tolerance: f64) {
    assert_eq!(found.leads(), expected.leads());
    for i in 0..expected.leads().len() {
        let present = || expected.row(i).iter().copied().filter(|x| !x.is_nan()).map(f64::from);
        let range = present().fold(f64::NEG_INFINITY, f64::max) - present().fold(f64::INFINITY, f64::min);
        for (&a, &b) in found.row(i).iter().zip(expected.row(i)) {
            assert_eq!(a.is_nan(), b.is_nan());
            // A sample cannot be nearer than rounding to f32 lets it.
            let limit = (tolerance * range).max(f64::from(b.abs()) * f64::from(f32::EPSILON));
            assert!(a.is_nan() || f64::from(a - b).abs() <= limit, "{a} for {b} in lead {i}");
        }
    }
}

#[test]
fn whole_steps_are_kept() {
    let folder = Folder::new();
    for gain in [100.0, 200.0, 204.8, 250.0, 400.0, 500.0, 1000.0, 2000.0, 2500.0, 10_000.0_f64] {
        let mut samples: Vec<f32> = (0..2000).map(|i| ((f64::from(i * 7919 % 4001) - 2000.0) / gain) as f32).collect();
        samples[7] = f32::NAN;
        // The same far from zero.
        samples.extend((0..2000).map(|i| ((f64::from(i * 7919 % 4001) + 100_000.0) / gain) as f32));
        let written = record(&[Lead::I, Lead::Other("MLII b".into())], samples)
            .with_comments(vec!["Age: 62".into(), "two\nlines".into()]);
        let read = back(&folder, &written);
        assert_near(&read, &written, 0.0);
        assert_eq!(read.row(0)[..7], written.row(0)[..7]);
        assert_eq!(read.row(1), written.row(1));
        assert_eq!(read.comments(), ["Age: 62", "two", "lines"]);
        assert_eq!(read.sampling_rate(), 500.0);
    }
}

#[test]
fn any_samples_are_kept_to_a_65000th_of_their_range() {
    let folder = Folder::new();
    let ecg = simulate(&SimulatorConfig::default(), &Streams::new(3), 1).unwrap().record;
    assert_near(&back(&folder, &ecg), &ecg, 0.5 / 65_000.0);
    let waves = [(1e-6, 0.0), (3e4, 0.0), (0.7, -1e3), (1e-3, 1e6), (1e38, 1e38), (1e-42, 0.0)];
    for (size, offset) in waves {
        let samples = (0..999).map(|i| (f64::from(i).sin() * size + offset) as f32).collect();
        let written = record(&[Lead::V1], samples);
        assert_near(&back(&folder, &written), &written, 0.5 / 65_000.0);
    }
    for constant in [0.0, -0.123_456_7, 1e30, 1e-40, f32::NAN] {
        let written = record(&[Lead::V1], vec![constant; 3]);
        assert_near(&back(&folder, &written), &written, 0.0);
    }
}

#[test]
fn real_recordings_are_kept_to_the_bit() {
    let Some(data) = data() else {
        return;
    };
    let folder = Folder::new();
    for name in ["ptbxl-sample/records500/00000/00071_hr.hea", "cinc2021-sample/E07500.hea"] {
        let original = open(&data.join(name)).unwrap();
        let read = back(&folder, &original);
        assert_eq!(read.samples(), original.samples());
        assert_eq!(read.leads(), original.leads());
        assert_eq!(read.comments(), original.comments());
    }
}

#[test]
fn the_package_reads_what_was_written() {
    let folder = Folder::new();
    let mut ecg = simulate(&SimulatorConfig::default(), &Streams::new(3), 2).unwrap().record;
    let mut samples = ecg.samples().to_vec();
    samples[100..200].fill(f32::NAN);
    ecg = record(ecg.leads(), samples).with_comments(vec!["Age: 62".into()]);
    let read = back(&folder, &ecg);
    let script = r#"
import json, sys, wfdb, numpy as np
record = wfdb.rdrecord(sys.argv[1])
digital = wfdb.rdrecord(sys.argv[1], physical=False)
assert [c % 65536 for c in digital.checksum] == digital.calc_checksum()
assert digital.init_value == [int(x) for x in digital.d_signal[0]]
print(json.dumps({"leads": record.sig_name, "units": record.units, "rate": record.fs, "comments": record.comments,
    "rows": [[None if np.isnan(x) else float(x) for x in row] for row in record.p_signal.T]}))
"#;
    let Some(printed) = python("wfdb", script, [folder.path("r")]) else {
        return;
    };
    let found: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let leads: Vec<&str> = ecg.leads().iter().map(Lead::name).collect();
    assert_eq!(found["leads"], serde_json::json!(leads));
    assert_eq!(found["units"], serde_json::json!(vec!["mV"; 12]));
    assert_eq!(found["rate"], 500);
    assert_eq!(found["comments"], serde_json::json!(["Age: 62"]));
    for (i, row) in found["rows"].as_array().unwrap().iter().enumerate() {
        let row: Vec<Option<f32>> = row.as_array().unwrap().iter().map(|x| x.as_f64().map(|x| x as f32)).collect();
        let ours: Vec<_> = read.row(i).iter().map(|&x| Some(x).filter(|x| !x.is_nan())).collect();
        assert_eq!(row, ours);
    }
}

#[test]
fn impossible_names_and_places_are_refused() {
    let folder = Folder::new();
    let record = record(&[Lead::I], vec![1.0]);
    for name in ["with space.hea", "r.dat", "r", "a.b.hea"] {
        let path = folder.path(name);
        assert!(matches!(wfdb::write(&record, &path), Err(Error::RecordName { path: p }) if p == path), "{name}");
    }
    let nowhere = folder.path("absent/r.hea");
    assert!(matches!(wfdb::write(&record, &nowhere), Err(Error::Write { .. })));
    // What is written replaces what was there, and leaves nothing else behind.
    back(&folder, &record);
    back(&folder, &record);
    assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 2);
}

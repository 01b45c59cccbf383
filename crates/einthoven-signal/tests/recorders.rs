//! Files of electrocardiographs and of MATLAB, written by `scripts/fixtures/make.py` with other libraries.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::{Path, PathBuf};

use common::wfdb::Folder;
use einthoven_signal::{ArrayOptions, Error, Lead, LeftOut, Note, Record, Unit, open, open_with};
use serde::Deserialize;

#[derive(Deserialize)]
struct Expected {
    leads: Vec<Lead>,
    rate: f64,
    millivolts: Vec<Vec<Option<f32>>>,
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Asserts that a record begins with the leads expected of a fixture, and has no others but derived ones.
fn assert_expected(record: &Record, name: &str) {
    let json = std::fs::read(fixture(&format!("{name}.expected.json"))).unwrap();
    let expected: Expected = serde_json::from_slice(&json).unwrap();
    let count = expected.leads.len();
    assert_eq!(record.leads()[..count], expected.leads, "{name}");
    assert_eq!(record.sampling_rate(), expected.rate, "{name}");
    for (i, row) in expected.millivolts.iter().enumerate() {
        assert_eq!(record.row(i).len(), row.len(), "{name}");
        for (&found, &value) in record.row(i).iter().zip(row) {
            // The order of f64 operations may differ, and so the rounding to f32.
            let near = |value: f32| (found - value).abs() <= f32::EPSILON * value.abs().max(1e-3);
            assert!(value.map_or(found.is_nan(), near), "{name}, lead {i}: {found} for {value:?}");
        }
    }
    let derived = |note: &&Note| matches!(note, Note::Derived { .. });
    assert_eq!(record.notes().iter().filter(derived).count(), record.leads().len() - count, "{name}");
}

fn left_out(signal: &str) -> Note {
    Note::LeftOut { signal: signal.into(), reason: LeftOut::Another }
}

#[test]
fn dicom_waveforms_are_read_as_by_pydicom() {
    for name in ["explicit.dcm", "implicit-undefined.dcm", "big-endian.dcm", "deflated.dcm"] {
        let record = open(&fixture(name)).unwrap();
        assert_expected(&record, name);
        assert!(record.lead(&Lead::AVR).unwrap()[5].is_nan(), "the padding value is a missing sample");
        assert_eq!(record.notes(), [left_out("MEDIAN BEAT")], "{name}");
    }
}

#[test]
fn electrocardiographs_xml_is_read() {
    for (name, other, derived) in [
        ("annotated.xml", Some(left_out("1 further sets of sequences")), 4),
        ("muse.xml", Some(left_out("Median")), 4),
        ("philips.xml", None, 0),
        ("philips-xli.xml", None, 0),
    ] {
        let record = open(&fixture(name)).unwrap();
        assert_expected(&record, name);
        assert_eq!(record.leads().len(), 12, "{name}");
        assert_eq!(record.notes().iter().find(|note| matches!(note, Note::LeftOut { .. })), other.as_ref(), "{name}");
        assert_eq!(record.notes().len(), derived + usize::from(other.is_some()), "{name}: {:?}", record.notes());
    }
}

#[test]
#[cfg(feature = "parquet")]
fn parquet_is_read_as_by_pyarrow() {
    for (name, left_out) in [
        ("wide.parquet", &["note"][..]),
        ("lists.parquet", &["patient"]),
        ("counts.parquet", &[]),
        ("split.parquet", &[]),
    ] {
        let record = open(&fixture(name)).unwrap();
        assert_expected(&record, name);
        let none = |&signal: &&str| Note::LeftOut { signal: signal.into(), reason: LeftOut::NoNumbers };
        assert_eq!(record.notes(), left_out.iter().map(none).collect::<Vec<_>>(), "{name}");
    }
    assert!(open(&fixture("lists.parquet")).unwrap().lead(&Lead::AVR).unwrap()[5].is_nan());
}

#[test]
#[cfg(feature = "parquet")]
fn a_parquet_table_becomes_text() {
    let table = einthoven_signal::format::parquet::read_rows(&fixture("records.parquet")).unwrap();
    // Times cannot be put into words.
    assert_eq!(table.columns, ["path", "patient", "text", "labels", "age", "sex", "visit"]);
    assert_eq!(table.rows[0], ["0001", "17", "Sinus rhythm, normal ECG.", "NORM;SR", "54", "F", "1"]);
    assert_eq!(table.rows[1], ["0002", "17", "Sinus rhythm; ä", "SR", "", "F", "4000000000"]);
    assert_eq!(table.rows[2], ["0003", "9007199254740993", "", "", "71", "M", ""]);
    assert_eq!(table.rows.len(), 3);
}

#[test]
#[cfg(feature = "parquet")]
fn a_parquet_table_is_no_recording() {
    let error = open(&fixture("records.parquet")).unwrap_err().to_string();
    assert!(error.contains("integers of unknown unit"), "{error}");
}

#[test]
#[cfg(feature = "hdf5")]
fn hdf5_is_read_as_by_h5py() {
    let archive = einthoven_signal::format::hdf5::Archive::open(&fixture("code15-part0.hdf5")).unwrap();
    assert_eq!(archive.exam_ids(), [1_169_160, 2_873_686, 168_405, 0]);
    let record = |index| archive.record(index, &ArrayOptions::default());
    assert_expected(&record(0).unwrap(), "code15-part0.hdf5");
    assert_expected(&open(&fixture("code15-part1.hdf5")).unwrap(), "code15-part1.hdf5");
    assert_eq!(record(1).unwrap().samples(), open(&fixture("code15-part1.hdf5")).unwrap().samples());
    assert_eq!(record(2).unwrap().len(), 52);
    let half = ArrayOptions { unit: Some(Unit::Microvolt), ..ArrayOptions::default() };
    assert_eq!(archive.record(2, &half).unwrap().samples()[0], record(2).unwrap().samples()[0] / 1000.0);
    assert!(record(3).unwrap_err().to_string().ends_with("recording 3 holds nothing but zeros"));
    assert!(record(4).unwrap_err().to_string().ends_with("there is no recording 4: it holds 4"));
    let many = open(&fixture("code15-part0.hdf5")).unwrap_err().to_string();
    assert!(many.ends_with("it holds 4 recordings: open its folder as the dataset `code-15`"), "{many}");
}

#[test]
#[cfg(not(feature = "hdf5"))]
fn hdf5_names_the_feature_that_reads_it() {
    let error = open(&fixture("code15-part1.hdf5")).unwrap_err().to_string();
    assert!(error.ends_with("build einthoven with `--features hdf5`"), "{error}");
}

#[test]
#[cfg(not(feature = "parquet"))]
fn parquet_names_the_feature_that_reads_it() {
    let error = open(&fixture("wide.parquet")).unwrap_err();
    assert!(matches!(error, Error::Feature { .. }));
    assert!(error.to_string().ends_with("build einthoven with `--features parquet`"), "{error}");
}

#[test]
fn scp_ecg_is_read() {
    for name in ["plain.scp", "first.scp", "second.scp"] {
        assert_expected(&open(&fixture(name)).unwrap(), name);
    }
}

#[test]
fn matlab_files_are_read_as_by_scipy() {
    for name in ["cpsc.mat", "cpsc-compressed.mat"] {
        let record = open(&fixture(name)).unwrap();
        assert_expected(&record, name);
        assert_eq!(record.comments(), ["Age: 61", "Sex: Female"]);
    }
    let variables = fixture("variables.mat");
    let mut options = ArrayOptions { leads: Some(vec![Lead::I, Lead::II]), ..ArrayOptions::default() };
    let error = open_with(&variables, &options).unwrap_err();
    assert!(error.to_string().contains("integers of unknown unit"), "{error}");
    options.unit = Some(Unit::Microvolt);
    assert_expected(&open_with(&variables, &options).unwrap(), "variables.mat");
    assert!(matches!(open(&variables), Err(Error::Array { .. } | Error::UnknownLeads { .. })));
}

#[test]
fn what_a_file_begins_with_says_what_it_is() {
    let folder = Folder::new();
    for name in ["explicit.dcm", "muse.xml", "philips-xli.xml", "second.scp", "cpsc.mat"] {
        let renamed = folder.write("exported", std::fs::read(fixture(name)).unwrap());
        assert_expected(&open(&renamed).unwrap(), name);
    }
    let page = folder.write("page.xml", "<html><body/></html>");
    assert!(matches!(open(&page), Err(Error::UnknownFormat { .. })));
}

#[test]
fn what_is_not_read_is_named() {
    let folder = Folder::new();
    let message = |name: &str, bytes: &[u8]| open(&folder.write(name, bytes)).unwrap_err().to_string();
    let changed = |name: &str, from: &str, to: &str| {
        let text = String::from_utf8_lossy(&std::fs::read(fixture(name)).unwrap()).replace(from, to);
        message("changed.xml", text.as_bytes())
    };
    for (found, words) in [
        (message("v7.3.mat", b"MATLAB 7.3 MAT-file, Platform"), "save it again with `-v7`"),
        (changed("annotated.xml", "unit=\"uV\"", "unit=\"mm[Hg]\""), "`mm[Hg]`, which is not a unit of voltage"),
        (changed("muse.xml", "MICROVOLTS", "FURLONGS"), "expected MICROVOLTS"),
        (changed("muse.xml", "Rhythm", "Other"), "no waveform of type Rhythm"),
        (changed("muse.xml", "<LeadSampleCountTotal>40<", "<LeadSampleCountTotal>41<"), "80 bytes for 41 samples"),
        (changed("philips.xml", "<resolution>5</resolution>", ""), "does not say its resolution"),
        (changed("philips.xml", "numberofleads", "compression=\"ZIP\" numberofleads"), "compression by ZIP"),
    ] {
        assert!(found.contains(words), "{found}");
    }
    let mut scp = std::fs::read(fixture("second.scp")).unwrap();
    let leads = scp.windows(2).position(|bytes| bytes == [8, 0x44]).unwrap();
    scp[leads + 1] |= 1;
    let found = message("changed.scp", &scp);
    assert!(found.contains("subtraction of the typical beat"), "{found}");
}

//! One function that reads every format.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::wfdb::Folder;
use einthoven_signal::format::wfdb;
use einthoven_signal::{ArrayOptions, Error, Lead, Record, Source, open, open_with};

fn npy() -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n";
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend([1.0_f32, 2.0].iter().flat_map(|x| x.to_le_bytes()));
    bytes
}

#[test]
fn arrays_are_known_by_what_they_begin_with() {
    let folder = Folder::new();
    let options = ArrayOptions { leads: Some(vec![Lead::II]), sampling_rate: Some(100.0), unit: None };
    for name in ["r.npy", "r.csv", "r.dat", "r", "r.bin"] {
        let record = open_with(&folder.write(name, npy()), &options).unwrap();
        assert_eq!(record.samples(), [1.0, 2.0], "{name}");
    }
    let error = open_with(&folder.write("x.npy", "no array"), &options).unwrap_err();
    assert!(matches!(error, Error::Array { .. }), "{error}");
}

#[test]
fn a_record_is_known_by_its_header() {
    let folder = Folder::new();
    let record = Record::new(vec![Lead::II], 100.0, vec![1.0, 2.0], Source::Memory).unwrap();
    wfdb::write(&record, &folder.path("r.hea")).unwrap();
    for name in ["r", "r.hea", "r.dat", "r.mat"] {
        assert_eq!(open(&folder.path(name)).unwrap().samples(), [1.0, 2.0], "{name}");
    }
}

#[test]
fn what_is_not_known_is_told_what_is() {
    let folder = Folder::new();
    let path = folder.write("r.pdf", "%PDF-1.7");
    let error = open(&path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot tell the format of {}: expected a WFDB record (.hea, .dat, .mat or the record's name), a DICOM \
             waveform (.dcm), HL7 aECG, GE MUSE or Philips Sierra XML (.xml), SCP-ECG (.scp), EDF or EDF+ \
             (.edf), MATLAB (.mat), NumPy (.npy), Parquet (.parquet), HDF5 (.hdf5) or comma-separated text (.csv)",
            path.display()
        )
    );
    let alone = folder.write("alone.dat", [0; 100]);
    let error = open(&alone).unwrap_err();
    assert!(matches!(error, Error::Read { path, .. } if path == folder.path("alone.hea")));
    let empty = folder.write("empty", "");
    assert!(matches!(open(&empty), Err(Error::UnknownFormat { .. })));
}

//! WFDB records of several segments.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::wfdb::{Folder, encode};
use einthoven_signal::{Error, Lead, LeftOut, Note, open};

/// A segment of the given signals (a description, a gain with unit, and values) in format 16.
fn segment(folder: &Folder, name: &str, signals: &[(&str, &str, &[i32])]) {
    let length = signals[0].2.len();
    let mut header = format!("{name} {} 100 {length}\n", signals.len());
    for (description, gain, values) in signals {
        header += &format!("{name}.dat 16 {gain} 0 0 {} {} 0 {description}\n", values[0], values.iter().sum::<i32>());
    }
    folder.write(&format!("{name}.hea"), header);
    let values: Vec<i32> = (0..length).flat_map(|i| signals.iter().map(move |s| s.2[i])).collect();
    folder.write(&format!("{name}.dat"), encode(16, &values, signals.len()));
}

/// Samples with `None` for missing ones, which are not equal to themselves.
fn samples(row: &[f32]) -> Vec<Option<f32>> {
    row.iter().map(|&x| Some(x).filter(|x| !x.is_nan())).collect()
}

#[test]
fn a_fixed_layout_is_joined_by_place() {
    let folder = Folder::new();
    segment(&folder, "a", &[("II", "2", &[2, 4]), ("ABP", "1/mmHg", &[80, 90]), ("V1", "1000/uV", &[3000, -1000])]);
    segment(&folder, "b", &[("II", "10", &[10, -32768, 30]), ("ABP", "1/mmHg", &[1, 2, 3]), ("V1", "1", &[1, 2, 3])]);
    folder.write("r.hea", "r/3 3 100 7\na 2\nb 3\na 2\n# Age: 62\n");
    let record = open(&folder.path("r")).unwrap();
    assert_eq!(record.leads(), [Lead::II, Lead::V1]);
    let present = |values: &[f32]| values.iter().map(|&x| Some(x)).collect::<Vec<_>>();
    assert_eq!(samples(record.row(0)), [present(&[1.0, 2.0, 1.0]), vec![None], present(&[3.0, 1.0, 2.0])].concat());
    assert_eq!(record.row(1), [3e-3, -1e-3, 1.0, 2.0, 3.0, 3e-3, -1e-3]);
    assert_eq!(record.comments(), ["Age: 62"]);
    assert_eq!(record.notes(), [Note::LeftOut { signal: "ABP".into(), reason: LeftOut::Unit("mmHg".into()) }]);
}

#[test]
fn a_variable_layout_is_joined_by_name() {
    let folder = Folder::new();
    folder.write("lay.hea", "lay 3 100 0\n~ 0 1 0 0 0 0 0 II\n~ 0 1/NU 0 0 0 0 0 RESP\n~ 0 1 0 0 0 0 0 V\n");
    segment(&folder, "a", &[("V", "1", &[7, 8])]);
    segment(&folder, "b", &[("V", "1", &[5]), ("RESP", "1/NU", &[9]), ("II", "4", &[2])]);
    folder.write("r.hea", "r/5 3 100 6\nlay 0\na 2\n~ 2\nb 1\n~ 1\n");
    let record = open(&folder.path("r.hea")).unwrap();
    assert_eq!(record.leads(), [Lead::II, Lead::Other("V".into())]);
    assert_eq!(samples(record.row(0)), [None, None, None, None, Some(0.5), None]);
    assert_eq!(samples(record.row(1)), [Some(7.0), Some(8.0), None, None, Some(5.0), None]);
    assert_eq!(record.notes().len(), 1);
}

#[test]
fn segments_that_do_not_fit_are_refused() {
    let folder = Folder::new();
    segment(&folder, "a", &[("II", "1", &[1, 2])]);
    folder.write("fast.hea", "fast 1 200 2\na.dat 16 1 0 0 1 3 0 II\n");
    segment(&folder, "other", &[("V", "1", &[1, 2])]);
    folder.write("lay.hea", "lay 1 100 0\n~ 0 1 0 0 0 0 0 II\n");
    folder.write("nested.hea", "nested/1 1 100 2\na 2\n");
    for (header, words) in [
        ("r/2 1 100 5\na 2\na 2\n", "do not add up"),
        ("r/2 1 100\na 18446744073709551615\na 2\n", "do not add up"),
        ("r/2 1 100\na 3\na 2\n", "segment a has 2 frames where its record says 3"),
        ("r/2 1 100\na 2\nfast 2\n", "segment fast has 200 frames per second, its record 100"),
        ("r/2 1 100\na 2\nother 2\n", "segment other has other signals than a names"),
        ("r/3 1 100\nlay 0\na 2\nother 2\n", "segment other has other signals than lay names"),
        ("r/1 1 100 7\n~ 7\n", "no segment with signals"),
        ("r/0 1 100 7\n", "no segment with signals"),
        ("r/2 1 100\na 2\n~ 9000000000000000000\n", "more than"),
        ("r/2 1 100\na 2\nnested 2\n", "several segments"),
        ("r/2 1 100\na 2\nabsent 2\n", "cannot read"),
    ] {
        let error = open(&folder.write("r.hea", header)).unwrap_err().to_string();
        assert!(error.contains(words), "{header}: {error}");
    }
    // A record that is a segment of itself.
    let error = open(&folder.write("r.hea", "r/1 1 100 7\nr 7\n")).unwrap_err();
    assert!(matches!(error, Error::Empty { .. } | Error::Unsupported { .. } | Error::Recording { .. }), "{error}");
}

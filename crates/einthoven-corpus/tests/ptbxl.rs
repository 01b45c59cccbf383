//! PTB-XL's layout: what is read from it, and what is said about a folder that is not as it should be.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::Folder;
use einthoven_corpus::{Dataset, DatasetOptions, Error, Location, Split};
use einthoven_signal::Sex;

fn refused(folder: &Folder) -> Error {
    Dataset::ptbxl(folder.path(), 100).unwrap_err()
}

#[test]
fn rows_become_entries() {
    let mut folder = Folder::new();
    folder.add(7, "300.0", "1", "{'NORM': 80.0, 'PVC': 0.0, 'OWN': 35.0}", "9");
    folder.add_row("8,1234.0,,,,{'SR': 0.0},10,records100/00000/00008_lr,records500/00000/00008_hr".into());
    folder.record(7);
    folder.record(8);
    let dataset = Dataset::ptbxl(folder.path(), 100).unwrap();

    let first = &dataset.entries[0];
    assert_eq!((first.id.as_str(), first.patient.as_str()), ("7", "1007"));
    assert_eq!(first.location, Location::File(folder.path().join("records100/00000/00007_lr.hea")));
    let codes: Vec<_> = first.codes.iter().map(|c| (c.code.as_str(), c.likelihood)).collect();
    assert_eq!(codes, [("NORM", 80.0), ("PVC", 0.0), ("OWN", 35.0)]);
    assert_eq!(first.statements, ["normal ECG", "ventricular premature complex", "a statement of our own"]);
    assert_eq!(first.report.as_deref(), Some("ein befund"));
    assert_eq!((first.age, first.sex, first.fold), (Some(90), Some(Sex::Female), Some(9)));

    let second = &dataset.entries[1];
    assert_eq!((second.age, second.sex, &second.report, second.fold), (None, None, &None, Some(10)));
    let record = dataset.record(1).unwrap();
    assert_eq!((record.leads().len(), record.len(), record.sampling_rate()), (12, 1000, 100.0));
    assert!(matches!(dataset.record(2), Err(Error::NoSuchRecord { index: 2, len: 2, .. })));
}

#[test]
fn label_sets_follow_the_published_benchmark() {
    let mut folder = Folder::new();
    // A likelihood of 0 counts; two statements of one class count once; NDT is diagnostic and form.
    folder.add(1, "60.0", "0", "{'AMI': 0.0, 'ASMI': 15.0}", "1");
    folder.add(2, "60.0", "0", "{'NDT': 100.0, 'SR': 0.0}", "1");
    folder.add(3, "60.0", "0", "{'PVC': 100.0}", "2");
    (1..=3).for_each(|id| folder.record(id));
    let dataset = Dataset::ptbxl(folder.path(), 100).unwrap();
    let members = |name: &str| {
        let set = dataset.label_set(name).unwrap();
        let of = |row: &Vec<bool>| {
            let classes = set.classes.iter().zip(row).filter(|(_, member)| **member);
            classes.map(|(class, _)| class.clone()).collect::<Vec<_>>().join(" ")
        };
        set.targets.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(members("super"), ["MI", "STTC", ""]);
    assert_eq!(members("sub"), ["AMI", "STTC", ""]);
    assert_eq!(members("diagnostic"), ["AMI ASMI", "NDT", ""]);
    assert_eq!(members("form"), ["", "NDT", "PVC"]);
    assert_eq!(members("rhythm"), ["", "SR", ""]);
    assert_eq!(members("all"), ["AMI ASMI", "NDT SR", "PVC"]);

    let set = dataset.label_set("super").unwrap();
    assert_eq!(set.classes, ["MI", "NORM", "STTC"]);
    assert_eq!((set.labelled(), set.unlabelled(), set.counts()), (vec![0, 1], 1, vec![1, 0, 1]));
    // A split has the classes of the whole, also those that none of its records belongs to.
    let split = dataset.select(&Split::Folds(vec![2]));
    assert_eq!(split.label_set("super").unwrap().classes, set.classes);

    match dataset.label_set("superclass") {
        Err(Error::UnknownLabelSet { known, .. }) => {
            assert_eq!(known, ["all", "diagnostic", "form", "rhythm", "sub", "super"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_partial_copy_opens_and_reports_what_is_missing() {
    let mut folder = Folder::with_records(3);
    fs::remove_file(folder.dat(2)).unwrap();
    folder.add(4, "60.0", "0", "{'SR': 0.0}", "1");
    let dataset = Dataset::ptbxl(folder.path(), 100).unwrap();
    let ids: Vec<_> = dataset.entries.iter().map(|e| e.id.as_str()).collect();
    assert_eq!(ids, ["1", "3"]);
    assert_eq!(dataset.missing.count(), 2);
    assert_eq!(
        dataset.missing.to_string(),
        "2 records left out: 2 (records100/00000/00002_lr.dat is missing); 4 (records100/00000/00004_lr.hea is missing)"
    );
    // None of them is there at the other rate.
    match Dataset::ptbxl(folder.path(), 500) {
        Err(Error::NoRecords { listed: 4, first, .. }) => {
            assert!(first.ends_with("records500/00000/00001_hr.hea"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_empty_table_is_an_empty_dataset() {
    assert!(Dataset::ptbxl(Folder::new().path(), 100).unwrap().is_empty());
}

#[test]
fn a_missing_column_is_named() {
    let folder = Folder::with_records(1);
    folder.write_table("ecg_id,patient_id,age,sex,report,codes,strat_fold,filename_lr,filename_hr");
    let error = refused(&folder);
    assert!(matches!(&error, Error::MissingColumn { column, .. } if column == "scp_codes"), "{error}");
    assert!(error.to_string().contains("ptbxl_database.csv"), "{error}");
}

#[test]
fn a_missing_table_is_named() {
    let folder = Folder::with_records(1);
    fs::remove_file(folder.path().join("scp_statements.csv")).unwrap();
    match refused(&folder) {
        Error::Read { path, .. } => assert!(path.ends_with("scp_statements.csv")),
        other => panic!("{other}"),
    }
}

#[test]
fn malformed_codes_are_refused_with_their_place() {
    let mut folder = Folder::with_records(1);
    folder.add(2, "60.0", "0", "{'SR': 0.0", "1");
    let error = refused(&folder);
    assert!(matches!(error, Error::ScpCodes { line: 3, at: 11, .. }), "{error}");

    let mut folder = Folder::with_records(1);
    folder.add(2, "60.0", "0", "{'XYZ': 0.0}", "1");
    let error = refused(&folder);
    assert!(matches!(&error, Error::UnknownCode { line: 3, code, .. } if code == "XYZ"), "{error}");
}

#[test]
fn impossible_fields_are_refused_with_their_place() {
    let cases = [
        ("sixty", "0", "1", "age"),
        ("-1", "0", "1", "age"),
        ("130", "0", "1", "age"),
        ("60.0", "2", "1", "sex"),
        ("60.0", "male", "1", "sex"),
        ("60.0", "0", "11", "strat_fold"),
        ("60.0", "0", "1.5", "strat_fold"),
    ];
    for (age, sex, fold, wrong) in cases {
        let mut folder = Folder::with_records(1);
        folder.add(2, age, sex, "{'SR': 0.0}", fold);
        match refused(&folder) {
            Error::Field { line: 3, column, .. } => assert_eq!(column, wrong),
            other => panic!("{other}"),
        }
    }
    for row in [
        "x,1.0,60.0,0,,{'SR': 0.0},1,a,b",
        "2,,60.0,0,,{'SR': 0.0},1,a,b",
        "2,1.0,60.0,0,,{'SR': 0.0},1,,b",
        "2,1.0,60.0,0,,{'SR': 0.0},1,../a,b",
        "2,1.0,60.0,0,,{'SR': 0.0},1,/etc/a,b",
    ] {
        let mut folder = Folder::with_records(1);
        folder.add_row(row.into());
        let error = refused(&folder);
        assert!(matches!(error, Error::Field { line: 3, .. }), "{row}: {error}");
    }
}

#[test]
fn torn_and_doubled_rows_are_refused() {
    let mut folder = Folder::with_records(1);
    folder.add_row("2,1.0,60.0".into());
    assert!(matches!(refused(&folder), Error::Table { .. }));

    let mut folder = Folder::with_records(1);
    folder.add(1, "60.0", "0", "{'SR': 0.0}", "1");
    let error = refused(&folder);
    assert!(matches!(&error, Error::Duplicate { line: 3, key, .. } if key == "record 1"), "{error}");
}

#[test]
fn a_rate_that_is_not_offered_and_a_root_that_is_not_given_are_refused() {
    let folder = Folder::with_records(1);
    let error = Dataset::ptbxl(folder.path(), 250).unwrap_err();
    assert_eq!(error.to_string(), "dataset `ptb-xl` is not offered at 250 Hz: expected 100 or 500");
    let error = Dataset::open("ptb-xl", None, &DatasetOptions::default()).unwrap_err();
    assert!(matches!(error, Error::RootNeeded { .. }), "{error}");
}

#[test]
fn a_record_that_cannot_be_read_is_named() {
    let folder = Folder::with_records(2);
    let dat = fs::read(folder.dat(2)).unwrap();
    fs::write(folder.dat(2), &dat[..100]).unwrap();
    let dataset = Dataset::ptbxl(folder.path(), 100).unwrap();
    dataset.record(0).unwrap();
    match dataset.record(1).unwrap_err() {
        Error::Record { id, source: einthoven_signal::Error::Truncated { .. }, .. } => assert_eq!(id, "2"),
        other => panic!("{other:?}"),
    }
}

//! The metric logs hold what was written, and resuming cuts them back to the checkpoint.

#![allow(clippy::unwrap_used)]

use std::fs;

use einthoven_train::metrics_log::{self, Entry, Kind, MetricsLog};
use einthoven_train::{Error, RunFolder};

fn entry(kind: Kind, step: u64, loss: f64) -> Entry {
    Entry {
        kind,
        step,
        epoch: step / 4,
        values: [("loss".to_owned(), Some(loss)), ("undefined".to_owned(), None)].into(),
    }
}

fn write(log: &mut MetricsLog, steps: std::ops::RangeInclusive<u64>) {
    for step in steps {
        log.write(&entry(Kind::Train, step, 1.0 / step as f64)).unwrap();
        if step % 2 == 0 {
            log.write(&entry(Kind::Validation, step, 0.1 * step as f64)).unwrap();
        }
    }
    log.sync().unwrap();
}

/// The TFRecords of an event file without their wall times and checksums.
fn events(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut events = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let size = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        events.push(rest[12 + 9..12 + size].to_vec());
        rest = &rest[12 + size + 4..];
    }
    events
}

#[test]
fn entries_are_read_back_and_undefined_stays_undefined() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunFolder::create(folder.path()).unwrap();
    write(&mut MetricsLog::open(&run, 0).unwrap(), 1..=4);
    let entries = metrics_log::read(&run.metrics_path()).unwrap();
    assert_eq!(entries.len(), 6);
    assert_eq!(entries[0], entry(Kind::Train, 1, 1.0));
    assert_eq!(entries[5], entry(Kind::Validation, 4, 0.4));
    let text = fs::read_to_string(run.metrics_path()).unwrap();
    assert_eq!(text.lines().next().unwrap(), r#"{"kind":"train","step":1,"epoch":0,"loss":1.0,"undefined":null}"#);
}

#[test]
fn a_resumed_log_equals_an_uninterrupted_one() {
    let folder = tempfile::tempdir().unwrap();
    let whole = RunFolder::create(&folder.path().join("whole")).unwrap();
    write(&mut MetricsLog::open(&whole, 0).unwrap(), 1..=9);

    let resumed = RunFolder::create(&folder.path().join("resumed")).unwrap();
    write(&mut MetricsLog::open(&resumed, 0).unwrap(), 1..=7);
    // Killed while writing: half a line, half a record.
    for path in [resumed.metrics_path(), resumed.events_path()] {
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(bytes.len() - 5);
        fs::write(&path, bytes).unwrap();
    }
    write(&mut MetricsLog::open(&resumed, 4).unwrap(), 5..=9);

    let read = |path| fs::read(path).unwrap();
    assert_eq!(read(resumed.metrics_path()), read(whole.metrics_path()));
    let expected = events(&read(whole.events_path()));
    assert_eq!(expected.len(), 1 + 9 + 4);
    assert_eq!(events(&read(resumed.events_path())), expected);
}

#[test]
fn what_is_no_log_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunFolder::create(folder.path()).unwrap();
    fs::write(run.metrics_path(), "not a log\n").unwrap();
    let error = MetricsLog::open(&run, 1).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("metrics.jsonl: line 1"), "{error}");
    assert_eq!(fs::read_to_string(run.metrics_path()).unwrap(), "not a log\n");
}

//! Checks of a local copy, and what is in a dataset.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Folder, data, wfdb};
use einthoven_corpus::{CheckOptions, CheckReport, Count, Dataset, DatasetOptions, Finding};

fn check(dataset: &Dataset, root: &Path, part: bool) -> CheckReport {
    let done = AtomicUsize::new(0);
    let count = || {
        done.fetch_add(1, Ordering::Relaxed);
    };
    let report = dataset.check(Some(root), CheckOptions { part }, &count);
    assert_eq!(done.into_inner(), dataset.len());
    report
}

fn said(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{} {}", finding.about, finding.what)).collect()
}

#[test]
fn what_is_missing_or_broken_is_said_exactly() {
    let mut folder = Folder::with_records(4);
    folder.add(5, "60.0", "0", "{'SR': 0.0}", "1");
    // Cut short; a sample changed; shorter than the card says.
    let dat = fs::read(folder.dat(2)).unwrap();
    fs::write(folder.dat(2), &dat[..1000]).unwrap();
    let mut changed = fs::read(folder.dat(3)).unwrap();
    changed[100] ^= 1;
    fs::write(folder.dat(3), changed).unwrap();
    let header = folder.dat(4).with_extension("hea");
    let text = fs::read_to_string(&header).unwrap().replace("00004_lr 12 100 1000", "00004_lr 12 250 1000");
    fs::write(&header, text).unwrap();

    let dataset = Dataset::ptbxl(folder.path(), 100).unwrap();
    let report = check(&dataset, folder.path(), true);
    let problems = said(&report.problems);
    assert_eq!(report.readable, 2, "{problems:?}");
    let expected = [
        ("5 ", "00005_lr.hea is missing"),
        ("2 ", "is cut short: expected 24000 bytes, found 1000"),
        ("3 ", "checksum"),
        ("4 ", "its sampling rate is 250 hz"),
        ("4 ", "it lasts 4 s instead of 10 s"),
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:?}");
    for (problem, (about, what)) in problems.iter().zip(expected) {
        assert!(problem.starts_with(about) && problem.to_lowercase().contains(what), "{problem}");
    }

    // The whole dataset has more records, and other tables.
    let report = check(&dataset, folder.path(), false);
    let problems = said(&report.problems);
    assert!(problems.contains(&"ptb-xl 5 records are listed, version 1.0.3 has 21799".to_owned()), "{problems:?}");
    assert!(problems.iter().any(|p| p.starts_with("ptbxl_database.csv is not the published file")), "{problems:?}");
}

#[test]
fn published_checksums_are_held_against_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    wfdb::write(root, "a", "mat", "# Dx: 1\n");
    let sums = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 a.mat\n\
                e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  empty\nnot a digest\n\
                e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 *gone\n";
    fs::write(root.join("SHA256SUMS.txt"), sums).unwrap();
    fs::write(root.join("empty"), "").unwrap();
    let dataset = Dataset::open("folder", Some(root), &DatasetOptions::default()).unwrap();
    let problems = said(&check(&dataset, root, false).problems);
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].starts_with("a.mat is not the published file"), "{problems:?}");
    assert_eq!(problems[1], "gone is missing");
    assert_eq!(check(&dataset, root, true).problems.len(), 1);
}

#[test]
fn the_samples_are_sound() {
    for (card, sample) in [("ptb-xl", "ptbxl-sample"), ("cinc2021", "cinc2021-sample")] {
        let Some(root) = data(sample) else { continue };
        let dataset = Dataset::open(card, Some(&root), &DatasetOptions::default()).unwrap();
        let report = check(&dataset, &root, true);
        assert!(report.is_whole(), "{:?}", said(&report.problems));
        assert_eq!(report.readable, dataset.len());
        assert!(!check(&dataset, &root, false).is_whole());
    }
}

#[test]
fn distributions_are_counted() {
    let mut folder = Folder::new();
    folder.add(1, "41.0", "1", "{'NORM': 80.0, 'SR': 0.0}", "1");
    folder.add(2, "300.0", "0", "{'AMI': 80.0}", "2");
    folder.add(3, "", "", "{'ASMI': 80.0}", "2");
    (1..=3).for_each(|id| folder.record(id));
    let stats = Dataset::ptbxl(folder.path(), 100).unwrap().stats().unwrap();
    let shown = |counts: &[Count]| counts.iter().map(|c| format!("{} {}", c.value, c.records)).collect::<Vec<_>>();
    assert_eq!((stats.records, stats.patients), (3, 3));
    assert_eq!(shown(&stats.label_sets["super"]), ["MI 2", "NORM 1"]);
    assert_eq!(shown(&stats.ages), ["40-49 1", "90+ 1", "unknown 1"]);
    assert_eq!(shown(&stats.sexes), ["female 1", "male 1", "unknown 1"]);
    assert_eq!((shown(&stats.seconds), shown(&stats.sampling_rates)), (vec!["10 3".into()], vec!["100 3".into()]));
    assert_eq!(shown(&stats.folds), ["1 1", "2 2"]);
    assert!(stats.unreadable.is_empty());
}

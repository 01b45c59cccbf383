//! The store of descriptions: crashes, damage, two writers, merging.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use einthoven_caption::model::Usage;
use einthoven_caption::store::{Fault, Origin, Record, Source, Store, StoreWriter};
use einthoven_caption::{Error, KnowledgeBase};
use tempfile::TempDir;

fn origin(model: &str) -> Origin {
    Origin { model: model.into(), prompt: "0123456789abcdef".into(), knowledge: "fedcba9876543210".into() }
}

fn record(statement: &str, description: &str) -> Record {
    Record {
        statement: statement.into(),
        origin: origin("test:a"),
        description: Some(description.into()),
        source: Source::Model,
        asked: 2,
        faults: vec![Fault { kind: "refusal".into(), reason: "it says \"I cannot\"\nand ends".into() }],
        usage: Usage { input: 10, output: 5 },
        cost_usd: Some(0.1 + 0.2),
    }
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect();
    files.sort();
    files
}

#[test]
fn what_is_written_is_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("captions");
    let mut writer = StoreWriter::open(&path).unwrap();
    assert_eq!(writer.append([record("Sinus rhythm.", "a\u{2028}\"b\""), record("atrial flutter", "c")]).unwrap(), 2);
    assert_eq!(writer.append([record("SINUS  rhythm", "other")]).unwrap(), 0, "the same statement");
    let store = Store::open(&path).unwrap();
    assert_eq!(store.records(), writer.store().records());
    assert_eq!(store.get(&origin("test:a"), "sinus rhythm").unwrap().description.as_deref(), Some("a\u{2028}\"b\""));
    assert_eq!(store.get(&origin("test:b"), "sinus rhythm"), None);
    assert!(store.damage().is_empty());
}

#[test]
fn a_line_torn_at_any_byte_costs_that_line_alone() {
    let folder = TempDir::new().unwrap();
    StoreWriter::open(folder.path()).unwrap().append([record("a b", "1"), record("c d", "2")]).unwrap();
    let path = &segments(folder.path())[0];
    let whole = fs::read(path).unwrap();
    let first = whole.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    for length in first..whole.len() {
        fs::write(path, &whole[..length]).unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.records().len(), 1);
        assert_eq!(store.damage().len(), usize::from(length > first));
        assert!(store.damage().iter().all(|damage| damage.torn && damage.line == 2));
    }
    // What is written next stands in a file of its own, beside the torn line.
    let mut writer = StoreWriter::open(folder.path()).unwrap();
    writer.append([record("c d", "2"), record("e f", "3")]).unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!((store.records().len(), store.damage().len(), segments(folder.path()).len()), (3, 1, 2));
}

#[test]
fn a_changed_line_is_found() {
    let folder = TempDir::new().unwrap();
    StoreWriter::open(folder.path()).unwrap().append([record("a b", "one"), record("c d", "two")]).unwrap();
    let path = &segments(folder.path())[0];
    fs::write(path, fs::read_to_string(path).unwrap().replace("one", "ten")).unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.records().len(), 1);
    assert!(!store.damage()[0].torn && store.damage()[0].to_string().contains("line 1"), "{}", store.damage()[0]);
}

#[test]
fn hostile_lines_do_no_harm() {
    let folder = TempDir::new().unwrap();
    StoreWriter::open(folder.path()).unwrap().append([record("a b", "one")]).unwrap();
    let mut file = OpenOptions::new().append(true).open(&segments(folder.path())[0]).unwrap();
    file.write_all(b"\n{}\n\xff\xfe\n{\"checksum\":\"\",\"record\":}\n[[[[[[[[\n\0").unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!((store.records().len(), store.damage().len()), (1, 6));
}

#[test]
fn one_process_writes_at_a_time() {
    let folder = TempDir::new().unwrap();
    let writer = StoreWriter::open(folder.path()).unwrap();
    assert!(matches!(StoreWriter::open(folder.path()), Err(Error::Locked { .. })));
    assert!(Store::open(folder.path()).is_ok(), "reading needs no lock");
    drop(writer);
    StoreWriter::open(folder.path()).unwrap();
}

#[test]
fn other_folders_are_left_alone() {
    let folder = TempDir::new().unwrap();
    assert!(matches!(Store::open(folder.path()), Err(Error::NoStore { .. })));
    assert!(Store::open_if_any(folder.path()).unwrap().records().is_empty());
    fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
    assert!(matches!(StoreWriter::open(folder.path()), Err(Error::NoStore { .. })));
    assert!(matches!(Store::open_if_any(folder.path()), Err(Error::NoStore { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn stores_are_merged() {
    let (mine, yours) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut writer = StoreWriter::open(mine.path()).unwrap();
    writer.append([record("a b", "mine"), record("c d", "mine")]).unwrap();
    let other = Record { origin: origin("test:b"), ..record("a b", "other model") };
    StoreWriter::open(yours.path()).unwrap().append([record("a b", "yours"), record("e f", "yours"), other]).unwrap();
    let yours = Store::open(yours.path()).unwrap();
    assert_eq!(writer.merge(&yours).unwrap(), 2);
    assert_eq!(writer.merge(&yours).unwrap(), 0);
    let store = Store::open(mine.path()).unwrap();
    assert_eq!(store.records().len(), 4);
    assert_eq!(store.get(&origin("test:a"), "a b").unwrap().description.as_deref(), Some("mine"));
    let error = store.origin(None).unwrap_err().to_string();
    assert!(error.contains("test:a") && error.contains("test:b"), "{error}");
    let id = origin("test:b").id();
    assert_eq!(store.origin(Some(&id[..6])).unwrap(), &origin("test:b"));
}

#[test]
fn the_knowledge_has_a_version() {
    let built_in = KnowledgeBase::built_in().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/knowledge");
    assert_eq!(built_in.version(), KnowledgeBase::open(&source).unwrap().version());
    let folder = TempDir::new().unwrap();
    for page in fs::read_dir(&source).unwrap().map(|page| page.unwrap().path()) {
        fs::copy(&page, folder.path().join(page.file_name().unwrap())).unwrap();
    }
    assert_eq!(built_in.version(), KnowledgeBase::open(folder.path()).unwrap().version());
    let page = folder.path().join("atrial-flutter.md");
    let changed = fs::read_to_string(&page).unwrap().replacen("## Waveform\n\n", "## Waveform\n\nBy and large: ", 1);
    fs::write(&page, changed).unwrap();
    assert_ne!(built_in.version(), KnowledgeBase::open(folder.path()).unwrap().version());
}

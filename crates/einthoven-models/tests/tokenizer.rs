//! Training, saving and using a WordPiece tokenizer.
#![allow(clippy::unwrap_used)] // a failure here is the test's finding

use std::path::Path;
use std::process::Command;

use einthoven_models::{Error, Tokenizer};

fn captions() -> Vec<String> {
    let findings = [
        "sinus rhythm",
        "atrial fibrillation",
        "left bundle branch block",
        "right bundle branch block",
        "inferior myocardial infarction",
        "left ventricular hypertrophy",
        "first degree AV block",
    ];
    (0..200)
        .map(|i: usize| {
            format!(
                "This patient is a {} year-old {}. ECG Findings: {}, {}.",
                20 + i % 70,
                if i.is_multiple_of(2) { "female" } else { "male" },
                findings[i % 7],
                findings[(i * 3 + 1) % 7],
            )
        })
        .collect()
}

#[test]
fn the_special_tokens_come_first() {
    let tokenizer = Tokenizer::train_word_piece(&captions(), 400).unwrap();
    let json: serde_json::Value = serde_json::from_str(&tokenizer.to_json().unwrap()).unwrap();
    for (id, token) in ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].into_iter().enumerate() {
        assert_eq!(json["model"]["vocab"][token], id);
    }
    assert_eq!((tokenizer.pad(), tokenizer.cls(), tokenizer.sep()), (0, 2, 3));
    assert!(tokenizer.vocabulary_size() <= 400);
    let whole = tokenizer.encode_batch(&["Atrial FIBRILLATION".to_owned()], 500).unwrap();
    assert_eq!(whole.padded_len(), 4, "frequent words are one piece each");
}

/// Hash maps are seeded per process, so two trainings in one process would prove little.
#[test]
fn training_is_the_same_in_every_process() {
    let train = || {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_trains", "--ignored", "--nocapture"])
            .output()
            .unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let start = text.find("BEGIN").unwrap();
        text[start..text.find("END").unwrap()].to_owned()
    };
    let first = train();
    assert!(first.contains("\"##"));
    for _ in 0..3 {
        assert_eq!(train(), first);
    }
    // The order of the captions does not matter either.
    let forwards = Tokenizer::train_word_piece(&captions(), 400).unwrap();
    let backwards: Vec<String> = captions().into_iter().rev().collect();
    let backwards = Tokenizer::train_word_piece(&backwards, 400).unwrap();
    assert_eq!(forwards.to_json().unwrap(), backwards.to_json().unwrap());
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn child_trains() {
    let tokenizer = Tokenizer::train_word_piece(&captions(), 400).unwrap();
    println!("BEGIN{}END", tokenizer.to_json().unwrap());
}

#[test]
fn texts_are_wrapped_and_cut() {
    let tokenizer = Tokenizer::train_word_piece(&captions(), 400).unwrap();
    let texts = ["sinus rhythm".to_owned(), captions()[1].clone(), String::new()];
    let batch = tokenizer.encode_batch(&texts, 10).unwrap();
    assert_eq!((batch.count(), batch.padded_len(), batch.ids().len()), (3, 10, 16));
    for (row, length) in [4, 10, 2].into_iter().enumerate() {
        let ids = batch.row(row);
        assert_eq!(ids.len(), length);
        assert_eq!(ids[0], tokenizer.cls());
        assert_eq!(ids[length - 1], tokenizer.sep());
        assert!(!ids.contains(&tokenizer.pad()));
    }
    let whole = tokenizer.encode_batch(&texts, 500).unwrap();
    assert_eq!(whole.row(1)[..9], batch.row(1)[..9], "the beginning is kept");
    assert_eq!(tokenizer.decode(whole.row(0)).unwrap(), "sinus rhythm");
    assert_eq!(tokenizer.prompt("sinus rhythm").unwrap(), whole.row(0)[..3]);
    assert_eq!(tokenizer.prompt("").unwrap(), [tokenizer.cls()]);
    assert!(matches!(tokenizer.encode_batch(&[], 10), Err(Error::Input { .. })));
    assert!(matches!(tokenizer.encode_batch(&texts, 1), Err(Error::Input { .. })));
}

#[test]
fn words_never_seen_are_spelt() {
    let tokenizer = Tokenizer::train_word_piece(&captions(), 400).unwrap();
    let texts = ["Wolff-Parkinson-White; QTc > 500 ms".to_owned()];
    let batch = tokenizer.encode_batch(&texts, 500).unwrap();
    assert!(!batch.ids().contains(&1), "no [UNK] in {:?}", batch.ids());
    let bare = |text: &str| text.to_lowercase().replace(' ', "");
    assert_eq!(bare(&tokenizer.decode(batch.ids()).unwrap()), bare(&texts[0]));
}

#[test]
fn a_saved_tokenizer_is_the_same_tokenizer() {
    let folder = tempfile::tempdir().unwrap();
    let tokenizer = Tokenizer::train_word_piece(&captions(), 400).unwrap();
    let path = folder.path().join("tokenizer.json");
    tokenizer.save(&path).unwrap();
    tokenizer.save(&path).unwrap();
    for from in [path.as_path(), folder.path()] {
        let loaded = Tokenizer::load(from).unwrap();
        assert_eq!(loaded.to_json().unwrap(), tokenizer.to_json().unwrap());
        assert_eq!(loaded.encode_batch(&captions(), 500).unwrap(), tokenizer.encode_batch(&captions(), 500).unwrap());
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "no temporary file stays");
    let error = tokenizer.save(Path::new("no/such/folder/tokenizer.json")).unwrap_err();
    assert!(matches!(error, Error::Write { .. }) && error.to_string().contains("no/such/folder"));
}

#[test]
fn a_vocabulary_too_small_or_not_there_is_an_error() {
    let error = Tokenizer::train_word_piece(&captions(), 20).unwrap_err();
    assert!(error.to_string().contains("20 pieces"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Tokenizer::load(folder.path()), Err(Error::MissingFile { .. })));
    let vocabulary = folder.path().join("vocab.txt");
    std::fs::write(&vocabulary, "[PAD]\n[UNK]\nsinus\n").unwrap();
    let error = Tokenizer::load(&vocabulary).unwrap_err();
    assert!(error.to_string().contains("[SEP]"), "{error}");
    std::fs::write(&vocabulary, [0xff, 0xfe]).unwrap();
    assert!(matches!(Tokenizer::load(&vocabulary), Err(Error::Tokenizer { .. })));
}

//! The cross-encoder, beside the scores of `transformers` for the same weights (`tests/cross-encoder/make.py`).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::KNOWLEDGE;
use einthoven_caption::Error;
use einthoven_caption::retrieval::{Index, Reranker};
use serde::Deserialize;
use tempfile::TempDir;

#[derive(Deserialize)]
struct Golden {
    question: String,
    scores: Vec<Score>,
}

#[derive(Deserialize)]
struct Score {
    text: String,
    score: f64,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cross-encoder")
}

#[test]
fn scores_are_those_of_the_published_implementation() {
    let golden: Golden = serde_json::from_str(&fs::read_to_string(folder().join("scores.json")).unwrap()).unwrap();
    let reranker = Reranker::open(folder()).unwrap();
    let texts: Vec<&str> = golden.scores.iter().map(|score| score.text.as_str()).collect();
    let scores = reranker.scores(&golden.question, &texts).unwrap();
    for (score, expected) in scores.iter().zip(&golden.scores) {
        // Single precision here, double there.
        assert!((f64::from(*score) - expected.score).abs() < 1e-4, "{}: {score} {}", expected.text, expected.score);
    }
    // A text's score does not depend on those beside it.
    let alone = reranker.scores(&golden.question, &texts[1..2]).unwrap()[0];
    assert!((alone - scores[1]).abs() < 1e-5);
    assert!(reranker.scores(&golden.question, &[]).unwrap().is_empty());
}

#[test]
fn a_search_is_put_in_the_order_of_the_scores() {
    let index = Index::of_pages(&KNOWLEDGE);
    let reranker = Reranker::open(folder()).unwrap();
    let question = "How does atrial flutter show in lead II?";
    let found = index.search_reranked(&reranker, question, 5).unwrap();
    assert_eq!(found.len(), 5);
    assert!(found.is_sorted_by(|a, b| a.score >= b.score));
    // The best of those that the first search finds, not of all pages.
    let candidates = index.search(question, 30).unwrap();
    let is_candidate = |text: &str| candidates.iter().any(|passage| passage.text == text);
    assert!(found.iter().all(|passage| is_candidate(&passage.text)));
    assert!(index.search_reranked(&reranker, "zebra gnu", 5).unwrap().is_empty());
}

#[test]
fn other_models_are_refused() {
    let place = TempDir::new().unwrap();
    let copy = |name: &str| fs::copy(folder().join(name), place.path().join(name)).map(|_| ()).unwrap();
    assert!(matches!(Reranker::open(place.path()), Err(Error::Read { .. })));
    ["config.json", "tokenizer.json"].into_iter().for_each(copy);
    fs::write(place.path().join("model.safetensors"), b"none").unwrap();
    let error = Reranker::open(place.path()).unwrap_err().to_string();
    assert!(error.contains("model.safetensors"), "{error}");
    let weights = fs::read(folder().join("model.safetensors")).unwrap();
    // As long as before, so that the header's length holds: a sentence encoder has no such head.
    let text =
        String::from_utf8_lossy(&weights[8..8 + header(&weights)]).replace("classifier.weight", "classifier.weighs");
    let renamed = [&weights[..8], text.as_bytes(), &weights[8 + header(&weights)..]].concat();
    fs::write(place.path().join("model.safetensors"), renamed).unwrap();
    let error = Reranker::open(place.path()).unwrap_err().to_string();
    assert!(error.contains("a head of 0 classes, expected a cross-encoder"), "{error}");
}

/// The length of a safetensors header.
fn header(bytes: &[u8]) -> usize {
    u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize
}

//! Questions to the knowledge base, through the command.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use einthoven_tests::{failed, run, succeeded};
use serde_json::Value;

#[test]
fn a_question_is_answered_with_passages_and_their_sources() {
    let text = succeeded(&run(["caption", "ask", "How is atrial flutter reflected in ECG?"]));
    assert!(text.starts_with("[1] atrial flutter, "), "{text}");
    assert!(text.contains("(atrial-flutter)") && text.contains("source: ESC Guidelines"), "{text}");
    let json = succeeded(&run(["caption", "ask", "zebra gnu giraffe", "--json"]));
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["passages"], Value::Array(Vec::new()));
}

#[test]
fn an_index_holds_pages_and_documents() {
    let place = tempfile::tempdir().unwrap();
    let notes = place.path().join("notes.md");
    fs::write(&notes, "# Ward\n\n## Gerbil rhythm\n\nZebra waves before each complex.\n").unwrap();
    let index = place.path().join("index");
    let (index, notes) = (index.to_str().unwrap(), notes.to_str().unwrap());
    let built: Value =
        serde_json::from_str(&succeeded(&run(["caption", "index", index, "--documents", notes, "--json"]))).unwrap();
    assert!(built["built"]["chunks"].as_u64().unwrap() > 1000);
    let text = succeeded(&run(["caption", "ask", "zebra waves", "--index", index, "--top", "1"]));
    assert_eq!(text, "[1] notes.md, Gerbil rhythm (notes.md)\n    Zebra waves before each complex.\n");
    let (code, message) = failed(&run(["caption", "ask", "zebra waves", "--index", place.path().to_str().unwrap()]));
    assert_eq!(code, 1);
    assert!(message.contains("holds no index: make one with `einthoven caption index`"), "{message}");
}

//! A real model in a GGUF file, run in this process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use common::KNOWLEDGE;
use einthoven_caption::audit::Audit;
use einthoven_caption::checks::Checks;
use einthoven_caption::flow::Flow;
use einthoven_caption::model::{Gguf, LanguageModel};
use einthoven_caption::store::{Fault, StoreWriter};
use einthoven_caption::{Prompt, PromptConfig, Screen, Statement};

/// The file that `EINTHOVEN_GGUF` names.
fn model() -> Option<Gguf> {
    let Some(path) = std::env::var_os("EINTHOVEN_GGUF").map(PathBuf::from) else {
        println!("skipped: EINTHOVEN_GGUF names no GGUF file");
        return None;
    };
    Some(Gguf::open(path, 0, Arc::default()).unwrap())
}

#[test]
fn a_real_model_answers_in_words_and_repeats_them() {
    let Some(model) = model() else { return };
    let statement = Screen::new(&KNOWLEDGE).admit("atrial fibrillation").unwrap();
    let prompt = Prompt::open(&PromptConfig { max_tokens: 40, ..PromptConfig::default() }).unwrap();
    let request = prompt.request(&statement, &KNOWLEDGE.passages(&statement), &[]).unwrap();
    let mut streamed = String::new();
    let answer = model.stream(&request, &mut |piece| streamed.push_str(piece)).unwrap();
    println!("{}: {}", model.name(), answer.text);
    assert_eq!(answer.text, streamed);
    assert!(answer.text.split_whitespace().filter(|word| word.chars().all(char::is_alphabetic)).count() > 5);
    assert_eq!(model.answer(&request).unwrap(), answer);
}

#[test]
fn a_hundred_statements_are_described_by_a_real_model() {
    let Some(model) = model() else { return };
    let checks = Checks::new(&KNOWLEDGE);
    let judge = |statement: &Statement, answer: &str| -> Vec<Fault> {
        let found = checks.check(statement.as_str(), answer);
        found.into_iter().map(|fault| Fault { kind: fault.kind().to_string(), reason: fault.to_string() }).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let (stop, prompt) = (AtomicBool::new(false), Prompt::open(&PromptConfig::default()).unwrap());
    let evidence = |statement: &Statement| KNOWLEDGE.passages(statement);
    let flow = Flow {
        base: &KNOWLEDGE,
        model: &model,
        prompt: &prompt,
        evidence: &evidence,
        judge: &judge,
        tries: 2,
        stop: &stop,
    };
    let mut store = StoreWriter::open(folder.path()).unwrap();
    let plan = flow.plan(KNOWLEDGE.pages().map(|page| page.name.as_str()).take(100), store.store());
    let ended = flow.run(&plan, &mut store, &mut |_| ()).unwrap();
    assert!(ended.early.is_none() && ended.report.done() == plan.ask.len());
    assert_eq!((ended.report.unanswered, ended.report.by_nobody), (0, 0));
    assert_eq!(ended.report.traffic.cost_usd, Some(0.0));
    println!("{}", serde_json::to_string_pretty(&ended.report).unwrap());
    let audit = Audit::of(store.store(), None).unwrap();
    println!("{}", serde_json::to_string_pretty(&audit).unwrap());
}

//! Models in GGUF files, run in this process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::sync::Arc;

use einthoven_caption::model::{Finish, Gguf, LanguageModel};
use einthoven_caption::{KnowledgeBase, Prompt, PromptConfig, Request, Screen};

fn request(base: &KnowledgeBase, statement: &str, config: &PromptConfig) -> Request {
    let statement = Screen::new(base).admit(statement).unwrap();
    Prompt::open(config).unwrap().request(&statement, &base.passages(&statement), &[]).unwrap()
}

/// The file that `EINTHOVEN_GGUF` names.
fn real() -> Option<PathBuf> {
    let path = std::env::var_os("EINTHOVEN_GGUF").map(PathBuf::from);
    if path.is_none() {
        println!("skipped: EINTHOVEN_GGUF does not name a model");
    }
    path
}

#[test]
fn a_real_model_answers_in_english_and_the_same_each_time() {
    let Some(path) = real() else { return };
    let base = KnowledgeBase::built_in().unwrap();
    let model = Gguf::open(path, 0, Arc::default()).unwrap();
    println!("{}", model.name());
    let config = PromptConfig { max_tokens: 80, ..PromptConfig::default() };
    let request = request(&base, "atrial fibrillation", &config);
    for _ in 0..2 {
        let start = std::time::Instant::now();
        let mut streamed = String::new();
        let answer = model.stream(&request, &mut |piece| streamed.push_str(piece)).unwrap();
        println!("{:?} {answer:?}", start.elapsed());
        assert_eq!(answer.text, streamed);
        assert!(answer.usage.output > 8 && answer.finish != Finish::Filtered);
    }
}

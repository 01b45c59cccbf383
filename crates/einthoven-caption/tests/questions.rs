//! Questions on every concept: the right page among the first three.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use common::KNOWLEDGE;
use einthoven_caption::retrieval::{EncoderConfig, Index, Method};
use serde::Deserialize;
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
struct Asked {
    page: String,
    questions: Vec<String>,
}

fn read(name: &str) -> Vec<Asked> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Three questions on each page; in at least one of them the page's name is not quoted.
fn questions() -> Vec<Asked> {
    let asked = read("questions.jsonl");
    let pages: BTreeSet<&str> = asked.iter().map(|asked| asked.page.as_str()).collect();
    assert!(KNOWLEDGE.pages().all(|page| pages.contains(page.slug.as_str())), "a page has no questions");
    for Asked { page, questions } in &asked {
        let name = KNOWLEDGE.page(page).unwrap().name.to_lowercase();
        assert_eq!(questions.len(), 3);
        assert!(questions.iter().any(|question| !question.to_lowercase().contains(&name)), "{page}");
    }
    asked
}

/// The first three pages of the passages that are found.
fn first_pages(index: &Index, method: Method, question: &str) -> Vec<String> {
    let mut pages: Vec<String> = Vec::new();
    for passage in index.search_by(method, question, 60).unwrap() {
        if !pages.contains(&passage.page) {
            pages.push(passage.page);
        }
    }
    pages.truncate(3);
    pages
}

/// Questions written later, without a look at the pages or at retrieval: the half on which ranking was tuned, and the half that was held out.
///
/// A question belongs to the first half if the first byte of its SHA-256 is even.
fn fresh_questions() -> [Vec<Asked>; 2] {
    let asked = read("questions-fresh.jsonl");
    assert!(asked.len() >= 150);
    let is_tuned_on = |question: &String| Sha256::digest(question)[0] % 2 == 0;
    [true, false].map(|half| {
        let part = |asked: &Asked| {
            let questions = asked.questions.iter().filter(|question| is_tuned_on(question) == half).cloned().collect();
            Asked { page: asked.page.clone(), questions }
        };
        asked.iter().map(part).collect()
    })
}

/// The share of questions whose page is among the first three; prints the others.
fn share(index: &Index, method: Method, asked: &[Asked]) -> f64 {
    let (mut right, mut all) = (0, 0);
    for Asked { page, questions } in asked {
        for question in questions {
            let found = first_pages(index, method, question);
            all += 1;
            if found.contains(page) {
                right += 1;
            } else {
                println!("    {method:?} missed {page}: {question} -> {found:?}");
            }
        }
    }
    let share = f64::from(right) / f64::from(all);
    println!("{method:?}: {right} of {all} questions ({:.1} %)", 100.0 * share);
    share
}

#[test]
fn words_find_the_page() {
    assert!(share(&Index::of_pages(&KNOWLEDGE), Method::Words, &questions()) >= 0.95);
}

/// They describe more than they name, often by numbers: fewer find their page.
#[test]
fn words_find_the_page_of_fresh_questions() {
    let index = Index::of_pages(&KNOWLEDGE);
    let [tuned, held_out] = fresh_questions().map(|half| share(&index, Method::Words, &half));
    assert!(tuned >= 0.85 && held_out >= 0.83);
}

#[test]
fn words_and_meaning_find_the_page() {
    let Some(path) = std::env::var_os("EINTHOVEN_MINILM").map(PathBuf::from) else {
        println!("skipped: EINTHOVEN_MINILM names no model folder");
        return;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("questions");
    let built = Index::build(&folder, &KNOWLEDGE, &[], Some(&EncoderConfig::Folder { path }), |_, _| ()).unwrap();
    println!("{built:?}");
    let index = Index::open(&folder).unwrap();
    let fusion = share(&index, Method::Fusion, &questions());
    share(&index, Method::Meaning, &questions());
    let [tuned, held_out] = fresh_questions().map(|half| {
        share(&index, Method::Meaning, &half);
        share(&index, Method::Fusion, &half)
    });
    assert!(fusion >= 0.97 && tuned >= 0.82 && held_out >= 0.82);
}

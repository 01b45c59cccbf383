//! Questions on every concept: the right page among the first three.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use common::KNOWLEDGE;
use einthoven_caption::retrieval::{EncoderConfig, Index, Method};
use serde::Deserialize;

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

/// Questions written later, without a look at the pages or at retrieval.
fn fresh_questions() -> Vec<Asked> {
    let asked = read("questions-fresh.jsonl");
    assert!(asked.len() >= 150);
    asked
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
    assert!(share(&Index::of_pages(&KNOWLEDGE), Method::Words, &fresh_questions()) >= 0.75);
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
    let fresh = share(&index, Method::Fusion, &fresh_questions());
    share(&index, Method::Meaning, &fresh_questions());
    assert!(fusion >= 0.97 && fresh >= 0.75);
}

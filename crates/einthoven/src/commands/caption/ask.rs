//! `einthoven caption ask`.

use std::process::ExitCode;

use einthoven::Result;
use einthoven::caption::KnowledgeBase;
use einthoven::caption::retrieval::{Hit, Index, Reranker};
use serde_json::json;

use crate::cli::caption as cli;
use crate::commands::{print, print_json};

/// Columns of the answer.
const WIDTH: usize = 100;

pub fn ask(options: &cli::Ask) -> Result<ExitCode> {
    let base = KnowledgeBase::built_in()?;
    let index = match &options.index {
        Some(folder) => Index::open(folder)?,
        None => Index::of_pages(&base),
    };
    let passages = match &options.rerank {
        Some(folder) => index.search_reranked(&Reranker::open(folder)?, &options.question, options.top)?,
        None => index.search(&options.question, options.top)?,
    };
    if options.json {
        print_json(&json!({ "question": options.question, "passages": passages }))?;
    } else if passages.is_empty() {
        print("No passage shares a word with the question.")?;
    } else {
        let shown: Vec<String> =
            passages.iter().enumerate().map(|(rank, passage)| show(rank + 1, passage, &base)).collect();
        print(&shown.join("\n\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A passage with where it stands, and what its page rests on.
fn show(rank: usize, passage: &Hit, base: &KnowledgeBase) -> String {
    let page = base.page(&passage.page);
    let name = page.map_or(passage.page.as_str(), |page| page.name.as_str());
    let section = if passage.section.is_empty() { String::new() } else { format!(", {}", passage.section) };
    let mut text = format!("[{rank}] {name}{section} ({})\n{}", passage.page, wrap(&passage.text));
    for source in page.into_iter().flat_map(|page| &page.sources) {
        text.push_str(&format!("\n    source: {source}"));
    }
    text
}

/// A text in lines of at most [`WIDTH`] columns, four of them empty.
fn wrap(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + word.chars().count() + 5 > WIDTH {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

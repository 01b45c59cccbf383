//! Pages and documents as chunks: pieces that say one thing and fit a sentence encoder.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::terms;
use crate::{Page, Section};

/// The longest chunk of a document, in words: sentence encoders read some 256 tokens.
const LONGEST: usize = 160;

/// A piece of a page or document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chunk {
    /// The page's slug, or the document's file name.
    pub page: String,
    /// What the page is about: its name and synonyms, or the document's title. It is searched, and not quoted.
    pub title: String,
    /// The heading.
    pub section: String,
    /// The text.
    pub text: String,
}

impl Chunk {
    /// The text that is searched for words. Those of the names stand there once: names that put them in another order would make the
    /// page look longer, and them more frequent, than they are.
    pub fn searched(&self) -> String {
        let mut known = HashSet::new();
        let mut is_new = |word: &&str| terms(word).into_iter().filter(|term| known.insert(term.clone())).count() > 0;
        let names: Vec<&str> = self.title.split([';', ' ']).filter(|word| is_new(word)).collect();
        format!("{}. {}. {}", names.join(" "), self.section, self.text)
    }

    /// The text that is encoded: the name stands for the synonyms, which would push the text out of the encoder's sight.
    pub fn encoded(&self) -> String {
        let name = self.title.split(';').next().unwrap_or_default();
        format!("{name}. {}", self.text)
    }

    /// A hash of all of it, in hexadecimal digits.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for part in [&self.page, &self.title, &self.section, &self.text] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A chunk for each section of a page.
pub(crate) fn of_page(page: &Page) -> impl Iterator<Item = Chunk> {
    let title = std::iter::once(page.name.as_str())
        .chain(page.synonyms.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join("; ");
    Section::ALL.into_iter().map(move |section| Chunk {
        page: page.slug.clone(),
        title: title.clone(),
        section: section.heading().to_owned(),
        text: page.section(section).to_owned(),
    })
}

/// The chunks of a document in Markdown: one for each heading, or more where its text is long.
pub(crate) fn of_markdown(name: &str, text: &str) -> Vec<Chunk> {
    let mut parts: Vec<(String, String)> = vec![(String::new(), String::new())];
    let mut title = name.to_owned();
    let mut is_code = false;
    for line in text.lines() {
        is_code ^= line.trim_start().starts_with("```");
        if let Some((level, words)) = heading(line).filter(|_| !is_code) {
            if level == 1 && title == name {
                words.clone_into(&mut title);
            }
            parts.push((words.to_owned(), String::new()));
        } else if let Some((_, body)) = parts.last_mut() {
            body.push_str(line);
            body.push('\n');
        }
    }
    let pieces = parts.into_iter().flat_map(|(section, body)| {
        divide(&body).into_iter().map(move |text| (section.clone(), text)).collect::<Vec<_>>()
    });
    pieces.map(|(section, text)| Chunk { page: name.to_owned(), title: title.clone(), section, text }).collect()
}

/// The level and the words of a line that is a heading.
fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|b| *b == b'#').count();
    let words = line.get(level..)?.strip_prefix(' ')?.trim().trim_end_matches('#').trim_end();
    (1..=6).contains(&level).then_some((level, words))
}

/// A text in pieces of whole sentences, none longer than [`LONGEST`] unless one sentence is.
fn divide(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut pieces = Vec::new();
    let mut rest = words.as_slice();
    while !rest.is_empty() {
        let is_end = |word: &&str| word.ends_with(['.', '!', '?', ':', ';']);
        let window = &rest[..rest.len().min(LONGEST)];
        let last = if window.len() == rest.len() { None } else { window.iter().rposition(is_end) };
        let (piece, after) = rest.split_at(last.map_or(window.len(), |last| last + 1));
        pieces.push(piece.join(" "));
        rest = after;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_divided_at_headings_and_between_sentences() {
        let long = "One two three four. ".repeat(50);
        let text = format!("Before.\n\n# Notes\n\nAfter it.\n```\n# no heading\n```\n## Long ##\n{long}");
        let chunks = of_markdown("notes.md", &text);
        let lines: Vec<_> =
            chunks.iter().map(|chunk| (chunk.section.as_str(), chunk.text.split(' ').count())).collect();
        assert_eq!(lines, [("", 1), ("Notes", 7), ("Long", 160), ("Long", 40)]);
        assert!(chunks.iter().all(|chunk| chunk.title == "Notes" && chunk.page == "notes.md"));
        assert!(of_markdown("empty.md", "\n# Title\n").is_empty());
        assert_eq!(divide(&"word ".repeat(200)).len(), 2);
    }
}

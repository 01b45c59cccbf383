//! The user's own texts.

use std::path::{Path, PathBuf};

use super::chunk::{self, Chunk};
use super::pdf;
use crate::{Error, Result};

/// Kinds of files that are read, by their endings.
const KINDS: [&str; 7] = ["md", "markdown", "txt", "text", "html", "htm", "pdf"];

/// The chunks of a file, or of all files below a folder that hold text: Markdown, plain text or HTML, in UTF-8, or PDF; and the pages of PDF files that
/// hold none.
pub(super) fn chunks(path: &Path) -> Result<(Vec<Chunk>, usize)> {
    let is_folder = path.is_dir();
    let files = if is_folder { files(path)? } else { vec![path.to_owned()] };
    let (mut chunks, mut blank) = (Vec::new(), 0);
    for file in &files {
        let name = if is_folder {
            file.strip_prefix(path).unwrap_or(file).as_os_str()
        } else {
            file.file_name().unwrap_or_default()
        };
        let (found, pages) = chunks_of_file(file, &name.to_string_lossy().replace('\\', "/"))?;
        chunks.extend(found);
        blank += pages;
    }
    let message = match (chunks.is_empty(), blank) {
        (true, 0) if is_folder => format!("no text in files that end in {}", KINDS.join(", ")),
        (true, 1..) => "no text in it, as in a scan: run text recognition over it first".to_owned(),
        _ => return Ok((chunks, blank)),
    };
    Err(Error::Document { path: path.to_owned(), message })
}

/// The files below a folder that are of a known kind, in their order by name. Links are not followed.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let unreadable = |source| Error::Read { path: folder.clone(), source };
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() && KINDS.contains(&ending(&entry.path()).as_str()) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn chunks_of_file(path: &Path, name: &str) -> Result<(Vec<Chunk>, usize)> {
    let wrong = |message: String| Error::Document { path: path.to_owned(), message };
    let ending = ending(path);
    if !KINDS.contains(&ending.as_str()) {
        return Err(wrong(format!("expected a file that ends in {}", KINDS.join(", "))));
    }
    let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    if ending == "pdf" {
        let read = pdf::read(&bytes).map_err(wrong)?;
        return Ok((chunk::of_markdown(name, &read.markdown), read.blank));
    }
    let text = String::from_utf8(bytes).map_err(|error| wrong(format!("not UTF-8: {error}; save it as UTF-8")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let chunks = match ending.as_str() {
        "md" | "markdown" => chunk::of_markdown(name, without_front_matter(text)),
        "html" | "htm" => {
            let converter =
                htmd::HtmlToMarkdown::builder().skip_tags(vec!["script", "style", "head", "nav", "noscript"]).build();
            let markdown = converter.convert(text).map_err(|error| wrong(format!("not HTML: {error}")))?;
            chunk::of_markdown(name, &markdown)
        }
        _ => chunk::of_markdown(name, &text.replace('#', " ")),
    };
    Ok((chunks, 0))
}

fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

fn without_front_matter(text: &str) -> &str {
    let end = text.strip_prefix("---\n").and_then(|rest| Some(&rest[rest.find("\n---\n")? + 5..]));
    end.unwrap_or(text)
}

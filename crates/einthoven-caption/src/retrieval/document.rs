//! The user's own texts.

use std::path::{Path, PathBuf};

use super::chunk::{self, Chunk};
use crate::{Error, Result};

/// Kinds of files that are read, by their endings.
const KINDS: [&str; 6] = ["md", "markdown", "txt", "text", "html", "htm"];

/// The chunks of a file, or of all files below a folder that hold text: Markdown, plain text or HTML, in UTF-8.
pub(super) fn chunks(path: &Path) -> Result<Vec<Chunk>> {
    if !path.is_dir() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return chunks_of_file(path, &name);
    }
    let mut chunks = Vec::new();
    for file in files(path)? {
        let name = file.strip_prefix(path).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        chunks.extend(chunks_of_file(&file, &name)?);
    }
    if chunks.is_empty() {
        return Err(Error::Document {
            path: path.to_owned(),
            message: format!("no text in files that end in {}", KINDS.join(", ")),
        });
    }
    Ok(chunks)
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

fn chunks_of_file(path: &Path, name: &str) -> Result<Vec<Chunk>> {
    let wrong = |message: String| Error::Document { path: path.to_owned(), message };
    let ending = ending(path);
    if !KINDS.contains(&ending.as_str()) {
        return Err(wrong(format!("expected a file that ends in {}", KINDS.join(", "))));
    }
    let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let text = String::from_utf8(bytes).map_err(|error| wrong(format!("not UTF-8: {error}; save it as UTF-8")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(match ending.as_str() {
        "md" | "markdown" => chunk::of_markdown(name, without_front_matter(text)),
        "html" | "htm" => {
            let converter =
                htmd::HtmlToMarkdown::builder().skip_tags(vec!["script", "style", "head", "nav", "noscript"]).build();
            let markdown = converter.convert(text).map_err(|error| wrong(format!("not HTML: {error}")))?;
            chunk::of_markdown(name, &markdown)
        }
        _ => chunk::of_markdown(name, &text.replace('#', " ")),
    })
}

fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

fn without_front_matter(text: &str) -> &str {
    let end = text.strip_prefix("---\n").and_then(|rest| Some(&rest[rest.find("\n---\n")? + 5..]));
    end.unwrap_or(text)
}

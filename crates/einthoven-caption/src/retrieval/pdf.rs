//! The text of a PDF (ISO 32000-1): what its pages show, in the order in which they show it.

use std::collections::BTreeMap;

use lopdf::content::{Content, Operation};
use lopdf::{DEFAULT_MAX_DECOMPRESSED_SIZE, Document, Encoding, Error, LoadOptions, Object, ObjectId};

/// A step to the left or right within a line, in thousandths of the font's size, that stands for a space: kerning is smaller, spaces between words
/// are some 250.
const SPACE: f32 = 180.0;

/// A text in Markdown, and the pages that gave none.
#[derive(Debug, Default)]
pub(super) struct Pdf {
    pub markdown: String,
    pub blank: usize,
}

/// The text in Markdown, a section for each page that has any: `## page 3`. Words that a line's end divides are joined. Pictures, and letters of fonts
/// that do not say what they stand for, give no text; streams that decompress to more than lopdf's limit are an error.
///
/// # Errors
/// A message with the remedy for a PDF that is damaged or encrypted.
pub(super) fn read(bytes: &[u8]) -> Result<Pdf, String> {
    let damaged = |error: &Error| format!("not a PDF that can be read: {}; print it to a new PDF", chain(error));
    let options = LoadOptions { max_decompressed_size: Some(DEFAULT_MAX_DECOMPRESSED_SIZE), ..LoadOptions::default() };
    let document = match Document::load_mem_with_options(bytes, options) {
        Ok(document) if document.is_encrypted() => return Err(encrypted()),
        Ok(document) => document,
        Err(Error::InvalidPassword | Error::Decryption(_)) => return Err(encrypted()),
        Err(error) => return Err(damaged(&error)),
    };
    let pages = document.get_pages();
    if pages.is_empty() {
        return Err("not a PDF that can be read: it has no pages; print it to a new PDF".to_owned());
    }
    let mut read = Pdf::default();
    for (number, id) in pages {
        let page = page(&document, id).map_err(|error| format!("page {number}: {}", damaged(&error)))?;
        // A line that begins with a number sign is no heading.
        let page = page.replace('#', " ");
        if page.trim().is_empty() {
            read.blank += 1;
        } else {
            read.markdown.push_str(&format!("## page {number}\n\n{}\n\n", page.trim()));
        }
    }
    Ok(read)
}

fn encrypted() -> String {
    "encrypted: save it without a password first".to_owned()
}

/// An error and what is behind it.
fn chain(error: &Error) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn page(document: &Document, id: ObjectId) -> Result<String, Error> {
    let mut fonts = BTreeMap::new();
    for (name, font) in document.get_page_fonts(id)? {
        fonts.insert(name, font.get_font_encoding_with_limit(document, DEFAULT_MAX_DECOMPRESSED_SIZE)?);
    }
    let content = document.get_page_content_with_limit(id, DEFAULT_MAX_DECOMPRESSED_SIZE)?;
    let mut text = Text { fonts: &fonts, font: None, line: None, shown: String::new() };
    for operation in &Content::decode(&content)?.operations {
        text.follow(operation);
    }
    Ok(text.shown)
}

/// A page's text as far as its operations have been followed.
struct Text<'a> {
    fonts: &'a BTreeMap<Vec<u8>, Encoding<'a>>,
    font: Option<&'a Encoding<'a>>,
    /// The height of the line, where it was set by a matrix.
    line: Option<f32>,
    shown: String,
}

impl Text<'_> {
    fn follow(&mut self, operation: &Operation) {
        let operands = operation.operands.as_slice();
        match (operation.operator.as_str(), operands) {
            ("Tf", [Object::Name(name), ..]) => self.font = self.fonts.get(name),
            ("Tj", [text, ..]) => self.show(text),
            ("TJ", [Object::Array(parts), ..]) => parts.iter().for_each(|part| self.show(part)),
            ("'", [text, ..]) | ("\"", [_, _, text, ..]) => {
                self.new_line();
                self.show(text);
            }
            ("Td" | "TD", [_, down, ..]) if down.as_float().is_ok_and(|down| down == 0.0) => self.space(),
            ("Tm", [.., height]) => {
                let height = height.as_float().ok();
                if height == self.line {
                    self.space()
                } else {
                    self.new_line()
                }
                self.line = height;
            }
            ("T*" | "Td" | "TD" | "ET", _) => self.new_line(),
            _ => {}
        }
    }

    /// Shows a string, or moves by a number.
    fn show(&mut self, part: &Object) {
        match part {
            Object::String(bytes, _) => {
                let text = self.font.and_then(|font| Document::decode_text(font, bytes).ok()).unwrap_or_default();
                let is_divided = self.shown.ends_with("-\n") && text.starts_with(char::is_lowercase);
                if is_divided && self.shown.trim_end_matches("-\n").ends_with(char::is_lowercase) {
                    self.shown.truncate(self.shown.len() - "-\n".len());
                }
                self.shown.push_str(&text);
            }
            number => {
                if number.as_float().is_ok_and(|step| step.abs() > SPACE) {
                    self.space();
                }
            }
        }
    }

    fn space(&mut self) {
        if !self.shown.ends_with(char::is_whitespace) {
            self.shown.push(' ');
        }
    }

    fn new_line(&mut self) {
        self.shown.truncate(self.shown.trim_end_matches(' ').len());
        if !self.shown.is_empty() && !self.shown.ends_with('\n') {
            self.shown.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::read;

    /// Files that are cut off or damaged give text or an error, never a panic.
    #[test]
    fn damaged_files_are_survived() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents");
        let mut refused = 0;
        for name in ["notes.pdf", "paragraphs.pdf", "locked.pdf", "moves.pdf"] {
            let whole = std::fs::read(folder.join(name)).unwrap();
            for place in (0..whole.len()).step_by(37) {
                refused += usize::from(read(&whole[..place]).is_err());
                let mut damaged = whole.clone();
                damaged[place] ^= 0x55;
                refused += usize::from(read(&damaged).is_err());
            }
        }
        assert!(refused > 100, "{refused}");
    }
}

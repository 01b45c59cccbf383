//! XML, element by element.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::Parsed;
use crate::format::text;

/// How deep elements may nest: twice as deep as those of any of the formats.
const DEEPEST: usize = 64;

/// Attributes of an element that are kept: more than those of any of the formats.
const MOST_ATTRIBUTES: usize = 64;

/// An element, when it ends.
pub struct Element {
    /// The name without a prefix.
    pub name: String,
    attributes: Vec<(String, String)>,
    /// The text in it, but not in elements in it.
    pub text: String,
}

impl Element {
    /// The value of an attribute, by its name without a prefix.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// The text of a document in UTF-8, UTF-16 or Latin-1.
pub fn decoded(bytes: &[u8]) -> Parsed<Cow<'_, str>> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return Ok(text(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))),
    };
    let (units, rest) = bytes[2..].as_chunks();
    let text: Result<String, _> = char::decode_utf16(units.iter().map(|&bytes| unit(bytes))).collect();
    match (text, rest) {
        (Ok(text), []) => Ok(text.into()),
        _ => Err("its text is not in UTF-16, though it begins so".into()),
    }
}

/// The name of the outermost element.
pub fn root(document: &str) -> Parsed<String> {
    let mut reader = Reader::from_str(document);
    loop {
        match reader.read_event().map_err(broken)? {
            Event::Start(start) | Event::Empty(start) => return Ok(start.local_name().as_ref().to_owned()),
            Event::Eof => return Err("it has no elements".into()),
            _ => {}
        }
    }
}

/// Hands over each element when it ends, those within it before, with the names of the elements around it, the outermost
/// first.
pub fn each(document: &str, mut hand_over: impl FnMut(&[Element], Element) -> Parsed<()>) -> Parsed<()> {
    let mut reader = Reader::from_str(document);
    let mut open: Vec<Element> = Vec::new();
    loop {
        match reader.read_event().map_err(broken)? {
            Event::Start(start) => {
                if open.len() == DEEPEST {
                    return Err(format!("elements nest deeper than {DEEPEST}"));
                }
                open.push(element(&start));
            }
            Event::Empty(start) => hand_over(&open, element(&start))?,
            Event::Text(part) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&part);
                }
            }
            Event::CData(part) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&part);
                }
            }
            // The reader has seen to it that it is the end of the last one.
            Event::End(_) => {
                if let Some(element) = open.pop() {
                    hand_over(&open, element)?;
                }
            }
            Event::Eof if open.is_empty() => return Ok(()),
            Event::Eof => return Err("it ends within an element".into()),
            // No entity stands in a field that is read.
            _ => {}
        }
    }
}

fn element(start: &quick_xml::events::BytesStart) -> Element {
    Element {
        name: start.local_name().as_ref().to_owned(),
        attributes: start
            .attributes()
            .with_checks(false)
            .flatten()
            .take(MOST_ATTRIBUTES)
            .map(|attribute| (attribute.key.local_name().as_ref().to_owned(), attribute.value.into_owned()))
            .collect(),
        text: String::new(),
    }
}

fn broken(error: quick_xml::Error) -> String {
    format!("its XML is broken: {error}")
}

/// Whether the innermost of the open elements have these names, the outermost first.
pub fn within(open: &[Element], names: &[&str]) -> bool {
    open.len() >= names.len()
        && open[open.len() - names.len()..].iter().map(|e| e.name.as_str()).eq(names.iter().copied())
}

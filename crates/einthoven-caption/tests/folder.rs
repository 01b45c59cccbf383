//! Knowledge of the user's own, and what is said of pages that are not right.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::error::Error as _;
use std::fs;

use einthoven_caption::{Error, KnowledgeBase};
use tempfile::TempDir;

const FRONT: &str = "name: blue sinus\ncodes: { scp: [BLUE] }\nsynonyms: [azure sinus]\nranges: { rate_bpm: { min: 60 } }\n\
                     leads: [II]\nsources: [a book]\n";

const BODY: &str = "\n## Definition\n\nA.\n\n## Mechanism\n\nB.\n\n## On the ECG\n\nC\nD.\n\n## Criteria\n\nE.\n\n\
                    ## Mimics\n\nF.\n\n## Waveform\n\nG.\n";

fn page(front: &str, body: &str) -> String {
    format!("---\n{front}---\n{body}")
}

fn open(pages: &[(&str, String)]) -> Result<KnowledgeBase, Error> {
    let folder = TempDir::new().unwrap();
    for (name, text) in pages {
        fs::write(folder.path().join(name), text).unwrap();
    }
    KnowledgeBase::open(folder.path())
}

/// The message of the one page `blue-sinus.md`, without its folder, and what is behind it.
fn message(text: String) -> String {
    let error = open(&[("blue-sinus.md", text)]).unwrap_err();
    let mut message = error.to_string();
    if let Some(source) = error.source() {
        message.push_str(&format!(": {source}"));
    }
    message.split_once("blue-sinus.md").unwrap().1.to_owned()
}

#[test]
fn a_folder_of_pages_opens() {
    let notes = ("notes.txt", "not a page".to_owned());
    let base = open(&[("blue-sinus.md", page(FRONT, BODY)), notes]).unwrap();
    assert_eq!(base.pages().count(), 1);
    assert_eq!(base.by_scp("BLUE").unwrap().section(einthoven_caption::Section::OnTheEcg), "C D.");
    assert_eq!(base.describe("Possible azure sinus"), Some("G.".into()));
}

#[test]
fn front_matter_is_strict() {
    let with = |line: &str| message(page(&format!("{FRONT}{line}\n"), BODY));
    let said = with("colour: blue");
    assert!(said.starts_with(", line 8: front matter is not valid") && said.contains("colour"), "{said}");
    assert!(with("walls: [upper]").contains("line 8") && with("walls: [upper]").contains("upper"));
    assert!(with("regional: maybe").starts_with(", line 8"));
    let replaced = |old: &str, new: &str| message(page(&FRONT.replace(old, new), BODY));
    assert_eq!(
        replaced("blue sinus", "red sinus"),
        ": name is `red sinus`, expected a name whose file is red-sinus.md"
    );
    assert!(replaced("[II]", "[IV]").starts_with(": leads is `IV`"));
    assert!(replaced("{ min: 60 }", "{ min: 60, max: 50 }").starts_with(": ranges is "));
    assert!(replaced("{ min: 60 }", "{ }").starts_with(": ranges is "));
    assert!(replaced("[a book]", "[]").starts_with(": sources is `[]`"));
    assert!(replaced("name: blue sinus\n", "").contains("name"));
    assert!(message("## Definition".into()).starts_with(": expected front matter"));
}

#[test]
fn sections_are_fixed() {
    let replaced = |old: &str, new: &str| message(page(FRONT, &BODY.replace(old, new)));
    assert_eq!(replaced("## Mechanism", "## Mechanics"), ", line 14: expected the heading `## Mechanism`");
    assert_eq!(replaced("\n## Definition", "text"), ", line 9: expected the heading `## Definition`");
    assert_eq!(replaced("\n## Waveform\n\nG.\n", ""), ", line 30: expected the heading `## Waveform`");
    assert_eq!(replaced("G.", "G.\n\n## More"), ", line 35: expected nothing after the section Waveform");
    assert!(replaced("E.", "").contains("expected text in the section Criteria"));
}

#[test]
fn pages_must_fit_together() {
    let front = FRONT.replace("leads", "parents: [red-sinus]\nleads");
    let red = FRONT.replace("blue sinus", "red sinus").replace("BLUE", "RED").replace("azure", "scarlet");
    let error = open(&[("blue-sinus.md", page(&front, BODY))]).unwrap_err();
    assert_eq!(error.to_string(), "blue-sinus.md: there is no page for the parent `red-sinus`");
    let both = |red: &str| open(&[("blue-sinus.md", page(&front, BODY)), ("red-sinus.md", page(red, BODY))]);
    assert!(both(&red).is_ok());
    let error = both(&red.replace("leads", "parents: [blue-sinus]\nleads")).unwrap_err();
    assert_eq!(error.to_string(), "blue-sinus.md: the page is its own ancestor");
    let error = both(&red.replace("scarlet sinus", "AZURE-sinus")).unwrap_err();
    assert_eq!(error.to_string(), "`azure sinus` is claimed by blue-sinus.md and by red-sinus.md");
    let error = both(&red.replace("RED", "BLUE")).unwrap_err();
    assert_eq!(error.to_string(), "`BLUE` is claimed by blue-sinus.md and by red-sinus.md");
}

#[test]
fn folders_must_hold_pages() {
    let folder = TempDir::new().unwrap();
    assert!(matches!(KnowledgeBase::open(folder.path()), Err(Error::NoPages { .. })));
    assert!(matches!(KnowledgeBase::open(folder.path().join("none")), Err(Error::Read { .. })));
}

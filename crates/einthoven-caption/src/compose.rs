//! Descriptions composed of the pages, without a language model.

use std::fmt::Write as _;

use einthoven_signal::Lead;

use crate::{Finding, KnowledgeBase, Location};

impl KnowledgeBase {
    /// How a statement shows in a 12-lead ECG; none if the statement is not wholly understood or denies what it names.
    ///
    /// Composed of the [`Waveform`](crate::Section::Waveform) sections of the concepts, and of the places that
    /// the statement names. The same statement always has the same description.
    /// Doubt is left to the statement: "possible atrial flutter" is described as atrial flutter is.
    pub fn describe(&self, statement: &str) -> Option<String> {
        let reading = self.read(statement);
        if !reading.is_complete() {
            return None;
        }
        let described: Vec<String> = reading.present().map(describe).collect();
        (!described.is_empty()).then(|| described.join(" "))
    }

    /// The descriptions of the statements that `; ` stands between, of as many as have one.
    pub fn describe_parts(&self, statements: &str) -> Option<String> {
        let described: Vec<String> = statements.split("; ").filter_map(|part| self.describe(part)).collect();
        (!described.is_empty()).then(|| described.join(" "))
    }

    /// [`describe`](Self::describe) as captions ask for it.
    pub fn descriptions(&self) -> impl Fn(&str) -> Option<String> {
        |statement| self.describe(statement)
    }
}

fn describe(finding: &Finding<'_>) -> String {
    let mut text = finding.page.waveform().to_owned();
    if let Some(place) = place(&finding.location) {
        // Writing to a string does not fail.
        let _ = write!(text, " This concerns {place}.");
    }
    text
}

/// The location in words: `the inferior leads II, III and aVF`.
fn place(location: &Location) -> Option<String> {
    let walls = location.walls.iter();
    let mut places: Vec<String> =
        walls.map(|wall| format!("the {} leads {}", wall.name(), list(&names(wall.leads().iter())))).collect();
    if !location.leads.is_empty() {
        let noun = if location.leads.len() == 1 { "lead" } else { "leads" };
        places.push(format!("{noun} {}", list(&names(location.leads.iter()))));
    }
    if location.diffuse {
        places.push("most leads".to_owned());
    }
    (!places.is_empty()).then(|| places.join("; "))
}

fn names<'a>(leads: impl Iterator<Item = &'a Lead>) -> Vec<&'a str> {
    leads.map(Lead::name).collect()
}

/// `a, b and c`.
fn list(items: &[&str]) -> String {
    match items {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

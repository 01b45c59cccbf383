//! Where beats come from: the sinus node, the atria, the AV junction or the ventricles.

use std::collections::BTreeSet;

use super::aside::{affirmed, direct};
use super::text::{Clause, clauses, find, quote, words};
use crate::{Page, Section};

/// The places, and the words for them.
const PLACES: [(&str, &str); 4] = [
    ("sinus", "sinus/sinoatrial"),
    ("atrial", "atrial/atria/atrium"),
    ("junctional", "junctional/junction/nodal/av"),
    ("ventricular", "ventricular/ventricle/ventricles/purkinje"),
];

/// What stands after the place that beats come from.
const AFTER: &str = "focus/foci/origin/ectopic/ectopy/premature/extrasystole/extrasystoles";
/// What stands before it.
const BEFORE: &str =
    "originat~/aris~/stem~/come/comes/coming/start/starts/starting/emerg~/emanat~/generated/fired/driven";

/// The places that a clause names as the origin of beats.
fn origins(words: &[&str]) -> BTreeSet<&'static str> {
    let is_origin = |(_, names): &&(&str, &str)| {
        // "from a focus outside the sinus node" is from elsewhere.
        let told = find(words, &format!("{BEFORE} * from/in/at/within/by/outside/above/below * {names}"));
        let elsewhere = |(from, to): (usize, usize)| {
            words[from..to].iter().any(|word| ["outside", "above", "below", "than", "beyond", "towards"].contains(word))
                || from > 0 && (words[from - 1] == "not" || words[from - 1].ends_with("n't"))
        };
        find(words, &format!("{names} {AFTER}")).is_some() || told.is_some_and(|place| !elsewhere(place))
    };
    PLACES.iter().filter(is_origin).map(|(place, _)| *place).collect()
}

/// The places that a name speaks of.
fn named(name: &str) -> BTreeSet<&'static str> {
    let lower = name.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
    PLACES.iter().filter(|(_, names)| find(&words, names).is_some()).map(|(place, _)| *place).collect()
}

/// The first clause in which beats come from a place that the pages do not speak of.
pub(super) fn wrong_origin(direct_clauses: &[Clause], pages: &[&Page]) -> Option<String> {
    let said = |clause: &Clause| origins(&words(&affirmed(clause)));
    let mut own: BTreeSet<&str> = BTreeSet::new();
    for page in pages {
        let of_page = named(&page.name);
        if of_page.is_empty() {
            return None;
        }
        own.extend(of_page);
        for section in [Section::Definition, Section::Mechanism, Section::OnTheEcg, Section::Waveform] {
            own.extend(direct(&clauses(page.section(section))).iter().flat_map(said));
        }
    }
    let is_wrong = |clause: &&Clause| {
        let said = said(clause);
        !said.is_empty() && said.is_disjoint(&own)
    };
    direct_clauses.iter().find(is_wrong).map(|clause| quote(clause))
}

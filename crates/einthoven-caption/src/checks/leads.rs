//! The leads and walls that an answer names.

use std::collections::BTreeSet;
use std::ops::Range;

use einthoven_signal::Lead;

use super::text::{Clause, Token};
use crate::{Finding, Page, Wall};

const CHEST: [Lead; 9] = [Lead::V1, Lead::V2, Lead::V3, Lead::V4, Lead::V5, Lead::V6, Lead::V7, Lead::V8, Lead::V9];

/// Where a clause turns to something else.
const TURNS: &[&str] = &["while", "whereas", "but", "although", "then"];

/// The leads of a clause, those between `V1 to V4` included.
pub(crate) fn leads(clause: &[Token]) -> BTreeSet<Lead> {
    leads_within(clause, 0..clause.len())
}

/// The leads of a part of a clause.
pub(super) fn leads_within(clause: &[Token], part: Range<usize>) -> BTreeSet<Lead> {
    let mut leads = BTreeSet::new();
    for (i, token) in clause.iter().enumerate().take(part.end).skip(part.start) {
        leads.extend(limb(clause, i));
        leads.extend(chest(token).map(|number| CHEST[number - 1].clone()));
        let until = clause.get(i + 1).is_some_and(|next| ["-", "to", "through"].contains(&next.lower.as_str()));
        if let (true, Some(first), Some(last)) = (until, chest(token), clause.get(i + 2).and_then(chest)) {
            leads.extend(CHEST[first - 1..last.max(first)].iter().cloned());
        }
    }
    leads
}

/// Leads that no electrocardiograph has.
pub(super) fn impossible(clause: &[Token]) -> Option<&Token> {
    let is_impossible = |i: usize| {
        let text = clause[i].text.as_str();
        let number = text.strip_prefix('V').and_then(|number| number.parse::<u32>().ok());
        let augmented = text.strip_prefix("aV").filter(|rest| rest.len() == 1);
        let is_named = i > 0 && ["lead", "leads"].contains(&clause[i - 1].lower.as_str());
        number.is_some_and(|number| !(1..=9).contains(&number))
            || augmented.is_some_and(|limb| !["R", "L", "F"].contains(&limb))
            || is_named && ["IV", "V", "VI", "VII", "VIII"].contains(&text)
    };
    (0..clause.len()).find(|i| is_impossible(*i)).map(|i| &clause[i])
}

/// The limb lead at a place. `I` alone is a lead only where it is no pronoun: beside `lead` or among other leads.
fn limb(clause: &[Token], at: usize) -> Option<Lead> {
    match clause[at].text.as_str() {
        "I" => {
            let beside = |i: Option<usize>| {
                i.and_then(|i| clause.get(i)).is_some_and(|token| {
                    let lower = token.lower.as_str();
                    ["lead", "leads", ",", "and", "in", "(", "ii", "-"].contains(&lower)
                })
            };
            (beside(at.checked_sub(1)) || beside(Some(at + 1))).then_some(Lead::I)
        }
        "II" => Some(Lead::II),
        "III" => Some(Lead::III),
        "aVR" | "AVR" => Some(Lead::AVR),
        "aVL" | "AVL" => Some(Lead::AVL),
        "aVF" | "AVF" => Some(Lead::AVF),
        _ => None,
    }
}

/// The number of a chest lead, 1 to 9.
fn chest(token: &Token) -> Option<usize> {
    token.text.strip_prefix(['V', 'v'])?.parse().ok().filter(|number| (1..=9).contains(number))
}

/// The walls of a word such as `inferolateral`.
fn of_name(word: &str) -> impl Iterator<Item = Wall> {
    const NAMES: [(&str, &[Wall]); 10] = [
        ("anteroseptal", &[Wall::Anterior, Wall::Septal]),
        ("anterolateral", &[Wall::Anterior, Wall::Lateral]),
        ("inferolateral", &[Wall::Inferior, Wall::Lateral]),
        ("inferoposterior", &[Wall::Inferior, Wall::Posterior]),
        ("anterior", &[Wall::Anterior]),
        ("lateral", &[Wall::Lateral]),
        ("inferior", &[Wall::Inferior]),
        ("posterior", &[Wall::Posterior]),
        ("septal", &[Wall::Septal]),
        ("septum", &[Wall::Septal]),
    ];
    NAMES.iter().filter(move |(name, _)| *name == word).flat_map(|(_, walls)| walls.iter().copied())
}

/// The leads of a clause that it says to be as they are in health: "I, aVL and V6 are spared".
///
/// What is said of leads follows them, up to the next leads or a turn of the clause.
fn spared(clause: &[Token]) -> BTreeSet<Lead> {
    const HEALTHY: &[&str] = &[
        "spared",
        "unaffected",
        "unchanged",
        "unremarkable",
        "uninvolved",
        "normal",
        "untouched",
        "silent",
        "isoelectric",
        "baseline",
    ];
    const ILL: &[&str] = &[
        "elevat", "depress", "invert", "negative", "deep", "tall", "abnormal", "patholog", "los", "low", "lack",
        "vanish", "place", "absent", "fail", "without", "poor", "reduc", "below", "above", "from", "instead", "may",
        "beneath", "under", "press",
    ];
    const VERBS: &[&str] = &[
        "is", "are", "remain", "remains", "stay", "stays", "look", "have", "has", "keep", "keeps", "retain", "retains",
        "show", "shows",
    ];
    let is_lead = |i: usize| !leads_within(clause, i..i + 1).is_empty();
    let is_joint =
        |i: usize| [",", "and", "or", "-", "to", "through", "lead", "leads"].contains(&clause[i].lower.as_str());
    let mut spared = BTreeSet::new();
    let mut at = 0;
    while let Some(start) = (at..clause.len()).find(|&i| is_lead(i)) {
        let end = (start..clause.len()).find(|&i| !is_lead(i) && !is_joint(i)).unwrap_or(clause.len());
        let said = clause[end..].iter().take_while(|token| !TURNS.contains(&token.lower.as_str()));
        let next = (end..clause.len()).find(|&i| is_lead(i)).unwrap_or(clause.len());
        let said: Vec<&str> = said.take(next - end).map(|token| token.lower.as_str()).collect();
        let verb = said.iter().take(8).position(|word| VERBS.contains(word));
        let is_healthy =
            verb.is_some_and(|verb| said[verb..].windows(2).any(|two| HEALTHY.contains(&two[1]) && two[0] != "than"));
        let is_denied = |at: usize| said[at.saturating_sub(2)..at].iter().any(|word| ["no", "nor"].contains(word));
        let is_ill = |at: usize| ILL.iter().any(|stem| said[at].starts_with(stem)) && !is_denied(at);
        if is_healthy && !(0..said.len()).any(is_ill) {
            spared.extend(leads_within(clause, start..end));
        }
        at = end.max(start + 1);
    }
    spared
}

/// The leads of a clause in which it sees no more than the mirror image of what other leads show: "II, III and aVF show reciprocal
/// depression", "with reciprocal changes in I and aVL".
fn mirrored(clause: &[Token]) -> BTreeSet<Lead> {
    const JOINTS: &[&str] = &["with", "and", "there", "while", "whereas", "but", ";"];
    let is_mirror = |i: &usize| ["reciproc", "mirror"].iter().any(|stem| clause[*i].lower.starts_with(stem));
    let has_lead = |i: usize| !leads_within(clause, i..i + 1).is_empty();
    let is_joint = |i: usize| JOINTS.contains(&clause[i].lower.as_str());
    let of = |mirror: usize| {
        let end = (mirror..clause.len()).find(|&i| TURNS.contains(&clause[i].lower.as_str())).unwrap_or(clause.len());
        let after = leads_within(clause, mirror..end);
        if !after.is_empty() {
            return after;
        }
        // The leads before it, if nothing begins between the two.
        let Some(last) = (0..mirror).rev().find(|&i| has_lead(i)) else { return BTreeSet::new() };
        if (last + 1..mirror).any(is_joint) {
            return BTreeSet::new();
        }
        let is_part = |&i: &usize| has_lead(i) || [",", "and", "or", "-", "to"].contains(&clause[i].lower.as_str());
        leads_within(clause, (0..=last).rev().take_while(is_part).last().unwrap_or(last)..last + 1)
    };
    (0..clause.len()).filter(is_mirror).flat_map(of).collect()
}

/// Leads that are named together, and in how many words: "right precordial leads".
pub(super) struct Group {
    pub length: usize,
    pub leads: BTreeSet<Lead>,
}

/// The group of leads that the clause names at a place.
pub(super) fn groups_within(clause: &[Token], at: usize) -> Option<Group> {
    const LIMBS: [Lead; 6] = [Lead::I, Lead::II, Lead::III, Lead::AVR, Lead::AVL, Lead::AVF];
    let word = |i: usize| clause.get(i).map_or("", |token| token.lower.as_str());
    let is_chest = |i: usize| ["precordial", "chest"].contains(&word(i));
    let is_leads = |i: usize| ["lead", "leads"].contains(&word(i));
    let group = |length, leads: &[Lead]| Some(Group { length, leads: leads.iter().cloned().collect() });
    match word(at) {
        "right" if is_chest(at + 1) => group(3, &CHEST[..2]),
        "left" if is_chest(at + 1) => group(3, &CHEST[4..6]),
        "precordial" | "chest" if is_leads(at + 1) => group(2, &CHEST[..6]),
        "limb" | "extremity" if is_leads(at + 1) => group(2, &LIMBS),
        // "The inferior leads", "the inferior and lateral leads".
        _ => {
            let is_wall = |i: usize| of_name(word(i)).next().is_some();
            let joined = if ["and", "or"].contains(&word(at + 1)) && is_wall(at + 2) { 3 } else { 1 };
            let walls = (at..at + joined).flat_map(|i| of_name(word(i)));
            let leads: BTreeSet<Lead> = walls.flat_map(Wall::leads).cloned().collect();
            (is_wall(at) && is_leads(at + joined)).then_some(Group { length: joined + 1, leads })
        }
    }
}

/// The leads that a clause names as those of a wall: "the inferior leads".
fn groups(clause: &[Token]) -> BTreeSet<Lead> {
    let is_group =
        |i: &usize| clause.iter().skip(i + 1).take(1).any(|next| ["lead", "leads"].contains(&next.lower.as_str()));
    let walls = (0..clause.len()).filter(is_group).flat_map(|i| of_name(&clause[i].lower));
    walls.flat_map(Wall::leads).cloned().collect()
}

/// The walls that a clause names, fascicles left out.
fn walls(clause: &[Token]) -> BTreeSet<Wall> {
    const PLACES: [&str; 8] =
        ["wall", "infarct", "infarction", "ischemia", "ischaemia", "region", "injury", "myocardial"];
    let mut walls = BTreeSet::new();
    for (i, token) in clause.iter().enumerate() {
        let is_place = clause.iter().skip(i + 1).take(2).any(|next| PLACES.contains(&next.lower.as_str()));
        if is_place || token.lower == "septum" {
            walls.extend(of_name(&token.lower));
        }
    }
    walls
}

/// Whether an answer names all the leads of the walls that the pages name.
pub(super) fn cover(direct: &[Clause], pages: &[&Page]) -> bool {
    let found: BTreeSet<Lead> = direct.iter().flat_map(|clause| leads(clause)).collect();
    let mut expected = pages.iter().flat_map(|page| &page.walls).flat_map(|wall| wall.leads()).peekable();
    expected.peek().is_some() && expected.all(|lead| found.contains(lead))
}

/// The clause that puts a finding at a wall or in leads other than those of the statement.
///
/// The leads are judged over the whole answer: some of them must be the statement's, and not be lost among others.
/// `clauses` are the answer with its asides, which tell of mirror images.
pub(super) fn misplaced(clauses: &[Clause], direct: &[Clause], findings: &[&Finding<'_>]) -> Option<Clause> {
    let named: BTreeSet<Wall> =
        findings.iter().flat_map(|finding| finding.page.walls.iter().chain(&finding.location.walls)).copied().collect();
    let mut expected: BTreeSet<Lead> = named.iter().flat_map(|wall| wall.leads()).cloned().collect();
    expected.extend(findings.iter().flat_map(|finding| finding.location.leads.iter().cloned()));
    if expected.is_empty() || findings.iter().any(|finding| finding.location.diffuse) {
        return None;
    }
    let is_posterior = named.contains(&Wall::Posterior);
    if is_posterior {
        expected.extend(CHEST[6..].iter().cloned());
    }
    let spared: BTreeSet<Lead> = direct.iter().flat_map(|clause| spared(clause)).collect();
    // A posterior wall is seen by its mirror image.
    let mirrored: BTreeSet<Lead> =
        clauses.iter().filter(|_| !is_posterior).flat_map(|clause| mirrored(clause)).collect();
    let mut found: BTreeSet<Lead> = direct.iter().flat_map(|clause| leads(clause)).collect();
    found.retain(|lead| !spared.contains(lead) && !mirrored.contains(lead));
    if found.is_empty() {
        found.extend(direct.iter().flat_map(|clause| groups(clause)));
    }
    let right = found.intersection(&expected).count();
    let is_whole = findings.iter().all(|finding| !finding.page.walls.is_empty() || !finding.location.is_empty());
    let is_denied = 2 * spared.intersection(&expected).count() >= expected.len();
    let is_elsewhere = is_denied || !found.is_empty() && if is_whole { 4 * right < found.len() } else { right == 0 };
    let strange = |clause: &&Clause| {
        let mut leads = leads(clause);
        leads.retain(|lead| found.contains(lead));
        let walls = walls(clause);
        let elsewhere = is_elsewhere && !leads.is_empty() && leads.is_disjoint(&expected);
        elsewhere || is_whole && right == 0 && !walls.is_empty() && !named.is_empty() && walls.is_disjoint(&named)
    };
    direct.iter().find(strange).or_else(|| direct.first().filter(|_| is_elsewhere)).cloned()
}

//! What a text says that each lead shows: the direction of its waves, their size, and whether there is a Q wave or a second R wave.

use std::collections::{BTreeMap, BTreeSet};

use einthoven_signal::Lead;

use super::aside;
use super::leads::{Group, groups_within, leads_within};
use super::polarity::noun_at;
use super::text::{Clause, Token};

/// A feature of a lead that has two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Feature {
    /// The P wave points up, or down.
    P,
    /// The QRS complex points up on the whole, or down.
    Qrs,
    /// There is a Q wave, or none.
    Q,
    /// The R wave is large, or small.
    R,
    /// The S wave is deep, or small.
    S,
    /// A second R wave follows the S wave, or none.
    SecondR,
    /// The ST segment is raised, or lowered.
    St,
    /// The T wave points up, or down.
    T,
}

/// What each lead shows: by feature and lead, which of its sides are said: the first (up, large, there) and the second.
pub(super) type Picture = BTreeMap<(Feature, Lead), [bool; 2]>;

/// Which side of which feature.
type Sign = (Feature, bool);

const UP: &[&str] = &["positive", "upright", "upward", "up", "upwards"];
const DOWN: &[&str] = &["negative", "inverted", "downward", "down", "downwards"];
const RAISED: &[&str] = &["elevat", "rais", "lift", "above", "rises"];
const LOWERED: &[&str] = &["depress", "below", "beneath", "sag", "lowered", "sunk", "downslop", "scoop"];
const LARGE: &[&str] = &["tall", "dominant", "high", "large", "big", "prominent", "huge", "deep"];
const SMALL: &[&str] = &["small", "tiny", "low", "reduced", "absent", "lost", "missing", "shallow", "minute"];
/// What denies the wave that follows within three words.
const DENIALS: &[&str] = &[
    "no", "without", "lack", "lacks", "hardly", "scarcely", "barely", "absent", "missing", "free", "nor", "neither",
    "absence",
];
/// The same, of the wave within three words: "loss of R and Q waves" says that there are some.
const LOSSES: &[&str] = &["loss", "lose", "loses", "lost"];
/// What denies the wave before it.
const ABSENT: &[&str] = &["absent", "missing", "lost", "gone", "vanish", "disappear"];
/// What stands before leads that show what was said before them.
const PREPOSITIONS: &[&str] =
    &["in", "across", "over", "at", "throughout", "from", "of", "(", "to", "leads", "lead", "the", "through", "both"];
/// What separates what is said of some leads from what is said of others.
const BREAKS: &[&str] = &[",", "(", ")", ":"];
/// What does so for certain.
const TURNS: &[&str] = &["while", "whereas", "but"];

/// The shapes of QRS complexes as they are written, and what they say.
const SHAPES: &[(&[&str], &[Sign])] = &[
    (&["rsr'", "rsR'", "rSr'", "rSR'", "RSR'", "RSr'", "RsR'", "rSR", "RSR", "rsR"], &[(Feature::SecondR, true)]),
    (&["rS", "rs"], &[(Feature::Qrs, false), (Feature::R, false), (Feature::S, true), (Feature::SecondR, false)]),
    (&["Rs"], &[(Feature::Qrs, true), (Feature::R, true), (Feature::SecondR, false)]),
    (&["QS", "qs", "Qs"], &[(Feature::Qrs, false), (Feature::R, false), (Feature::SecondR, false)]),
    (&["qR", "qr", "qRs"], &[(Feature::Qrs, true), (Feature::R, true), (Feature::SecondR, false)]),
];

/// What the clauses say that each lead shows.
pub(super) fn picture(direct: &[Clause]) -> Picture {
    let mut picture = Picture::new();
    // What may be is no picture.
    let is_certain = |clause: &&Clause| !clause.iter().any(|token| ["may", "might"].contains(&token.lower.as_str()));
    for clause in direct.iter().filter(is_certain) {
        let (lists, denied) = (lists(clause), aside::denied(clause));
        let signs: Vec<(usize, Vec<Sign>)> = (0..clause.len())
            .filter(|at| !lists.iter().any(|list| (list.start..list.end).contains(at)))
            .map(|at| (at, signs(clause, at, denied[at])))
            .filter(|(_, signs)| !signs.is_empty())
            .collect();
        for (at, signs) in signs {
            let Some(list) = list_of(clause, at, &lists) else { continue };
            for (feature, side) in signs {
                for lead in &list.leads {
                    picture.entry((feature, lead.clone())).or_default()[usize::from(!side)] = true;
                }
            }
        }
    }
    picture
}

/// What several pictures show together.
pub(super) fn together<'a>(pictures: impl Iterator<Item = &'a Picture>) -> Picture {
    let mut all = Picture::new();
    for (key, sides) in pictures.flatten() {
        let known = all.entry(key.clone()).or_default();
        *known = [known[0] || sides[0], known[1] || sides[1]];
    }
    all
}

/// The feature that leads of the answer show the other way than the pages, if more do than agree.
pub(super) fn against(said: &Picture, own: &Picture) -> Option<Feature> {
    let mut tallies: BTreeMap<Feature, (usize, usize)> = BTreeMap::new();
    for ((feature, lead), sides) in said {
        let Some(known) = own.get(&(*feature, lead.clone())) else { continue };
        let tally = tallies.entry(*feature).or_default();
        match (sides, known) {
            ([true, true], _) | (_, [true, true]) => {}
            (said, known) if said == known => tally.0 += 1,
            _ => tally.1 += 1,
        }
    }
    tallies.into_iter().find(|(_, (alike, against))| against > alike).map(|(feature, _)| feature)
}

/// Leads that stand together.
struct List {
    start: usize,
    end: usize,
    leads: BTreeSet<Lead>,
    /// Whether a preposition stands before them: they show what was said before.
    is_place: bool,
}

fn lists(clause: &[Token]) -> Vec<List> {
    let mut lists = Vec::new();
    let mut at = 0;
    while at < clause.len() {
        let group = groups_within(clause, at);
        let length = group.as_ref().map_or_else(|| length(&clause[at..]), |Group { length, .. }| *length);
        if length == 0 {
            at += 1;
            continue;
        }
        let mut length = length;
        let mut leads = group.map_or_else(|| leads_within(clause, at..at + length), |group| group.leads);
        // "The inferior leads II, III and aVF".
        let named = self::length(&clause[at + length..]);
        if named > 0 {
            leads = leads_within(clause, at + length..at + length + named);
            length += named;
        }
        let before = clause[..at]
            .iter()
            .rev()
            .map(|token| token.lower.as_str())
            .find(|word| !["lead", "leads", "the", "both"].contains(word));
        let is_place = before.is_some_and(|word| PREPOSITIONS.contains(&word));
        // "Upright except in aVR".
        let is_excepted = clause[..at]
            .iter()
            .rev()
            .take_while(|token| !BREAKS.contains(&token.lower.as_str()))
            .any(|token| token.lower.starts_with("except"));
        if is_excepted {
            leads.clear();
        }
        lists.push(List { start: at, end: at + length, leads, is_place });
        at += length;
    }
    lists
}

/// How many tokens the clause begins with that list leads.
fn length(clause: &[Token]) -> usize {
    let is_lead = |token: &Token| {
        ["I", "II", "III", "aVR", "aVL", "aVF"].contains(&token.text.as_str())
            || token.text.len() == 2
                && token.text.starts_with('V')
                && token.text.ends_with(|c: char| c.is_ascii_digit())
    };
    let is_joint =
        |token: &Token| [",", "and", "or", "to", "-", "through", "with", "as", "well"].contains(&token.lower.as_str());
    if !clause.first().is_some_and(is_lead) {
        return 0;
    }
    let run = clause.iter().take_while(|token| is_lead(token) || is_joint(token)).count();
    clause[..run].iter().rposition(is_lead).map_or(0, |last| last + 1)
}

/// The leads that show what the word at `at` says: those before it, or those after it that a preposition joins to it.
fn list_of<'l>(clause: &[Token], at: usize, lists: &'l [List]) -> Option<&'l List> {
    let has = |from: usize, to: usize, words: &[&str]| {
        clause[from..to].iter().any(|token| words.contains(&token.lower.as_str()))
    };
    let before = lists.iter().rfind(|list| list.end <= at);
    let after = lists.iter().find(|list| list.start > at && list.is_place && !has(at, list.start, TURNS));
    match (before, after) {
        (Some(before), Some(after)) => {
            let is_parted = has(before.end, at, BREAKS) || has(before.end, at, TURNS) || before.is_place;
            // "S in V1 is deep": the predicate of what stands before.
            let is_predicate = has(before.end, before.end + 1, &["is", "are"]);
            let is_joined = !has(at, after.start, BREAKS) && !is_predicate;
            Some(if is_parted && is_joined { after } else { before })
        }
        (before, after) => {
            let is_over = |list: &List| has(list.end, at, TURNS) || list.is_place && has(list.end, at, BREAKS);
            before.filter(|list| !is_over(list)).or(after)
        }
    }
}

/// What the word at `at` says of the leads that it belongs to.
fn signs(clause: &[Token], at: usize, is_denied: bool) -> Vec<Sign> {
    let lower = clause[at].lower.as_str();
    if ["q", "r", "s"].contains(&lower) && ratio(clause, at).is_none() {
        return presence(clause, at).into_iter().collect();
    }
    if is_denied || is_negated(clause, at) {
        return Vec::new();
    }
    if let Some((_, signs)) = SHAPES.iter().find(|(shapes, _)| shapes.contains(&clause[at].text.as_str())) {
        return signs.to_vec();
    }
    if let Some(sign) = ratio(clause, at) {
        return vec![sign];
    }
    let is = |words: &[&str]| words.contains(&lower);
    let starts = |stems: &[&str]| stems.iter().any(|stem| lower.starts_with(stem));
    // "As tall as the S wave is deep" compares.
    if clause[at.saturating_sub(5)..at].iter().any(|token| token.lower == "as") {
        return Vec::new();
    }
    let nouns = nouns(clause, at);
    // "Opposite to the QRS complex, that is, down in I" turns other waves than the nearest.
    let is_relative = clause.iter().any(|token| ["opposite", "discordant", "away"].contains(&token.lower.as_str()));
    let turned = |feature: &Feature| match feature {
        Feature::P | Feature::T | Feature::Qrs if is_relative => None,
        Feature::P | Feature::T | Feature::Qrs if is(UP) => Some(true),
        Feature::P | Feature::T | Feature::Qrs if is(DOWN) => Some(false),
        Feature::St if starts(RAISED) => Some(true),
        Feature::St if starts(LOWERED) => Some(false),
        Feature::R | Feature::S if is(LARGE) => Some(true),
        Feature::R | Feature::S if is(SMALL) => Some(false),
        _ => None,
    };
    let said = nouns.iter().filter_map(|feature| Some((*feature, turned(feature)?)));
    // A complex with a tall R wave points up, one with a deep S wave down.
    let whole = |sign: Sign| match sign {
        (Feature::R, true) => vec![sign, (Feature::Qrs, true)],
        (Feature::S, true) => vec![sign, (Feature::Qrs, false)],
        _ => vec![sign],
    };
    said.flat_map(whole).collect()
}

/// Whether one of the two words before denies the word at `at`.
fn is_negated(clause: &[Token], at: usize) -> bool {
    clause[at.saturating_sub(2)..at].iter().any(|token| {
        ["not", "never", "no", "without", "neither", "nor"].contains(&token.lower.as_str())
            || token.lower.ends_with("n't")
    })
}

/// The waves that the word at `at` describes: the nearest, and those listed with it.
fn nouns(clause: &[Token], at: usize) -> Vec<Feature> {
    let feature = |i: usize| match clause[i].lower.as_str() {
        "p" => Some(Feature::P),
        "qrs" | "complex" | "complexes" => Some(Feature::Qrs),
        "r" => Some(Feature::R),
        "s" => Some(Feature::S),
        "st" => Some(Feature::St),
        "t" => Some(Feature::T),
        _ => None,
    };
    let Some(nearest) = noun_at(clause, at) else {
        // "Lead I is negative": its complex is.
        let is_bare = !(0..clause.len()).any(|i| feature(i).is_some() || clause[i].lower == "delta");
        return if is_bare { vec![Feature::Qrs] } else { Vec::new() };
    };
    let is_joint = |i: &usize| {
        feature(*i).is_some() || [",", "and", "wave", "waves", "segment", "the"].contains(&clause[*i].lower.as_str())
    };
    (0..=nearest).rev().take_while(is_joint).filter_map(feature).collect()
}

/// Whether there is the wave that is named at `at`: "Q waves", "no R wave".
fn presence(clause: &[Token], at: usize) -> Option<Sign> {
    let is = |i: usize, words: &[&str]| clause.get(i).is_some_and(|token| words.contains(&token.lower.as_str()));
    let before = (0..at).rev().take(5).take_while(|i| !is(*i, BREAKS));
    let after =
        (at + 1..clause.len()).take(5).take_while(|i| !is(*i, BREAKS) && !is(*i, &["or", "and", "but", "with"]));
    let is_absent = before.into_iter().any(|i| is(i, DENIALS) || at - i <= 3 && is(i, LOSSES))
        || after.into_iter().any(|i| is(i, ABSENT));
    match clause[at].lower.as_str() {
        "q" if is_absent => Some((Feature::Q, false)),
        "q" => is(at + 1, &["wave", "waves"]).then_some((Feature::Q, true)),
        "r" if is_absent => Some((Feature::R, false)),
        "s" if is_absent => Some((Feature::S, false)),
        _ => None,
    }
}

/// What a ratio of R to S says at the word that names it.
fn ratio(clause: &[Token], at: usize) -> Option<Sign> {
    let lower = |i: usize| clause.get(i).map_or("", |token| token.lower.as_str());
    if lower(at) != "r" || lower(at + 1) != "/" || lower(at + 2) != "s" {
        return None;
    }
    let words: Vec<&str> = (at + 3..at + 9).map(lower).take_while(|word| *word != ",").collect();
    let is = |sides: &[&str]| words.iter().any(|word| sides.contains(word));
    if is(&["below", "under", "less"]) {
        return Some((Feature::Qrs, false));
    }
    (is(&["above", "over", "exceeds", "more", "greater", "least"])).then_some((Feature::Qrs, true))
}

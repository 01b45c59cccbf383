//! Opposites that a text can say of the same thing: elevated or depressed, broad or narrow, fast or slow.

use std::collections::{BTreeMap, BTreeSet};

use super::aside::{affirmed, direct};
use super::aspects::{ASPECTS, Aspect, NOUNS, OF_LIMITS, OF_NAMES};
use super::text::{Clause, Token, clauses, find, quote, words_and_commas};
use crate::{Page, Quantity, Section};

/// The farthest noun to which a word may belong, in words.
const REACH: usize = 7;

/// What a text says: by aspect, which of the two, and the clause that says so.
type Said = BTreeMap<usize, [Option<String>; 2]>;

fn said(direct: &[Clause]) -> Said {
    let mut said = Said::new();
    for clause in direct {
        let clause_said = affirmed(clause);
        let (all, affirmed) = (words_and_commas(clause), words_and_commas(&clause_said));
        // "No beat is dropped" does not say that one is: only a phrase that denies is looked for where something is denied.
        let is_said = |phrase: &&str| {
            let denies = phrase.split(' ').next().is_some_and(|word| ["no", "without", "absence"].contains(&word));
            let text = if denies { &all } else { &affirmed };
            let before = |start: usize| start.checked_sub(1).map(|before| text[before]);
            find(text, phrase).is_some_and(|(start, end)| {
                // "Cannot be read reliably".
                let start = if before(start) == Some("be") { start - 1 } else { start };
                // What "missing" denies is cut off with it.
                let is_missing = || find(&all, phrase).is_some_and(|(_, end)| is_absent(&all[end..]));
                (denies || !is_absent(&text[end..]) && !is_missing()) && !before(start).is_some_and(denies_next)
            })
        };
        for (index, aspect) in ASPECTS.iter().enumerate() {
            for (pole, phrases) in aspect.phrases.iter().enumerate() {
                if phrases.iter().any(is_said) {
                    said.entry(index).or_default()[pole].get_or_insert_with(|| quote(clause));
                }
            }
        }
        let mut last: Option<(usize, &str)> = None;
        for (at, token) in clause_said.iter().enumerate() {
            // "upright, flat or inverted": the words of a list share the noun of the first.
            let listed = last.filter(|(before, _)| is_list(&clause_said[before + 1..at])).map(|(_, noun)| noun);
            // So do "upright T waves here, inverted ones there".
            let is_repeated = clause_said.get(at + 1).is_some_and(|next| next.lower == "ones");
            let repeated = last.filter(|_| is_repeated).map(|(_, noun)| noun);
            let Some(noun) = repeated.or_else(|| noun(&clause_said, at)).or(listed) else { continue };
            for (index, aspect) in ASPECTS.iter().enumerate().filter(|(_, aspect)| aspect.nouns.contains(&noun)) {
                for (pole, stems) in aspect.poles.iter().enumerate() {
                    if stems.iter().any(|stem| token.lower.starts_with(stem)) {
                        last = Some((at, noun));
                        said.entry(index).or_default()[pole].get_or_insert_with(|| quote(clause));
                    }
                }
            }
        }
    }
    said
}

/// Whether a word denies what follows it.
fn denies_next(word: &str) -> bool {
    ["not", "never", "neither", "nor", "cannot"].contains(&word) || word.ends_with("n't")
}

/// Whether the words after a phrase deny it: "sinus P waves are absent".
fn is_absent(after: &[&str]) -> bool {
    let near: Vec<&str> = after.iter().take(4).take_while(|word| **word != ",").copied().collect();
    find(&near, "absent/missing/lost/lacking/cease/ceases/stop/stops").is_some()
        || find(&near, "not * required/needed/necessary/part/found/seen/present/develop").is_some()
}

/// Whether the tokens between two words join them in a list.
fn is_list(between: &[Token]) -> bool {
    between.len() == 1 && between[0].lower == "and"
        || between.len() <= 4
            && between.iter().any(|token| token.lower == "or")
            && between.iter().filter(|token| token.is_word()).count() <= 2
}

/// The noun that the word at `at` belongs to.
fn noun(clause: &[Token], at: usize) -> Option<&str> {
    noun_at(clause, at).map(|noun| clause[noun].lower.as_str())
}

/// Where the noun is that the word at `at` belongs to: the nearest, those beyond a comma or conjunction counted as farther.
pub(super) fn noun_at(clause: &[Token], at: usize) -> Option<usize> {
    let is_denied = clause[at.saturating_sub(2)..at].iter().any(|token| denies_next(&token.lower));
    // "faster than the ventricles" and "the shortest" compare; "longer than 200 ms" and "longer than normal" say how long.
    let is_absolute = |next: &Token| {
        next.number().is_some() || ["normal", "usual", "expected", "average"].contains(&next.lower.as_str())
    };
    const COMPARATIVES: [&str; 8] = ["narrower", "wider", "broader", "taller", "slower", "faster", "longer", "shorter"];
    let is_open =
        COMPARATIVES.contains(&clause[at].lower.as_str()) && clause.get(at + 1).is_none_or(|next| next.lower != "than");
    let is_compared = is_open
        || clause[at].lower.ends_with("est")
        || clause.get(at + 1).is_some_and(|next| next.lower == "than") && !clause.get(at + 2).is_some_and(is_absolute);
    // "30 ms wide" is a measure of anything, not "wide".
    // "departs from normal".
    let is_departure = |three: &[Token]| {
        let departs = |token: &Token| ["depart", "differ", "deviat"].iter().any(|stem| token.lower.starts_with(stem));
        three[2].lower == "from" && three[..2].iter().any(departs) || three[1].lower == "from" && departs(&three[0])
    };
    let is_standard = at > 0
        && ["from", "than", "outside", "expected", "below", "above", "beyond"].contains(&clause[at - 1].lower.as_str())
        || clause[at.saturating_sub(6)..at]
            .rsplit(|token| token.text == ":")
            .next()
            .is_some_and(|near| near.windows(3).any(is_departure));
    let is_place = ["above", "below", "beneath"].contains(&clause[at].lower.as_str());
    let is_measure = at > 0 && !is_place && ["ms", "s", "mm", "mv"].contains(&clause[at - 1].lower.as_str());
    if is_denied || is_compared || is_standard || is_measure || NOUNS.contains(&clause[at].lower.as_str()) {
        return None;
    }
    let cost = |between: &[Token]| {
        let breaks = between
            .iter()
            .filter(|token| [",", "and", "or", "with", "while", "(", "of"].contains(&token.lower.as_str()));
        between.len() + 3 * breaks.count()
    };
    let is_atrial = |i: usize| i > 0 && clause[i - 1].lower == "atrial";
    let is_noun = |(i, token): &(usize, &Token)| *i != at && NOUNS.contains(&token.lower.as_str()) && !is_atrial(*i);
    let candidates = clause.iter().enumerate().filter(is_noun);
    let is_verb =
        |token: &Token| ["is", "are", "becomes", "become", "remain", "remains"].contains(&token.lower.as_str());
    // The subject of a sentence, however far its predicate is.
    let subject = || {
        let last = (0..at).rev().find(|&i| NOUNS.contains(&clause[i].lower.as_str()) && !is_atrial(i))?;
        let is_predicate =
            clause[last..at].iter().any(is_verb) && !clause[last..at].iter().any(|token| token.text == "(");
        is_predicate.then_some(last)
    };
    // "R waves in V5 and V6 are tall and S waves deep", "P waves precede each QRS, but are inverted".
    let predicate = || {
        let verb = at.checked_sub(1).filter(|verb| is_verb(&clause[*verb]))?;
        let mut nouns = (0..verb).filter(|&i| NOUNS.contains(&clause[i].lower.as_str()) && !is_atrial(i));
        let is_second = verb > 0 && clause[verb - 1].lower == "but";
        if is_second { nouns.next() } else { nouns.next_back() }
    };
    predicate()
        .or_else(|| {
            candidates
                .map(|(i, _)| (cost(&clause[(i + 1).min(at + 1)..i.max(at)]), i < at, i))
                .filter(|(cost, ..)| *cost < REACH)
                .min_by_key(|(cost, is_before, _)| (*cost, *is_before))
                .map(|(_, _, noun)| noun)
        })
        .or_else(subject)
}

/// By aspect, whether the one is said, the other.
pub(super) type Poles = BTreeMap<usize, BTreeSet<usize>>;

/// What a knowledge page says: by aspect, whether it says the one, the other. A name that says it has the last word, a definition is heard
/// where the descriptions say nothing, and limits speak as words do.
pub(super) fn poles(page: &Page) -> Poles {
    let mut poles = Poles::new();
    let of_text = |text: &str| said(&direct(&clauses(text)));
    let named = of_text(&page.name);
    let mut described: Vec<(usize, [Option<String>; 2])> =
        [page.waveform(), page.section(Section::OnTheEcg)].into_iter().flat_map(of_text).collect();
    let defined = of_text(page.section(Section::Definition));
    let open = |aspect: &usize| !described.iter().any(|(known, _)| known == aspect);
    let added: Vec<_> = defined.into_iter().filter(|(aspect, _)| open(aspect)).collect();
    described.extend(added);
    let name = page.name.to_lowercase();
    let is_left_out = |aspect: usize| {
        let Aspect { name: aspect, nouns, .. } = ASPECTS[aspect];
        let is_named = || name.split(|c: char| !c.is_alphanumeric()).any(|word| nouns.contains(&word));
        aspect == OF_LIMITS || OF_NAMES.contains(&aspect) && !is_named()
    };
    for (aspect, sides) in described.into_iter().filter(|(aspect, _)| !named.contains_key(aspect)).chain(named.clone())
    {
        if !is_left_out(aspect) {
            let said = sides.iter().enumerate().filter(|(_, side)| side.is_some()).map(|(pole, _)| pole);
            poles.entry(aspect).or_default().extend(said);
        }
    }
    for (name, pole) in limits(page) {
        let aspect = ASPECTS.iter().position(|aspect| aspect.name == name);
        aspect.map(|aspect| poles.entry(aspect).or_default().insert(pole));
    }
    poles
}

/// What several pages say together.
pub(super) fn together<'a>(pages: impl Iterator<Item = &'a Poles>) -> Poles {
    let mut all = Poles::new();
    for (aspect, poles) in pages.flatten() {
        all.entry(*aspect).or_default().extend(poles);
    }
    all
}

/// The aspects of which a page's limits leave one side only.
fn limits(page: &Page) -> impl Iterator<Item = (&'static str, usize)> {
    // A limit at or beyond these leaves no room for the other side.
    const SIDES: [(Quantity, &str, f64, f64); 5] = [
        (Quantity::RateBpm, "the rate", 90.0, 65.0),
        (Quantity::PrMs, "the PR interval", 190.0, 130.0),
        (Quantity::QtcMs, "the QT interval", 440.0, 400.0),
        (Quantity::QrsMs, "the QRS duration", 110.0, 0.0),
        (Quantity::PMs, "the width of the P wave", 110.0, 119.0),
    ];
    SIDES.into_iter().filter_map(|(quantity, name, above, below)| {
        let range = page.ranges.get(&quantity)?;
        match (range.min, range.max) {
            // The PR and QT intervals are long or short, the others broad or narrow, fast or slow: the first side is the greater.
            (Some(min), _) if min >= above => Some((name, 0)),
            (_, Some(max)) if max <= below => Some((name, 1)),
            _ => None,
        }
    })
}

/// Whether the answer describes nothing but shapes of which the pages say nothing.
///
/// ST segments and T waves change with so many conditions that no page names them all.
pub(super) fn is_foreign(direct: &[Clause], pages: &Poles) -> bool {
    const SHAPES: [&str; 3] = ["the shape of the P wave", "the QRS duration", "the QT interval"];
    let said = said(direct);
    let is_foreign = |aspect: &usize| SHAPES.contains(&ASPECTS[*aspect].name) && !pages.contains_key(aspect);
    !said.is_empty() && said.keys().all(is_foreign)
}

/// The first thing of which the answer says only the opposite of what the pages say: its name and the clause.
pub(super) fn reversed(direct: &[Clause], pages: &Poles) -> Option<(&'static str, String)> {
    // What may be speaks for the pages, but not against them.
    let is_certain =
        |clause: &&Clause| !clause.iter().any(|token| ["may", "might", "can"].contains(&token.lower.as_str()));
    let certain: Vec<Clause> = direct.iter().filter(is_certain).cloned().collect();
    let possible = said(direct);
    said(&certain).into_iter().find_map(|(aspect, sides)| {
        let poles = pages.get(&aspect)?;
        let is_said = |pole: usize| possible.get(&aspect).is_some_and(|sides| sides[pole].is_some());
        let [one, other] = sides;
        let clause = match (one, other) {
            (Some(clause), None) if !poles.contains(&0) && !is_said(1) => clause,
            (None, Some(clause)) if !poles.contains(&1) && !is_said(0) => clause,
            _ => return None,
        };
        Some((ASPECTS[aspect].name, clause))
    })
}

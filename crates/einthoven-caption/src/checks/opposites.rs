//! Concepts that are another one's opposite: left and right bundle branch block, short and long PR interval.

use std::collections::BTreeSet;

use super::aside::affirmed;
use super::says::Says;
use super::text::{Clause, Token, quote, words, words_and_commas};
use crate::words::normalise;
use crate::{KnowledgeBase, Page, Section};

/// Words that turn a name into its opposite's when they are exchanged, as names are normalised.
const ANTONYMS: [(&str, &str); 16] = [
    ("left", "right"),
    ("leftward", "rightward"),
    ("left anterior", "left posterior"),
    ("bradycardia", "tachycardia"),
    ("slow", "rapid"),
    ("prolonged", "short"),
    ("elevation", "depression"),
    ("high", "low"),
    ("tall", "inverted"),
    ("tall", "low"),
    ("type i", "type ii"),
    ("type a", "type b"),
    ("ventricular", "atrial"),
    ("normal", "abnormal"),
    ("fibrillation", "flutter"),
    ("supraventricular", "ventricular"),
];

/// The pages whose name, or one of whose synonyms, is the page's with a word turned round.
pub(super) fn opposites<'k>(base: &'k KnowledgeBase, page: &Page) -> Vec<&'k Page> {
    let mut found: Vec<&Page> = Vec::new();
    for name in std::iter::once(&page.name).chain(&page.synonyms) {
        let name = format!(" {} ", normalise(name));
        for (one, other) in ANTONYMS {
            for (from, to) in [(one, other), (other, one)] {
                let turned = name.replace(&format!(" {from} "), &format!(" {to} "));
                let opposite = base.by_normalised(turned.trim()).filter(|opposite| *opposite != page && turned != name);
                found.extend(opposite.filter(|opposite| !found.contains(opposite)));
            }
        }
    }
    found
}

/// The first clause that names an opposite of the pages as what is there.
pub(super) fn named(
    direct: &[Clause],
    base: &KnowledgeBase,
    pages: &[&Page],
    says: &[&Says],
    opposites: &[&Page],
) -> Option<String> {
    let mut own: BTreeSet<&str> = pages.iter().map(|page| page.slug.as_str()).collect();
    for page in pages {
        own.extend(base.ancestors(page));
    }
    // What the page itself names is no contradiction, such as the right axis of a left posterior fascicular block.
    own.extend(says.iter().flat_map(|says| &says.named).map(String::as_str));
    let is_named = |clause: &&Clause| {
        let text: Vec<&str> = clause.iter().map(|token| token.text.as_str()).collect();
        let reading = base.read(&text.join(" "));
        reading.present().any(|finding| opposites.contains(&finding.page) && !own.contains(&*finding.page.slug))
    };
    direct.iter().find(is_named).map(|clause| quote(clause))
}

const SIDES: [(&str, &[&str]); 2] = [
    ("left", &["left", "leftward", "left-sided", "mitrale"]),
    ("right", &["right", "rightward", "right-sided", "pulmonale"]),
];

fn sides(words: &[&str]) -> BTreeSet<&'static str> {
    let named = |names: &[&str]| words.iter().any(|word| names.contains(word));
    SIDES.into_iter().filter(|(_, names)| named(names)).map(|(side, _)| side).collect()
}

/// The first clause that speaks of the side that neither names nor descriptions of the pages have.
pub(super) fn wrong_side(direct: &[Clause], pages: &[&Page]) -> Option<String> {
    let of = |text: &str| {
        let lower = text.to_lowercase();
        sides(&lower.split(|c: char| !c.is_alphanumeric()).collect::<Vec<_>>())
    };
    let named: BTreeSet<&str> = pages.iter().flat_map(|page| of(&page.name)).collect();
    let [side] = named.iter().copied().collect::<Vec<_>>()[..] else { return None };
    let texts = pages.iter().flat_map(|page| {
        let sections = [Section::Definition, Section::OnTheEcg, Section::Criteria, Section::Waveform];
        sections.map(|section| page.section(section)).into_iter().chain(page.synonyms.iter().map(String::as_str))
    });
    let allowed: BTreeSet<&str> = texts.flat_map(of).chain([side]).collect();
    direct.iter().find(|clause| !sides(&without_places(clause)).is_subset(&allowed)).map(|clause| quote(clause))
}

/// The first clause that finds the fault in the other side's bundle branch, ventricle or atrium.
pub(super) fn wrong_chamber(direct: &[Clause], pages: &[&Page]) -> Option<String> {
    const PARTS: [(&str, &[&str]); 3] =
        [("bundle", &["bundle"]), ("ventricle", &["ventricle", "ventricular"]), ("atrium", &["atrium", "atrial"])];
    const ILL: [&str; 10] =
        ["block", "delay", "late", "interrupt", "thick", "hypertroph", "enlarg", "dilat", "overload", "strain"];
    let is_ill = |word: &&str| *word != "lateral" && ILL.iter().any(|stem| word.starts_with(stem));
    let side = |word: &str| SIDES.iter().map(|(side, _)| *side).find(|side| *side == word);
    // The parts of a text, and where each stands.
    let of = |words: &[&str]| -> Vec<(usize, &'static str, &'static str)> {
        let pair = |(at, pair): (usize, &[&str])| {
            let part = PARTS.iter().find(|(_, names)| names.contains(&pair[1])).map(|(part, _)| *part)?;
            Some((at, side(pair[0])?, part))
        };
        words.windows(2).enumerate().filter_map(pair).collect()
    };
    let named: BTreeSet<(&str, &str)> = pages
        .iter()
        .flat_map(|page| of(&page.name.split(' ').collect::<Vec<_>>()))
        .map(|(_, side, part)| (side, part))
        .collect();
    let (own, own_part) = named.iter().copied().next().filter(|_| named.len() == 1 && pages.len() == 1)?;
    let is_wrong = |clause: &&Clause| {
        let clause = affirmed(clause);
        let words = words_and_commas(&clause);
        of(&words).into_iter().filter(|(_, side, part)| *side != own && *part == own_part).any(|(at, ..)| {
            let mut after = words[at + 2..].iter().take(4).take_while(|word| **word != "," && side(word).is_none());
            let mut before = words[..at].iter().rev().take(3).take_while(|word| **word != "," && side(word).is_none());
            after.any(is_ill) || before.any(is_ill)
        })
    };
    direct.iter().find(is_wrong).map(|clause| quote(clause))
}

/// The words of a clause without those that say on which side an electrode lies: "the right precordial leads".
fn without_places(clause: &[Token]) -> Vec<&str> {
    const PLACES: &[&str] = &["precordial", "chest", "precordium", "leads", "lead", "arm", "leg", "sternal", "limb"];
    let words = words(clause);
    let is_place = |i: usize| words.iter().skip(i + 1).take(2).any(|next| PLACES.contains(next));
    words.iter().enumerate().filter(|(i, _)| !is_place(*i)).map(|(_, word)| *word).collect()
}

/// The first clause that blames the fascicle which the pages do not name.
pub(super) fn wrong_fascicle(direct: &[Clause], pages: &[&Page]) -> Option<String> {
    let of = |words: &[&str]| -> BTreeSet<&'static str> {
        let is = |word: &str| ["fascicle", "fascicular", "hemiblock"].contains(&word);
        let pairs = words.windows(2).filter(|pair| is(pair[1]));
        pairs.filter_map(|pair| ["anterior", "posterior"].into_iter().find(|name| *name == pair[0])).collect()
    };
    let named: BTreeSet<&str> = pages.iter().flat_map(|page| of(&page.name.split(' ').collect::<Vec<_>>())).collect();
    if named.len() != 1 {
        return None;
    }
    direct.iter().find(|clause| !of(&words(clause)).is_subset(&named)).map(|clause| quote(clause))
}

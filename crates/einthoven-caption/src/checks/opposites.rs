//! Concepts that are another one's opposite: left and right bundle branch block, short and long PR interval.

use std::collections::BTreeSet;

use super::aside::affirmed;
use super::leads::leads_within;
use super::polarity::turned;
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
pub(super) fn named(direct: &[Clause], base: &KnowledgeBase, pages: &[&Page], opposites: &[&Page]) -> Option<String> {
    let mut own: BTreeSet<&str> = pages.iter().map(|page| page.slug.as_str()).collect();
    for page in pages {
        own.extend(base.ancestors(page));
        // What the page itself names is no contradiction, such as the right axis of a left posterior fascicular block.
        for section in [Section::Definition, Section::OnTheEcg, Section::Criteria, Section::Waveform] {
            own.extend(base.read(page.section(section)).present().map(|finding| finding.page.slug.as_str()));
        }
    }
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

/// What is said of a lead: `(lead, sign)`.
type Signs = BTreeSet<(String, &'static str)>;

/// Words that describe a deflection, by the sign they give it.
const SIGNS: [(&str, &[&str]); 9] = [
    ("positive", &["positive", "upright"]),
    ("negative", &["negative", "inverted"]),
    ("rsr'", &["rsr'"]),
    ("rs", &["rs"]),
    ("qr", &["qr"]),
    ("qs", &["qs"]),
    ("tall", &["tall", "dominant", "high", "large"]),
    ("deep", &["deep"]),
    ("notched", &["notched", "monophasic"]),
];

/// Deflections that are named before the lead which shows them.
const WAVES: [&str; 5] = ["p", "q", "r", "s", "t"];

/// The signs of the leads: a list of leads takes the signs said since the last list, or else those that follow.
fn signs(direct: &[Clause]) -> Signs {
    let mut signs = Signs::new();
    for clause in direct {
        let mut since: Vec<&str> = Vec::new();
        let mut waiting = BTreeSet::new();
        let mut i = 0;
        while i < clause.len() {
            let length = list(&clause[i..]);
            if length > 0 {
                let named = leads_within(clause, i..i + length);
                let is_place = i > 0 && ["in", "("].contains(&clause[i - 1].lower.as_str());
                // "S in V1 is deep": what is said of the wave follows.
                let is_wave = i > 1 && WAVES.contains(&clause[i - 2].lower.as_str());
                waiting = if since.is_empty() && (!is_place || is_wave) { named.clone() } else { BTreeSet::new() };
                for lead in &named {
                    signs.extend(since.iter().map(|sign| (lead.name().to_owned(), *sign)));
                }
                since.clear();
                i += length;
                continue;
            }
            let shape =
                SIGNS.iter().find(|(_, words)| words.contains(&clause[i].lower.as_str())).map(|(sign, _)| *sign);
            for sign in shape.into_iter().chain(turned(clause, i)) {
                if waiting.is_empty() {
                    since.push(sign);
                }
                signs.extend(waiting.iter().map(|lead| (lead.name().to_owned(), sign)));
            }
            i += 1;
        }
    }
    signs
}

/// How many tokens the clause begins with that list leads.
fn list(clause: &[Token]) -> usize {
    let is_lead = |token: &Token| {
        ["I", "II", "III", "aVR", "aVL", "aVF"].contains(&token.text.as_str())
            || token.text.len() == 2
                && token.text.starts_with('V')
                && token.text.ends_with(|c: char| c.is_ascii_digit())
    };
    let is_joint = |token: &Token| [",", "and", "or", "to", "-", "through"].contains(&token.lower.as_str());
    if !clause.first().is_some_and(is_lead) {
        return 0;
    }
    let run = clause.iter().take_while(|token| is_lead(token) || is_joint(token)).count();
    clause[..run].iter().rposition(is_lead).map_or(0, |last| last + 1)
}

/// Signs of leads that a description must share with an opposite, beyond those it shares with its own, to be the opposite's.
const SHARED: usize = 2;
/// Shapes of which a QRS complex has one.
const SHAPES: [&str; 4] = ["rsr'", "rs", "qr", "qs"];

fn signs_of(page: &Page) -> Signs {
    let texts = [Section::Waveform, Section::OnTheEcg].map(|section| super::text::clauses(page.section(section)));
    texts.iter().flat_map(|clauses| signs(&super::aside::direct(clauses))).collect()
}

/// Whether the leads of the answer are described as an opposite describes them, and not as the pages do.
pub(super) fn described(direct: &[Clause], pages: &[&Page], opposites: &[&Page]) -> bool {
    let said = signs(direct);
    let own: Signs = pages.iter().flat_map(|page| signs_of(page)).collect();
    // The shape or the direction of a complex where the pages have another one counts as two signs.
    let weight = |(lead, sign): &(String, &'static str)| {
        let has_other = own.iter().any(|(other, shape)| other == lead && SHAPES.contains(shape));
        let turned = match *sign {
            "positive" => "negative",
            "negative" => "positive",
            _ => "",
        };
        let is_turned = own.contains(&(lead.clone(), turned));
        if SHAPES.contains(sign) && has_other || is_turned { SHARED } else { 1 }
    };
    opposites.iter().any(|opposite| {
        let theirs = signs_of(opposite);
        let foreign = said.iter().filter(|sign| theirs.contains(*sign) && !own.contains(*sign));
        let as_opposite: usize = foreign.map(weight).sum();
        let as_own = said.iter().filter(|sign| own.contains(*sign) && !theirs.contains(*sign)).count();
        as_opposite >= SHARED + as_own
    })
}

/// Whether the ST segment, the T wave or the P wave is turned the other way than the pages turn it, in most of the leads that both speak of.
pub(super) fn turned_round(direct: &[Clause], pages: &[&Page]) -> bool {
    const PAIRS: [[&str; 2]; 3] = [["ST up", "ST down"], ["T up", "T down"], ["P up", "P down"]];
    let said = signs(direct);
    let own: Signs = pages.iter().flat_map(|page| signs_of(page)).collect();
    PAIRS.iter().flat_map(|[up, down]| [(*up, *down), (*down, *up)]).any(|(sign, other)| {
        let has = |signs: &Signs, lead: &String, sign| signs.contains(&(lead.clone(), sign));
        let leads = || said.iter().filter(|(_, said)| *said == sign).map(|(lead, _)| lead);
        let against =
            leads().filter(|lead| has(&own, lead, other) && !has(&own, lead, sign) && !has(&said, lead, other)).count();
        let alike = leads().filter(|lead| has(&own, lead, sign)).count();
        // Of P waves one lead is enough where the answer speaks of no other: lead II tells where they come from.
        let least = if sign.starts_with('P') { SHARED.min(leads().count().max(1)) } else { SHARED };
        against >= least && against > alike
    })
}

//! How many P waves a text counts for each QRS complex.

use super::aside::affirmed;
use super::text::{Clause, find, quote, words_and, words_and_commas};

/// How far a ratio may lie from another to be the same.
const LENIENCE: f64 = 0.1;

/// Words for numbers, as counts and as ordinals.
const NUMBERS: [(&str, f64); 13] = [
    ("one", 1.0),
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("other", 2.0),
    ("second", 2.0),
    ("third", 3.0),
    ("fourth", 4.0),
    ("twice", 2.0),
    ("double", 2.0),
    ("half", 0.5),
];

const ATRIAL: &str = "p/atrial/flutter/sawtooth/f";
const VENTRICULAR: &str = "qrs/complex/complexes/ventricular/beat/response";

/// The first clause in which no ratio is one that the pages give, if they give any.
pub(super) fn wrong_ratio(direct: &[Clause], own: &[Clause]) -> Option<String> {
    let known: Vec<Ratio> = own.iter().flat_map(ratios).collect();
    let least = known.iter().map(|ratio| ratio.value).reduce(f64::min)?;
    let is_open = known.iter().any(|ratio| ratio.is_open);
    let most = known.iter().map(|ratio| ratio.value).fold(if is_open { f64::INFINITY } else { 0.0 }, f64::max);
    let is_possible = |ratio: &Ratio| {
        (ratio.is_open || ratio.value >= least * (1.0 - LENIENCE)) && ratio.value <= most * (1.0 + LENIENCE)
    };
    let said: Vec<(&Clause, Ratio)> =
        direct.iter().flat_map(|clause| ratios(clause).into_iter().map(move |ratio| (clause, ratio))).collect();
    let (clause, _) = said.first()?;
    (!said.iter().any(|(_, ratio)| is_possible(ratio))).then(|| quote(clause))
}

/// P waves for each QRS complex.
struct Ratio {
    value: f64,
    /// Whether there may be more: "three or more".
    is_open: bool,
}

fn ratios(clause: &Clause) -> Vec<Ratio> {
    let clause = affirmed(clause);
    let words = words_and_commas(&clause);
    let mut found = written(&words_and(":", &clause));
    for (at, word) in words.iter().enumerate() {
        let Some((_, number)) = NUMBERS.iter().find(|(name, _)| name == word) else { continue };
        let (rest, before) = (&words[at + 1..], at.checked_sub(1).map_or("", |i| words[i]));
        let begins = |phrase: &str| find(rest, phrase).is_some_and(|(start, _)| start <= 3);
        let is_open = begins("or more");
        let said = |subject: &str| find(&words[..at], subject).is_some();
        let ratio = if begins(&format!("{ATRIAL} * to/for/per/before each/every/one/a * {VENTRICULAR}"))
            || begins("the ventricular") && said("atrial rate/atria")
        {
            Some(*number)
        } else if begins(&format!("{VENTRICULAR} * to/for/per each/every/one/a * {ATRIAL}"))
            || begins("the atrial") && said("ventricular rate/ventricles")
        {
            Some(1.0 / number)
        } else if ["every", "each"].contains(&before) && begins(&format!("{ATRIAL}/wave/impulse")) {
            every(&words, at, *number)
        } else {
            None
        };
        found.extend(ratio.map(|value| Ratio { value, is_open }));
    }
    found
}

/// `2:1 conduction` and "two to one": the numbers of a clause on conduction.
fn written(words: &[&str]) -> Vec<Ratio> {
    const CONTEXT: &str = "conduct~/block/blocked/ratio/ratios/av/relation";
    let number = |word: &str| {
        let spelt = NUMBERS[..6].iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
        spelt.or_else(|| word.parse::<f64>().ok().filter(|number| (1.0..=10.0).contains(number)))
    };
    if find(words, CONTEXT).is_none() {
        return Vec::new();
    }
    let ratio = |three: &[&str]| {
        let (atrial, ventricular) = (number(three[0])?, number(three[2])?);
        let is_ratio = [":", "to"].contains(&three[1]) && atrial >= ventricular;
        is_ratio.then_some(Ratio { value: atrial / ventricular, is_open: false })
    };
    words.windows(3).filter_map(ratio).collect()
}

/// The ratio of "every second P wave is conducted" and "every third P wave is blocked".
fn every(words: &[&str], at: usize, number: f64) -> Option<f64> {
    let (before, after) = (&words[..at], &words[at + 1..]);
    let is_lost = find(after, "blocked/dropped/lost/fails/lacks/unconducted").is_some()
        || find(after, "not conducted/followed").is_some();
    let is_conducted = find(after, "@follows").is_some() || find(before, "@follows/respond/beat").is_some();
    match (is_lost, is_conducted) {
        (true, _) => Some(number / (number - 1.0)),
        (_, true) => Some(number),
        _ => None,
    }
}

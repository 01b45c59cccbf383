//! What the numbers of an answer measure: which quantity, in which unit.

use super::text::{Clause, Token};
use crate::Quantity;

/// What a number is to be multiplied by, or divided into.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    Times(f64),
    /// The length of a cycle, of this many milliseconds for each one: what makes a rate.
    Cycle(f64),
}

impl Unit {
    /// The value in the unit of its quantity.
    pub fn convert(self, value: f64) -> f64 {
        match self {
            Self::Times(factor) => value * factor,
            Self::Cycle(factor) => 60_000.0 / (value * factor),
        }
    }
}

/// No cycle is longer, in milliseconds.
const LONGEST_CYCLE: f64 = 5000.0;

/// The quantity that the numbers between `first` and `after` measure, their unit, and the token after the unit.
pub(super) fn quantity(clause: &Clause, first: usize, after: usize) -> Option<(Quantity, Unit, usize)> {
    let lower = |i: usize| clause.get(i).map_or("", |token| token.lower.as_str());
    let before = |words: &[&str]| clause[..first].iter().rposition(|token| words.contains(&token.lower.as_str()));
    let near = |words: &[&str]| clause.iter().any(|token| words.contains(&token.lower.as_str()));
    match lower(after) {
        "bpm" => Some((rate(clause, first), Unit::Times(1.0), after + 1)),
        "beats" | "beat" | "times" | "per" | "/" | "a" => {
            let unit: Vec<&str> = (after..after + 4).map(lower).collect();
            let is_rate = unit.iter().any(|word| ["min", "minute"].contains(word));
            is_rate.then(|| (rate(clause, first), Unit::Times(1.0), after + 3))
        }
        "°" | "degrees" | "degree" => {
            near(&["axis", "vector"]).then_some((Quantity::AxisDeg, Unit::Times(1.0), after + 1))
        }
        unit @ ("mm" | "mv") => {
            // One millimetre is 0.1 mV.
            let factor = if unit == "mm" { 0.1 } else { 1.0 };
            Some((size(clause, first)?, Unit::Times(factor), after + 1))
        }
        _ if time(clause, after).is_some() => {
            let (factor, end) = time(clause, after)?;
            if let Some(quantity) = length(clause, first, factor) {
                return Some((quantity, Unit::Times(factor / 1000.0), end));
            }
            if is_cycle(clause, first, end, factor) {
                return Some((Quantity::RateBpm, Unit::Cycle(factor), end));
            }
            const OTHERS: &[&str] = &[
                "q",
                "r",
                "rr",
                "pp",
                "terminal",
                "pause",
                "intervals",
                "run",
                "peak",
                "peaks",
                "upstroke",
                "r-r",
                "humps",
            ];
            const NAMES: [(&[&str], Quantity); 4] = [
                (&["pr"], Quantity::PrMs),
                (&["qrs", "complex", "complexes"], Quantity::QrsMs),
                (&["qtc", "qt", "corrected"], Quantity::QtcMs),
                (&["p"], Quantity::PMs),
            ];
            let named = NAMES
                .iter()
                .filter_map(|(names, quantity)| Some((before(names)?, *quantity)))
                .max_by_key(|(at, _)| *at);
            let (at, quantity) = match named {
                Some((at, Quantity::QrsMs)) if is_from_p(&clause[..at]) => (at, Quantity::PrMs),
                Some(named) => named,
                // "60 ms after the QRS onset": a place.
                None if ["after", "before", "from", "past"].contains(&lower(end)) => return None,
                // "120 ms wide QRS": the name follows.
                None => {
                    let follows = |names: &[&str]| (after..after + 5).any(|i| names.contains(&lower(i)));
                    let (_, quantity) = NAMES.iter().find(|(names, _)| follows(names))?;
                    (first, *quantity)
                }
            };
            let is_part = quantity == Quantity::PMs
                && clause[..first]
                    .iter()
                    .any(|token| ["terminal", "initial", "negative"].contains(&token.lower.as_str()));
            let is_other = clause[at.min(first)..first].iter().any(|token| OTHERS.contains(&token.lower.as_str()));
            // A run ends within 30 s; no interval of a beat is so long.
            let is_long = factor > 1.0 && clause[first].number().is_some_and(|number| number > 5.0);
            (!is_other && !is_part && !is_long).then_some((quantity, Unit::Times(factor), end))
        }
        _ => None,
    }
}

/// How many milliseconds the unit of time after a number has, and the token after it; at 25 mm/s a large square is 200 ms wide.
pub(super) fn time(clause: &[Token], after: usize) -> Option<(f64, usize)> {
    const HEIGHTS: [&str; 7] = ["tall", "high", "deep", "height", "depth", "amplitude", "above"];
    let lower = |i: usize| clause.get(i).map_or("", |token| token.lower.as_str());
    let is_square =
        ["square", "squares", "box", "boxes"].contains(&lower(after + 1)) && !HEIGHTS.contains(&lower(after + 2));
    match lower(after) {
        "ms" | "msec" | "millisecond" | "milliseconds" => Some((1.0, after + 1)),
        "s" | "sec" | "second" | "seconds" => Some((1000.0, after + 1)),
        "minute" | "minutes" => Some((60_000.0, after + 1)),
        "hour" | "hours" => Some((3_600_000.0, after + 1)),
        "large" | "big" if is_square => Some((200.0, after + 2)),
        "small" | "little" if is_square => Some((40.0, after + 2)),
        _ => None,
    }
}

/// What a time of more than a beat's waves is the length of: a run of beats, or a pause between them.
fn length(clause: &[Token], first: usize, factor: f64) -> Option<Quantity> {
    const RUNS: [&str; 6] = ["run", "runs", "episode", "salvo", "burst", "lasts"];
    const PAUSES: [&str; 9] =
        ["pause", "pauses", "gap", "arrest", "standstill", "interrupts", "interrupted", "flat", "stretch"];
    const OTHERS: [&str; 10] = ["p", "pr", "qrs", "complex", "qt", "qtc", "rr", "pp", "r", "beat"];
    let is = |token: &Token, names: &[&str]| names.contains(&token.lower.as_str());
    let nearest = clause[..first].iter().rfind(|token| is(token, &PAUSES) || is(token, &OTHERS));
    if nearest.is_some_and(|token| is(token, &PAUSES)) {
        return Some(Quantity::PauseS);
    }
    let is_long = clause[first].number().is_some_and(|number| number * factor > LONGEST_CYCLE);
    (is_long && clause.iter().any(|token| is(token, &RUNS))).then_some(Quantity::RunS)
}

/// Whether "from the onset of P to" is what a clause says before its QRS complex: the PR interval.
fn is_from_p(before: &[Token]) -> bool {
    let is = |token: &Token, names: &[&str]| names.contains(&token.lower.as_str());
    let Some(p) = before.iter().rposition(|token| is(token, &["p"])) else { return false };
    let joined = before[p..].iter().any(|token| is(token, &["to", "and", "until"]));
    let measured = ["from", "between", "onset", "beginning", "start", "time", "distance", "interval"];
    joined && before[p..].len() <= 10 && before.iter().any(|token| is(token, &measured))
}

/// Whether the number is the length of a cycle, from one beat to the next, and not the difference of two.
fn is_cycle(clause: &Clause, first: usize, end: usize, factor: f64) -> bool {
    const DIFFERENCES: [&str; 9] =
        ["vary", "varies", "varying", "variation", "differ", "difference", "pause", "gap", "longest"];
    let is = |token: &Token, names: &[&str]| names.contains(&token.lower.as_str());
    let mut ends = clause[..first].windows(3).rev();
    let is_named = clause[..first].iter().rev().take(10).any(|token| is(token, &["rr"]))
        || ends.any(|three| is(&three[0], &["r"]) && three[1].text == "-" && is(&three[2], &["r"]));
    let is_apart = clause.get(end).is_some_and(|token| is(token, &["apart"]))
        && clause[..first].iter().any(|token| is(token, &["beats", "complexes"]));
    let is_nearer = clause[..first]
        .iter()
        .rev()
        .take_while(|token| !is(token, &["rr", "r"]))
        .any(|token| is(token, &["pr", "p", "qrs", "qt", "qtc", "st", "t", "q", "s"]));
    // What is shorter than the shortest cycle is a difference, however it is put.
    let is_long = clause[first].number().is_some_and(|number| number * factor >= 250.0);
    is_long && (is_named && !is_nearer || is_apart) && !clause.iter().any(|token| is(token, &DIFFERENCES))
}

/// Of which wave the number at `first` is the size, if it is of one that pages limit.
fn size(clause: &Clause, first: usize) -> Option<Quantity> {
    const WAVES: [&str; 13] = ["p", "qrs", "complexes", "st", "t", "q", "r", "s", "u", "j", "sum", "notch", "point"];
    const ELSEWHERE: [&str; 9] = ["initial", "terminal", "negative", "chest", "precordial", "v1", "v2", "deep", "qs"];
    let is = |token: &Token, names: &[&str]| names.contains(&token.lower.as_str());
    let wave = clause[..first].iter().rfind(|token| is(token, &WAVES))?;
    // What follows a comma is of other leads.
    let end = (first..clause.len()).find(|&i| clause[i].text == ",").unwrap_or(clause.len());
    let is_whole = !clause[..end].iter().any(|token| is(token, &ELSEWHERE));
    match wave.lower.as_str() {
        "p" => is_whole.then_some(Quantity::PMv),
        "qrs" | "complexes" => is_whole.then_some(Quantity::QrsMv),
        _ => None,
    }
}

/// Of what the number at `first` is the rate: waves of the atria have rates of their own.
fn rate(clause: &Clause, first: usize) -> Quantity {
    const ATRIAL: &[&str] =
        &["atrial", "flutter", "fibrillatory", "waves", "f", "p", "atria", "sawtooth", "undulations"];
    const VENTRICULAR: &[&str] =
        &["ventricular", "ventricles", "heart", "complexes", "rhythm", "beats", "tachycardia", "rate", "qrs"];
    let last = |names: &[&str]| clause[..first].iter().rposition(|token| names.contains(&token.lower.as_str()));
    // "without P waves at 150 per minute": what is not there has no rate.
    let is_denied = |i: usize| {
        clause[i.saturating_sub(3)..i].iter().any(|token| ["no", "without", "absent"].contains(&token.lower.as_str()))
    };
    // "Flutter waves at a rate of 300": it is they that have the rate.
    let is_rate_of =
        clause[..first].iter().rev().take(4).map(|token| token.lower.as_str()).eq(["of", "rate", "a", "at"]);
    let named = if is_rate_of { first - 4 } else { first };
    let near = named.saturating_sub(4);
    let is_wave = |i: usize| !is_rate_of || clause[i].lower != "waves";
    let is_atrial =
        (near..named).any(|i| is_wave(i) && ATRIAL[..5].contains(&clause[i].lower.as_str()) && !is_denied(i));
    let last_atrial = (0..first).rev().find(|&i| ATRIAL.contains(&clause[i].lower.as_str()) && !is_denied(i));
    let is_ventricular = last_atrial <= last(VENTRICULAR) && !is_atrial;
    if is_ventricular { Quantity::RateBpm } else { Quantity::AtrialBpm }
}

//! Numbers of an answer against the ranges within which its statement holds.

use super::text::{Clause, Token};
use crate::{Page, Quantity, Range};

/// How far a stated limit may lie from the page's, relative to it: guidelines round differently.
const LENIENCE: f64 = 0.15;
/// The same for angles, in degrees.
const LENIENCE_DEGREES: f64 = 15.0;

/// A number or an interval of numbers that an answer gives a quantity.
#[derive(Debug, PartialEq)]
pub(super) struct Measure {
    pub quantity: Quantity,
    pub low: f64,
    pub high: f64,
    /// The words, for messages.
    pub said: String,
}

/// What a number is preceded by.
#[derive(Clone, Copy, PartialEq)]
enum Bound {
    Exact,
    Above,
    Below,
}

/// The measures of a clause.
pub(super) fn measures(clause: &Clause) -> Vec<Measure> {
    let mut found = Vec::new();
    let mut i = 0;
    while i < clause.len() {
        let Some((low, high, after)) = interval(clause, i) else {
            i += 1;
            continue;
        };
        let first = i;
        i = after;
        let Some((quantity, factor, end)) = quantity(clause, first, after) else { continue };
        let sign = if quantity == Quantity::AxisDeg {
            (sign(clause, first), high_sign(clause, first, after))
        } else {
            (1.0, 1.0)
        };
        let (low, high) = (low * factor * sign.0, high * factor * sign.1);
        let (low, high) = (low.min(high), low.max(high));
        let bound = match bound(clause, first) {
            // "beyond -45°" is farther to the left.
            Bound::Above if quantity == Quantity::AxisDeg && high < 0.0 => Bound::Below,
            bound => bound,
        };
        let (low, high) = match bound {
            Bound::Exact => (low, high),
            Bound::Above => (high, f64::INFINITY),
            Bound::Below => (f64::NEG_INFINITY, low),
        };
        let from = first.saturating_sub(4);
        let said: Vec<&str> = clause[from..end.min(clause.len())].iter().map(|token| token.text.as_str()).collect();
        found.push(Measure { quantity, low, high, said: said.join(" ") });
    }
    found
}

/// `60`, `60-100`, `60 to 100`, `60 and 100`: the numbers and the token after them.
fn interval(clause: &Clause, at: usize) -> Option<(f64, f64, usize)> {
    let low = clause[at].number()?;
    // A ratio such as 2:1 is no measure.
    let neighbour = |i: Option<usize>| i.and_then(|i| clause.get(i)).map(|token| token.text.as_str());
    if neighbour(at.checked_sub(1)) == Some(":")
        && neighbour(at.checked_sub(2)).is_some_and(|text| text.parse::<f64>().is_ok())
    {
        return None;
    }
    let mut next = at + 1;
    while neighbour(Some(next)).is_some_and(|text| ["°", "degrees", "ms", "s", "bpm"].contains(&text)) {
        next += 1;
    }
    if !neighbour(Some(next)).is_some_and(|text| ["-", "to", "and", "or"].contains(&text)) {
        return Some((low, low, at + 1));
    }
    let mut second = next + 1;
    while neighbour(Some(second)).is_some_and(|text| ["-", "+", "±"].contains(&text)) {
        second += 1;
    }
    match clause.get(second).and_then(Token::number) {
        Some(high) => Some((low, high, second + 1)),
        None => Some((low, low, at + 1)),
    }
}

/// The quantity that the numbers between `first` and `after` measure, the factor to its unit, and the token after the unit.
fn quantity(clause: &Clause, first: usize, after: usize) -> Option<(Quantity, f64, usize)> {
    let lower = |i: usize| clause.get(i).map_or("", |token| token.lower.as_str());
    let before = |words: &[&str]| clause[..first].iter().rposition(|token| words.contains(&token.lower.as_str()));
    let near = |words: &[&str]| clause.iter().any(|token| words.contains(&token.lower.as_str()));
    match lower(after) {
        "bpm" => rate(clause, first).then_some((Quantity::RateBpm, 1.0, after + 1)),
        "beats" | "beat" | "per" | "/" => {
            let unit: Vec<&str> = (after..after + 4).map(lower).collect();
            let is_rate = unit.iter().any(|word| ["min", "minute"].contains(word));
            (is_rate && rate(clause, first)).then_some((Quantity::RateBpm, 1.0, after + 3))
        }
        "°" | "degrees" | "degree" => near(&["axis"]).then_some((Quantity::AxisDeg, 1.0, after + 1)),
        unit @ ("ms" | "msec" | "milliseconds" | "s" | "sec" | "seconds") => {
            let factor = if unit.starts_with('m') { 1.0 } else { 1000.0 };
            const OTHERS: &[&str] =
                &["q", "r", "rr", "pp", "terminal", "pause", "intervals", "run", "peak", "peaks", "upstroke", "r-r"];
            const NAMES: [(&[&str], Quantity); 4] = [
                (&["pr"], Quantity::PrMs),
                (&["qrs", "complex", "complexes"], Quantity::QrsMs),
                (&["qtc", "qt"], Quantity::QtcMs),
                (&["p"], Quantity::PMs),
            ];
            let named = NAMES
                .iter()
                .filter_map(|(names, quantity)| Some((before(names)?, *quantity)))
                .max_by_key(|(at, _)| *at);
            let (at, quantity) = match named {
                Some(named) => named,
                // "120 ms wide QRS": the name follows.
                None => {
                    let follows = |names: &[&str]| (after..after + 5).any(|i| names.contains(&lower(i)));
                    let (_, quantity) = NAMES.iter().find(|(names, _)| follows(names))?;
                    (first, *quantity)
                }
            };
            let is_part = quantity == Quantity::PMs && near(&["terminal", "initial", "negative"]);
            let is_other = clause[at.min(first)..first].iter().any(|token| OTHERS.contains(&token.lower.as_str()));
            // A run ends within 30 s; no interval of a beat is so long.
            let is_long = factor > 1.0 && clause[first].number().is_some_and(|number| number > 5.0);
            (!is_other && !is_part && !is_long).then_some((quantity, factor, after + 1))
        }
        _ => None,
    }
}

/// Whether the number at `first` is a rate of the ventricles: waves of the atria have rates of their own.
fn rate(clause: &Clause, first: usize) -> bool {
    const ATRIAL: &[&str] =
        &["atrial", "flutter", "fibrillatory", "waves", "f", "p", "atria", "sawtooth", "undulations"];
    const VENTRICULAR: &[&str] =
        &["ventricular", "ventricles", "heart", "complexes", "rhythm", "beats", "tachycardia", "rate", "qrs"];
    let last = |names: &[&str]| clause[..first].iter().rposition(|token| names.contains(&token.lower.as_str()));
    last(ATRIAL) <= last(VENTRICULAR)
        && !clause[first.saturating_sub(4)..first].iter().any(|token| ATRIAL[..5].contains(&token.lower.as_str()))
}

/// What stands before the number: a limit, or nothing.
fn bound(clause: &Clause, first: usize) -> Bound {
    const ABOVE: &[&str] = &[
        ">",
        "≥",
        "above",
        "over",
        "exceeds",
        "exceeding",
        "exceed",
        "more",
        "greater",
        "longer",
        "least",
        "faster",
        "wider",
        "beyond",
        "minimum",
    ];
    const BELOW: &[&str] = &[
        "<", "≤", "below", "under", "less", "shorter", "most", "up", "fewer", "slower", "narrower", "within", "maximum",
    ];
    let window = &clause[first.saturating_sub(4)..first];
    for token in window.iter().rev() {
        if token.number().is_some() || [",", "ms", "bpm", "s"].contains(&token.lower.as_str()) || is_at(clause, token) {
            break;
        }
        if token.lower == "negative" {
            return Bound::Below;
        }
        if ABOVE.contains(&token.lower.as_str()) {
            return Bound::Above;
        }
        if BELOW.contains(&token.lower.as_str()) {
            return Bound::Below;
        }
    }
    let follows: Vec<&str> = clause[first..].iter().skip(1).take(5).map(|token| token.lower.as_str()).collect();
    if follows.windows(2).any(|pair| pair == ["or", "more"] || pair == ["or", "longer"] || pair == ["or", "wider"]) {
        return Bound::Above;
    }
    if follows.windows(2).any(|pair| pair == ["or", "less"] || pair == ["or", "below"]) {
        return Bound::Below;
    }
    Bound::Exact
}

/// `at` as in "at 160 to 250", not as in "at least".
fn is_at(clause: &Clause, token: &Token) -> bool {
    let next = clause.iter().skip_while(|other| !std::ptr::eq(*other, token)).nth(1);
    token.lower == "at" && !next.is_some_and(|next| ["least", "most"].contains(&next.lower.as_str()))
}

fn sign(clause: &Clause, at: usize) -> f64 {
    let is_minus = at > 0 && clause[at - 1].text == "-";
    if is_minus { -1.0 } else { 1.0 }
}

/// The sign of the second number, which ends before `after`; that of the first if there is only one.
fn high_sign(clause: &Clause, first: usize, after: usize) -> f64 {
    if after == first + 1 {
        return sign(clause, first);
    }
    // "-45-90": the dash between them is no sign; "-45 to -90" has one of its own.
    let own = clause.get(after - 2).is_some_and(|token| token.text == "-");
    let joined = clause.get(after.saturating_sub(3)).is_some_and(|token| token.number().is_some() || token.text == "°");
    if own && !joined { -1.0 } else { 1.0 }
}

/// Whether the statement of the pages can hold with the measure; none if they leave the quantity open.
pub(super) fn fits(measure: &Measure, pages: &[&Page]) -> Option<bool> {
    let ranges: Option<Vec<&Range>> = pages.iter().map(|page| page.ranges.get(&measure.quantity)).collect();
    let ranges = ranges.filter(|ranges| !ranges.is_empty())?;
    Some(ranges.iter().any(|range| holds(measure, range)))
}

/// What a page says of a quantity, in words: `a PR interval of 200 ms or more`.
pub(super) fn describe(quantity: Quantity, page: &Page) -> String {
    let (name, unit) = match quantity {
        Quantity::RateBpm => ("a rate", " beats per minute"),
        Quantity::PMs => ("a P wave", " ms"),
        Quantity::PrMs => ("a PR interval", " ms"),
        Quantity::QrsMs => ("a QRS complex", " ms"),
        Quantity::QtcMs => ("a QTc", " ms"),
        Quantity::AxisDeg => ("an axis", "°"),
    };
    match page.ranges.get(&quantity) {
        Some(Range { min: Some(min), max: Some(max) }) => format!("{name} of {min} to {max}{unit}"),
        Some(Range { min: Some(min), max: None }) => format!("{name} of {min}{unit} or more"),
        Some(Range { min: None, max: Some(max) }) => format!("{name} of {max}{unit} or less"),
        _ => format!("{name} of its own"),
    }
}

/// Whether the interval of a measure can be that of a range: it must lie within, or share a limit, or begin and end near it.
fn holds(measure: &Measure, range: &Range) -> bool {
    let slack =
        |limit: f64| if measure.quantity == Quantity::AxisDeg { LENIENCE_DEGREES } else { limit.abs() * LENIENCE };
    let low = range.min.map_or(f64::NEG_INFINITY, |min| min - slack(min));
    let high = range.max.map_or(f64::INFINITY, |max| max + slack(max));
    let is_plausible = |value: f64| {
        let limits = match measure.quantity {
            Quantity::RateBpm => 10.0..=350.0,
            Quantity::PMs => 20.0..=250.0,
            Quantity::PrMs => 40.0..=600.0,
            Quantity::QrsMs => 40.0..=300.0,
            Quantity::QtcMs => 200.0..=800.0,
            Quantity::AxisDeg => -180.0..=270.0,
        };
        !value.is_finite() || limits.contains(&value)
    };
    let within = |value: f64| (low..=high).contains(&value);
    let in_range = match (measure.low.is_finite(), measure.high.is_finite()) {
        // "more than x": x is near the range's beginning or within it.
        (true, false) => within(measure.low) && (range.max.is_none_or(|max| measure.low < max)),
        (false, true) => within(measure.high) && (range.min.is_none_or(|min| measure.high > min)),
        _ => measure.low <= high && measure.high >= low && (within(measure.low) || within(measure.high)),
    };
    in_range && is_plausible(measure.low) && is_plausible(measure.high)
}

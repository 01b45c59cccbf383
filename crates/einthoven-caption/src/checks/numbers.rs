//! Numbers of an answer against the ranges within which its statement holds.

use super::text::{Clause, Token};
use crate::{Page, Quantity, Range};

/// How far a stated limit may lie from the page's, relative to it: guidelines round differently.
const LENIENCE: f64 = 0.15;
/// The same for a single value, which is no limit and has to lie within the page's.
const LENIENCE_OF_VALUES: f64 = 0.05;
/// The same for angles, in degrees.
const LENIENCE_DEGREES: f64 = 15.0;

/// A number or an interval of numbers that an answer gives a quantity.
#[derive(Debug, PartialEq)]
pub(crate) struct Measure {
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

/// What a number is to be multiplied by, or divided into.
#[derive(Clone, Copy)]
enum Unit {
    Times(f64),
    /// The length of a cycle, of this many milliseconds for each one: what makes a rate.
    Cycle(f64),
}

impl Unit {
    fn convert(self, value: f64) -> f64 {
        match self {
            Self::Times(factor) => value * factor,
            Self::Cycle(factor) => 60_000.0 / (value * factor),
        }
    }
}

/// The measures of a clause.
pub(crate) fn measures(clause: &Clause) -> Vec<Measure> {
    let mut found = Vec::new();
    let mut i = 0;
    while i < clause.len() {
        let Some((low, high, after)) = interval(clause, i) else {
            i += 1;
            continue;
        };
        let first = i;
        i = after;
        let Some((quantity, unit, end)) = quantity(clause, first, after) else { continue };
        let sign = if quantity == Quantity::AxisDeg {
            (sign(clause, first), high_sign(clause, first, after))
        } else {
            (1.0, 1.0)
        };
        let (low, high) = (unit.convert(low * sign.0), unit.convert(high * sign.1));
        let (low, high) = (low.min(high), low.max(high));
        let bound = match (bound(clause, first), unit) {
            // The longer the cycle, the slower the rate.
            (Bound::Above, Unit::Cycle(_)) => Bound::Below,
            (Bound::Below, Unit::Cycle(_)) => Bound::Above,
            (bound, _) => bound,
        };
        let bound = match bound {
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

/// The quantity that the numbers between `first` and `after` measure, their unit, and the token after the unit.
fn quantity(clause: &Clause, first: usize, after: usize) -> Option<(Quantity, Unit, usize)> {
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
        "°" | "degrees" | "degree" => near(&["axis"]).then_some((Quantity::AxisDeg, Unit::Times(1.0), after + 1)),
        unit @ ("mm" | "mv") => {
            // One millimetre is 0.1 mV.
            let factor = if unit == "mm" { 0.1 } else { 1.0 };
            Some((size(clause, first)?, Unit::Times(factor), after + 1))
        }
        unit @ ("ms" | "msec" | "milliseconds" | "s" | "sec" | "seconds") => {
            let factor = if unit.starts_with('m') { 1.0 } else { 1000.0 };
            if is_cycle(clause, first, after) {
                return Some((Quantity::RateBpm, Unit::Cycle(factor), after + 1));
            }
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
                Some((at, Quantity::QrsMs)) if is_from_p(&clause[..at]) => (at, Quantity::PrMs),
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
            (!is_other && !is_part && !is_long).then_some((quantity, Unit::Times(factor), after + 1))
        }
        _ => None,
    }
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
fn is_cycle(clause: &Clause, first: usize, after: usize) -> bool {
    const DIFFERENCES: [&str; 9] =
        ["vary", "varies", "varying", "variation", "differ", "difference", "pause", "gap", "longest"];
    let is = |token: &Token, names: &[&str]| names.contains(&token.lower.as_str());
    let mut ends = clause[..first].windows(3).rev();
    let is_named = clause[..first].iter().rev().take(10).any(|token| is(token, &["rr"]))
        || ends.any(|three| is(&three[0], &["r"]) && three[1].text == "-" && is(&three[2], &["r"]));
    let is_apart = clause.get(after + 1).is_some_and(|token| is(token, &["apart"]))
        && clause[..first].iter().any(|token| is(token, &["beats", "complexes"]));
    let is_nearer = clause[..first]
        .iter()
        .rev()
        .take_while(|token| !is(token, &["rr", "r"]))
        .any(|token| is(token, &["pr", "p", "qrs", "qt", "qtc", "st", "t", "q", "s"]));
    // What is shorter than the shortest cycle is a difference, however it is put.
    let unit = if clause.get(after).is_some_and(|token| token.lower.starts_with('m')) { 1.0 } else { 1000.0 };
    let is_long = clause[first].number().is_some_and(|number| number * unit >= 250.0);
    is_long && (is_named && !is_nearer || is_apart) && !clause.iter().any(|token| is(token, &DIFFERENCES))
}

/// Of which wave the number at `first` is the size, if it is of one that pages limit.
fn size(clause: &Clause, first: usize) -> Option<Quantity> {
    const WAVES: [&str; 13] = ["p", "qrs", "complexes", "st", "t", "q", "r", "s", "u", "j", "sum", "notch", "point"];
    const ELSEWHERE: [&str; 9] = ["initial", "terminal", "negative", "chest", "precordial", "v1", "v2", "deep", "qs"];
    let is = |token: &Token, names: &[&str]| names.contains(&token.lower.as_str());
    let wave = clause[..first].iter().rfind(|token| is(token, &WAVES))?;
    let is_whole = !clause.iter().any(|token| is(token, &ELSEWHERE));
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
    let near = first.saturating_sub(4);
    let is_atrial = (near..first).any(|i| ATRIAL[..5].contains(&clause[i].lower.as_str()) && !is_denied(i));
    let last_atrial = (0..first).rev().find(|&i| ATRIAL.contains(&clause[i].lower.as_str()) && !is_denied(i));
    let is_ventricular = last_atrial <= last(VENTRICULAR) && !is_atrial;
    if is_ventricular { Quantity::RateBpm } else { Quantity::AtrialBpm }
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
    for (i, token) in window.iter().enumerate().rev() {
        // "not wider than" is "at most".
        let is_denied = i > 0 && ["not", "no", "never"].contains(&window[i - 1].lower.as_str());
        if token.number().is_some()
            || [",", ":", "ms", "bpm", "s"].contains(&token.lower.as_str())
            || is_at(clause, token)
        {
            break;
        }
        if token.lower == "negative" {
            return Bound::Below;
        }
        if ABOVE.contains(&token.lower.as_str()) {
            return if is_denied { Bound::Below } else { Bound::Above };
        }
        if BELOW.contains(&token.lower.as_str()) {
            return if is_denied { Bound::Above } else { Bound::Below };
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
///
/// Complexes may differ from beat to beat, and the atria beat for themselves, so that another concept may explain theirs; there is one rate, and one
/// PR and QT interval.
pub(super) fn fits(measure: &Measure, pages: &[&Page]) -> Option<bool> {
    let ranges: Vec<&Range> = pages.iter().filter_map(|page| page.ranges.get(&measure.quantity)).collect();
    use Quantity::{AtrialBpm, PMs, PMv, QrsMs, QrsMv};
    let is_of_some = matches!(measure.quantity, AtrialBpm | QrsMs | QrsMv | PMs | PMv);
    if ranges.is_empty() || is_of_some && ranges.len() < pages.len() {
        return None;
    }
    Some(ranges.iter().any(|range| holds(measure, range)))
}

/// What a page says of a quantity, in words: `a PR interval of 200 ms or more`.
pub(super) fn describe(quantity: Quantity, page: &Page) -> String {
    let (name, unit) = match quantity {
        Quantity::RateBpm => ("a rate", " beats per minute"),
        Quantity::AtrialBpm => ("an atrial rate", " per minute"),
        Quantity::PMs => ("a P wave", " ms"),
        Quantity::PMv => ("a P wave", " mV"),
        Quantity::QrsMv => ("a QRS complex", " mV"),
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
    let lenience = if measure.low == measure.high { LENIENCE_OF_VALUES } else { LENIENCE };
    let slack =
        |limit: f64| if measure.quantity == Quantity::AxisDeg { LENIENCE_DEGREES } else { limit.abs() * lenience };
    let low = range.min.map_or(f64::NEG_INFINITY, |min| min - slack(min));
    let high = range.max.map_or(f64::INFINITY, |max| max + slack(max));
    let is_plausible = |value: f64| {
        let limits = match measure.quantity {
            Quantity::RateBpm => 10.0..=350.0,
            Quantity::AtrialBpm => 10.0..=700.0,
            Quantity::PMv => 0.0..=1.5,
            Quantity::QrsMv => 0.0..=10.0,
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

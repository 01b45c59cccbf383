//! Numbers of an answer with their quantities and bounds.

use super::quantities::{Unit, quantity};
use super::text::{Clause, Token};
use crate::Quantity;

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
pub(super) enum Bound {
    Exact,
    Above,
    Below,
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
pub(super) fn interval(clause: &Clause, at: usize) -> Option<(f64, f64, usize)> {
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

/// What stands before the number: a limit, or nothing.
pub(super) fn bound(clause: &Clause, first: usize) -> Bound {
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
        // and so is "no complex exceeds".
        let before = if token.lower.starts_with("exceed") { 0 } else { i.saturating_sub(1) };
        // "None of the limb leads has a QRS exceeding 5 mm".
        let is_of_none =
            || clause[..first].iter().rev().take_while(|token| token.text != ",").any(|token| token.lower == "none");
        let is_denied = is_of_none()
            || window[before..i].iter().any(|token| ["not", "no", "never"].contains(&token.lower.as_str()));
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

//! Numbers of a text with what they are said of and what they measure: `Q`, time, 30 ms or more.

use super::numbers::{Bound, bound, interval};
use super::quantities::time;
use super::text::{Clause, Token};

/// What a unit measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    /// Milliseconds.
    Time,
    /// Millivolts.
    Size,
    /// Per minute.
    Rate,
    /// Degrees.
    Angle,
    /// One part by another.
    Ratio,
    /// Per cent.
    Share,
    /// Hertz.
    Frequency,
    /// Millimetres of paper per second.
    Speed,
    /// What no ECG shows, such as a pressure.
    Foreign,
}

/// A number or an interval that a text gives a part of the ECG.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    /// The part: `q`, `pause`; none if the text names none.
    pub subject: Option<&'static str>,
    pub dimension: Dimension,
    /// Infinite for "up to".
    pub low: f64,
    /// Infinite for "more than".
    pub high: f64,
    /// The noun right before the number says that it measures something else, as in "a rate of 5 mV".
    pub is_misnamed: bool,
    /// The words, for messages.
    pub said: String,
}

/// Words for the parts of an ECG that have a length, a height or a rate, by the one that stands for them.
const SUBJECTS: [(&str, &[&str]); 20] = [
    ("p", &["p"]),
    ("pr", &["pr", "p-r", "pq"]),
    ("qrs", &["qrs", "complex", "complexes"]),
    ("qt", &["qt", "qtc"]),
    ("q", &["q"]),
    ("r", &["r", "rs"]),
    ("s", &["s"]),
    ("st", &["st", "j"]),
    ("t", &["t"]),
    ("u", &["u"]),
    ("delta", &["delta"]),
    ("spike", &["spike", "spikes", "stimulus", "stimuli"]),
    ("cycle", &["rr", "pp", "r-r", "p-p", "cycle", "coupling"]),
    ("pause", &["pause", "pauses", "gap", "arrest", "asystole"]),
    ("peak", &["peak", "peaks", "intrinsicoid", "upstroke", "humps"]),
    ("terminal", &["terminal", "initial"]),
    ("rate", &["rate", "bpm", "rhythm", "tachycardia", "bradycardia"]),
    ("axis", &["axis", "vector"]),
    ("run", &["run", "runs", "episode", "salvo"]),
    ("box", &["square", "squares", "box", "boxes"]),
];

/// Nouns that say what a number measures.
const MEASURES: [(&[&str], Dimension); 4] = [
    (&["rate", "frequency"], Dimension::Rate),
    (&["axis"], Dimension::Angle),
    (&["amplitude", "amplitudes", "voltage", "voltages", "height", "elevation", "depression"], Dimension::Size),
    (&["duration", "interval", "intervals"], Dimension::Time),
];

/// The figures of a clause.
pub(super) fn figures(clause: &Clause) -> Vec<Figure> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < clause.len() {
        let Some((low, high, after)) = interval(clause, at) else {
            at += 1;
            continue;
        };
        let first = std::mem::replace(&mut at, after);
        let Some((dimension, factor, end)) = unit(clause, first, after) else { continue };
        let sign = |number: usize| if dimension == Dimension::Angle && is_minus(clause, number) { -1.0 } else { 1.0 };
        // "1 mV in men over 40 and 1.5 mV" is no interval.
        let low = if low > high && dimension != Dimension::Angle { high } else { low };
        let (low, high) = (low * factor * sign(first), high * factor * sign(after - 1));
        let (low, high) = (low.min(high), low.max(high));
        let (low, high) = match bound(clause, first) {
            Bound::Above if dimension != Dimension::Angle => (high, f64::INFINITY),
            Bound::Below if dimension != Dimension::Angle => (f64::NEG_INFINITY, low),
            _ => (low, high),
        };
        let said = &clause[first.saturating_sub(4)..end.min(clause.len())];
        let said = said.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
        // "ST depression 80 ms after the J point": a place, not a size.
        let is_place =
            clause.get(end).is_some_and(|token| ["after", "past", "from", "beyond"].contains(&token.lower.as_str()));
        let is_misnamed = !is_place && measure(clause, first).is_some_and(|named| !fits(named, dimension));
        let is_long = dimension == Dimension::Time
            && if high.is_finite() { high > LONGER_THAN_WAVES } else { low > LONGER_THAN_WAVES };
        let is_sum = dimension == Dimension::Size && is_sum(clause, first);
        let subject = if is_sum { Some("sum") } else { subject(clause, first, end, is_long) };
        found.push(Figure { subject, dimension, low, high, is_misnamed, said });
    }
    found
}

/// Whether a size is that of several waves: what stands between it and the number before it adds them up.
fn is_sum(clause: &[Token], first: usize) -> bool {
    const SUMS: [&str; 7] = ["plus", "+", "sum", "together", "combined", "add", "index"];
    let near = clause[..first].iter().rev().take_while(|token| token.number().is_none());
    near.into_iter().any(|token| SUMS.contains(&token.lower.as_str()))
}

fn is_minus(clause: &[Token], number: usize) -> bool {
    number > 0 && clause[number - 1].text == "-" && (number < 2 || clause[number - 2].number().is_none())
}

/// What the unit after a number measures, its factor, and the token after it.
fn unit(clause: &[Token], first: usize, after: usize) -> Option<(Dimension, f64, usize)> {
    use Dimension::{Angle, Foreign, Frequency, Rate, Ratio, Share, Size, Speed, Time};
    let lower = |i: usize| clause.get(i).map_or("", |token| token.lower.as_str());
    let is_per =
        |words: &[&str]| ["/", "per", "a", "every"].contains(&lower(after + 1)) && words.contains(&lower(after + 2));
    let one = |dimension, factor| Some((dimension, factor, after + 1));
    match lower(after) {
        "mm" if is_per(&["s", "sec", "second"]) => Some((Speed, 1.0, after + 3)),
        "mm" if lower(after + 1) == "·" => None,
        "mm" if lower(after + 1) == "hg" => Some((Foreign, 1.0, after + 2)),
        "m" | "v" | "mmhg" | "kg" | "mg" | "litres" | "liters" | "metres" | "meters" | "km" | "joules" | "volts"
        | "volt" | "kilovolts" | "kv" | "kpa" | "celsius" | "watts" => one(Foreign, 1.0),
        _ if time(clause, after).is_some() => time(clause, after).map(|(factor, end)| (Time, factor, end)),
        "mv" | "millivolt" | "millivolts" => one(Size, 1.0),
        "mm" | "millimetre" | "millimetres" | "millimeter" | "millimeters" => one(Size, 0.1),
        "cm" | "centimetre" | "centimetres" | "centimeter" | "centimeters" => one(Size, 1.0),
        "µv" | "μv" | "microvolt" | "microvolts" => one(Size, 0.001),
        "°" | "degree" | "degrees" => one(Angle, 1.0),
        "%" | "percent" => one(Share, 1.0),
        "hz" | "hertz" => one(Frequency, 1.0),
        "bpm" => one(Rate, 1.0),
        "beats" | "beat" | "times" | "impulses" | "waves" if is_per(&["min", "minute"]) => Some((Rate, 1.0, after + 3)),
        "beats" | "beat" | "times" | "impulses" | "waves" if is_per(&["s", "second"]) => Some((Rate, 60.0, after + 3)),
        "/" | "per" | "a" if ["min", "minute"].contains(&lower(after + 1)) => Some((Rate, 1.0, after + 2)),
        ":" | "-" => None,
        _ => is_ratio(&clause[first.saturating_sub(8)..first]).then_some((Ratio, 1.0, after)),
    }
}

/// Whether the tokens before a number speak of a ratio, such as R/S.
fn is_ratio(before: &[Token]) -> bool {
    let mut ends = before.windows(3);
    before.iter().any(|token| token.lower == "ratio") || ends.any(|three| three[1].text == "/" && three[0].lower == "r")
}

/// What the number measures by the noun of measure right before it.
fn measure(clause: &[Token], first: usize) -> Option<Dimension> {
    const BETWEEN: &[&str] = &[
        "of",
        "is",
        "a",
        "an",
        "about",
        "around",
        "over",
        "above",
        "below",
        "under",
        "to",
        "than",
        "more",
        "less",
        "between",
        "least",
        "most",
        "up",
        "exceeds",
        "exceeding",
        "measures",
        "lasts",
        "only",
        "approximately",
        "or",
        ">",
        "<",
        "≥",
        "≤",
        "-",
        "+",
        "was",
        "from",
        "and",
    ];
    let at = clause[..first].iter().rposition(|token| !BETWEEN.contains(&token.lower.as_str()))?;
    let noun = &clause[at];
    // "2.5 mm in height and 120 ms": the noun is that of the number before it.
    let is_taken = at > 2 && clause[at - 1].lower == "in" && clause[at - 3].number().is_some();
    if is_taken {
        return None;
    }
    MEASURES.iter().find(|(names, _)| names.contains(&noun.lower.as_str())).map(|(_, dimension)| *dimension)
}

/// Whether a noun of measure can be said of a dimension.
fn fits(named: Dimension, dimension: Dimension) -> bool {
    use Dimension::{Angle, Foreign, Frequency, Rate, Ratio, Share, Size, Speed, Time};
    match named {
        Rate => matches!(dimension, Rate | Share | Frequency | Speed),
        Angle => matches!(dimension, Angle),
        Size => !matches!(dimension, Rate | Angle | Foreign | Time),
        // An interval may be told in millimetres of paper.
        Time => matches!(dimension, Time | Share | Ratio | Rate | Size),
        _ => true,
    }
}

/// Words for a part of a wave.
const PARTS: [&str; 5] = ["terminal", "initial", "negative", "end", "force"];
/// Words that go with the time from one beat to another, or from the first to the last.
const BETWEEN_BEATS: [&str; 13] = [
    "stops",
    "stop",
    "expected",
    "apart",
    "separate",
    "separates",
    "between",
    "ends",
    "end",
    "within",
    "successive",
    "no",
    "neither",
];
/// No wave is as long, in milliseconds.
const LONGER_THAN_WAVES: f64 = 350.0;

/// The part of the ECG that a number is said of: the nearest before it, or else the one right after it.
fn subject(clause: &[Token], first: usize, end: usize, is_long: bool) -> Option<&'static str> {
    let named = |i: usize| {
        let joined = |letter: &str| {
            clause[i].lower == letter
                && clause.get(i + 1).is_some_and(|token| token.text == "-")
                && clause.get(i + 2).is_some_and(|token| token.lower == letter)
        };
        if joined("r") || joined("p") || i > 1 && clause[i - 1].text == "-" && clause[i - 2].lower == clause[i].lower {
            return Some("cycle");
        }
        let lower = clause[i].lower.as_str();
        SUBJECTS.iter().find(|(_, names)| names.contains(&lower)).map(|(subject, _)| *subject)
    };
    let after = || {
        let near =
            (end..clause.len()).take(4).take_while(|i| ![",", "and", "with"].contains(&clause[*i].lower.as_str()));
        near.filter_map(named).next()
    };
    let is = |token: &Token, words: &[&str]| words.contains(&token.lower.as_str());
    let is_part = || clause[..first].iter().any(|token| is(token, &PARTS));
    // "A QRS duration of 120 s" is of the QRS, however long.
    let beside = || {
        let near = clause[first.saturating_sub(6)..first].iter().rev().take_while(|token| token.text != ",");
        let near: Vec<&str> = near.map(|token| token.lower.as_str()).collect();
        near.iter().any(|word| ["duration", "interval"].contains(word))
    };
    let is_part = || is_part() || clause[end.min(clause.len())..].iter().take(4).any(|token| is(token, &PARTS));
    let subject = (0..first).rev().find_map(named).or_else(after);
    match subject {
        Some("p" | "pr" | "qrs" | "qt") if is_long && beside() => subject,
        // What lies between two beats is no wave, however it is put.
        Some(_) if is_long && clause.iter().any(|token| is(token, &BETWEEN_BEATS)) => Some("run"),
        // "A deep terminal part in V1 and a duration over 120 ms": of the part, or of the whole.
        Some("terminal" | "p") if is_part() && beside() => None,
        Some("p") if is_part() => Some("terminal"),
        subject => subject,
    }
}

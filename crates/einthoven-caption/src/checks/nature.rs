//! Limits that hold for every ECG, and those that the text of the pages sets beside the limits of their front matter.

use super::dimensions::{Dimension, Figure, figures};
use super::numbers::{Measure, measures};
use super::says::Says;
use super::text::Clause;
use crate::Quantity;

/// How far a number may lie from the pages', relative to it: guidelines differ.
const LENIENCE: f64 = 0.34;

/// What each part of an ECG can measure: from the least that can be seen to more than was ever recorded.
const LIMITS: &[(&str, Dimension, f64, f64)] = &[
    ("p", Dimension::Time, 20.0, 300.0),
    ("pr", Dimension::Time, 30.0, 1000.0),
    ("qrs", Dimension::Time, 30.0, 250.0),
    ("qt", Dimension::Time, 150.0, 900.0),
    ("q", Dimension::Time, 12.0, 200.0),
    ("r", Dimension::Time, 10.0, 250.0),
    ("s", Dimension::Time, 10.0, 250.0),
    ("st", Dimension::Time, 10.0, 600.0),
    ("t", Dimension::Time, 40.0, 800.0),
    ("delta", Dimension::Time, 10.0, 150.0),
    ("cycle", Dimension::Time, 10.0, 20_000.0),
    ("pause", Dimension::Time, 200.0, 60_000.0),
    ("peak", Dimension::Time, 10.0, 250.0),
    ("spike", Dimension::Time, 0.05, 40.0),
    ("p", Dimension::Size, 0.03, 1.5),
    ("st", Dimension::Size, 0.02, 2.5),
    ("t", Dimension::Size, 0.02, 3.5),
    ("u", Dimension::Size, 0.01, 1.5),
    ("q", Dimension::Size, 0.02, 5.0),
    ("r", Dimension::Size, 0.02, 8.0),
    ("s", Dimension::Size, 0.02, 8.0),
    ("qrs", Dimension::Size, 0.02, 10.0),
];

/// The same for a dimension, whatever it is said of.
fn widest(dimension: Dimension) -> (f64, f64) {
    match dimension {
        // Up to a minute of recording.
        Dimension::Time => (0.1, 120_000.0),
        Dimension::Size => (0.005, 10.0),
        // Fibrillating atria are the fastest.
        Dimension::Rate => (2.0, 700.0),
        Dimension::Angle => (-270.0, 360.0),
        Dimension::Ratio => (0.0, 50.0),
        Dimension::Share => (0.0, 300.0),
        Dimension::Frequency => (0.01, 1000.0),
        Dimension::Speed => (5.0, 200.0),
        Dimension::Foreign => (f64::INFINITY, f64::NEG_INFINITY),
    }
}

/// No ventricle is faster, in beats per minute.
const FASTEST_VENTRICLES: f64 = 600.0;

/// The first number that no ECG can have: its words, and what is possible.
pub(super) fn impossible(direct: &[Clause]) -> Option<(String, String)> {
    const POSSIBLE: &str = "no ECG has such a value";
    let is_too_fast = |measure: &Measure| {
        measure.quantity == Quantity::RateBpm && measure.high.is_finite() && measure.high > FASTEST_VENTRICLES
    };
    if let Some(measure) = direct.iter().flat_map(measures).find(is_too_fast) {
        return Some((measure.said, POSSIBLE.to_owned()));
    }
    direct.iter().flat_map(figures).find_map(|figure| {
        if figure.is_misnamed || figure.dimension == Dimension::Foreign {
            return Some((figure.said, "the unit must fit what is measured".to_owned()));
        }
        let known =
            LIMITS.iter().find(|(part, dimension, ..)| Some(*part) == figure.subject && *dimension == figure.dimension);
        let (low, high) = known.map_or_else(|| widest(figure.dimension), |(_, _, low, high)| (*low, *high));
        let is_within = |value: f64| !value.is_finite() || (low..=high).contains(&value);
        (!is_within(figure.low) || !is_within(figure.high)).then(|| (figure.said, POSSIBLE.to_owned()))
    })
}

/// The first number that contradicts all that the pages say of the same part: its words, and what they say.
pub(super) fn contradicts(direct: &[Clause], says: &[&Says]) -> Option<(String, String)> {
    // Rates and angles have limits in the front matter; what comes and goes has no length of its own.
    let is_compared = |figure: &Figure| {
        let is_part =
            figure.subject.is_some_and(|part| !["rate", "axis", "run", "cycle", "box", "spike"].contains(&part));
        is_part && matches!(figure.dimension, Dimension::Time | Dimension::Size | Dimension::Ratio)
    };
    let said: Vec<Figure> = direct.iter().flat_map(figures).filter(is_compared).collect();
    if said.is_empty() {
        return None;
    }
    let known: Vec<&Figure> = says.iter().flat_map(|says| &says.figures).collect();
    said.into_iter().find_map(|figure| {
        let same = |other: &&&Figure| other.subject == figure.subject && other.dimension == figure.dimension;
        let mut alike = known.iter().filter(same).peekable();
        let first = alike.peek()?.said.clone();
        (!alike.any(|other| agree(&figure, other))).then_some((figure.said.clone(), first))
    })
}

/// Whether a number can be meant where the pages say another.
fn agree(said: &Figure, known: &Figure) -> bool {
    let (low, high) = (known.low - known.low.abs() * LENIENCE, known.high + known.high.abs() * LENIENCE);
    let within = |value: f64| (low..=high).contains(&value);
    match (said.low.is_finite(), said.high.is_finite()) {
        (true, false) => within(said.low),
        (false, true) => within(said.high),
        _ => said.low <= high && said.high >= low,
    }
}

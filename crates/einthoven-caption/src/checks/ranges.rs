//! Whether a measure can hold with the limits of the pages.

use super::numbers::Measure;
use crate::{Page, Quantity, Range};

/// How far a stated limit may lie from the page's, relative to it: guidelines round differently.
const LENIENCE: f64 = 0.15;
/// The same for a single value, which is no limit and has to lie within the page's.
const LENIENCE_OF_VALUES: f64 = 0.05;
/// The same for angles, in degrees.
const LENIENCE_DEGREES: f64 = 15.0;

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
        Quantity::RunS => ("a run", " s"),
        Quantity::PauseS => ("a pause", " s"),
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
            Quantity::RateBpm => 10.0..=600.0,
            Quantity::AtrialBpm => 10.0..=700.0,
            Quantity::PMv => 0.0..=1.5,
            Quantity::QrsMv => 0.0..=10.0,
            Quantity::PMs => 20.0..=250.0,
            Quantity::PrMs => 40.0..=600.0,
            Quantity::QrsMs => 40.0..=300.0,
            Quantity::QtcMs => 200.0..=800.0,
            Quantity::AxisDeg => -180.0..=270.0,
            Quantity::RunS | Quantity::PauseS => 0.0..=100_000.0,
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

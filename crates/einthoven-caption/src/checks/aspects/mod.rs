//! The things of which a text can say one thing or the opposite, and the words for it.

mod beats;
mod rhythms;
mod waves;
mod wholes;

use std::sync::LazyLock;

/// Something of which a text says one thing or the opposite.
#[derive(Clone, Copy)]
pub(super) struct Aspect {
    /// What it is called in messages.
    pub name: &'static str,
    /// What it is called in texts.
    pub nouns: &'static [&'static str],
    /// Beginnings of the words for the one and for the other, said beside the noun.
    pub poles: [&'static [&'static str]; 2],
    /// Phrases for the one and for the other.
    pub phrases: [&'static [&'static str]; 2],
}

/// What is looked at.
pub(super) static ASPECTS: LazyLock<Vec<Aspect>> =
    LazyLock::new(|| [waves::WAVES, rhythms::RHYTHMS, beats::BEATS, wholes::WHOLES].concat());

/// Aspects of which only the pages speak that are named after the noun: waves are healthy in passing on many others.
pub(super) const OF_NAMES: [&str; 3] =
    ["the health of the ST segment", "the health of the T wave", "the health of the P wave"];

/// The aspect that the limits of the pages' front matter tell, and not their text.
pub(super) const OF_LIMITS: &str = "the width of the P wave";

/// The nouns to which a word may belong.
pub(super) const NOUNS: &[&str] = &[
    "st",
    "t",
    "p",
    "q",
    "r",
    "s",
    "u",
    "pr",
    "p-r",
    "qt",
    "qtc",
    "qrs",
    "complex",
    "complexes",
    "rate",
    "response",
    "rhythm",
    "rr",
    "pp",
    "p-p",
    "r-r",
    "voltage",
    "voltages",
    "amplitude",
    "amplitudes",
    "axis",
    "progression",
    "transition",
    "pause",
    "duration",
    "ventricles",
    "ventricular",
    "intervals",
    "ratio",
    "fires",
    "respond",
    "discharges",
    "beat",
    "beats",
    "pulse",
    "potassium",
    "calcium",
    "intrinsicoid",
    "peak",
    "extrasystole",
    "extrasystoles",
    "undulations",
];

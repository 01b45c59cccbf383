//! 200 statements of machine reports whose readings were judged by hand.
//!
//! `data/machine-statements.tsv` holds each statement, what was read in it, and the verdict: `right`, `incomplete` (true,
//! but not all that is said), `wrong side`, `wrong wall` or `wrong polarity` (said to be there but denied, or the other way).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{KNOWLEDGE, data, line};

const CHECKED: &str = include_str!("data/machine-statements.tsv");

/// Statements in the sample.
const SAMPLE: usize = 200;

/// Statement, reading, verdict.
fn rows() -> impl Iterator<Item = [&'static str; 3]> {
    CHECKED.lines().skip(1).map(|row| row.split('\t').collect::<Vec<_>>().try_into().unwrap())
}

#[test]
fn statements_are_read_as_they_were_when_judged() {
    let changed: Vec<String> = rows()
        .map(|[statement, judged, _]| (statement, judged, line(&KNOWLEDGE.read(statement))))
        .filter(|(_, judged, read)| judged != read)
        .map(|(statement, judged, read)| format!("{statement}\t{read}\tbefore: {judged}"))
        .collect();
    assert!(changed.is_empty(), "judge these again:\n{}", changed.join("\n"));
}

#[test]
fn no_reading_is_wrong() {
    let count = |verdict: &str| rows().filter(|[.., found]| *found == verdict).count();
    println!("{} right, {} incomplete of {SAMPLE}", count("right"), count("incomplete"));
    assert_eq!(count("right") + count("incomplete"), SAMPLE);
}

/// The sample is drawn by a rule, not chosen: a prime spreads it over the list.
#[test]
fn the_sample_is_drawn_from_the_whole_list() {
    let Some(path) = data("mimic-iv-ecg-statements/statements.txt") else { return };
    let statements = std::fs::read_to_string(path).unwrap();
    let statements: Vec<&str> = statements.lines().collect();
    let drawn = (0..statements.len()).filter(|place| place * 7919 % statements.len() < SAMPLE);
    let drawn: Vec<&str> = drawn.map(|place| statements[place]).collect();
    let checked: Vec<&str> = rows().map(|[statement, ..]| statement).collect();
    assert_eq!(checked, drawn);
}

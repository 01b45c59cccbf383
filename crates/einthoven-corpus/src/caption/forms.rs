//! The forms of a caption.

use einthoven_signal::measure::Measurements;

use super::{Age, CaptionConfig, CaptionTemplate};
use crate::Entry;

/// What was measured and is said: its name and its value with the unit.
pub(super) type Number = (&'static str, String);

/// The numbers of a caption, rounded: heart rate, PR interval, QRS duration, QTc after Bazett, QRS axis. Those that could
/// not be measured are left out.
pub(super) fn numbers(measured: &Measurements) -> Vec<Number> {
    let Measurements { rate, intervals, axes, .. } = measured;
    let numbers = [
        ("heart rate", rate.heart_rate, "bpm"),
        ("PR interval", intervals.pr_ms, "ms"),
        ("QRS duration", intervals.qrs_ms, "ms"),
        ("QTc", intervals.qtc_bazett_ms, "ms"),
        ("QRS axis", axes.qrs, "degrees"),
    ];
    let rounded = |(name, value, unit): (_, Option<f64>, _)| {
        // As an integer, so that there is no -0.
        let value = value.filter(|value| value.is_finite())?.round() as i64;
        Some((name, format!("{value} {unit}")))
    };
    numbers.into_iter().filter_map(rounded).collect()
}

/// The caption in the form that `config` asks for; none without a statement.
pub(super) fn caption(
    config: &CaptionConfig,
    entry: &Entry,
    numbers: &[Number],
    descriptions: &impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let described = || config.asked(entry).iter().filter_map(|asked| descriptions(asked)).collect::<Vec<_>>();
    match config.template {
        CaptionTemplate::Esi => esi(entry, config.age, numbers, &described()),
        CaptionTemplate::Findings => findings(entry, numbers),
        CaptionTemplate::Narrative => narrative(entry, config.age, numbers, &described()),
    }
}

/// The caption in ESI's form (arXiv 2405.19366); none without a statement.
///
/// ```text
/// This patient is a 63 year-old female. ECG Findings: sinus rhythm, left ventricular hypertrophy. Measurements: heart rate 71 bpm.
/// Potential ECG waveforms:·
/// <what sinus rhythm looks like>
/// <what left ventricular hypertrophy looks like>
/// ```
///
/// (`·` is a space.) Each description has a line; without any the second part is left off, and so are the measurements, which are not of the
/// published form. What is not known of age and sex is not said.
fn esi(entry: &Entry, age: Age, numbers: &[Number], described: &[String]) -> Option<String> {
    let findings = findings(entry, &[])?;
    let mut caption = match patient(entry, age) {
        Some(patient) => format!("{patient} ECG Findings: {findings}."),
        None => format!("ECG Findings: {findings}."),
    };
    if !numbers.is_empty() {
        let list: Vec<String> = numbers.iter().map(|(name, value)| format!("{name} {value}")).collect();
        caption.push_str(&format!(" Measurements: {}.", list.join(", ")));
    }
    if !described.is_empty() {
        caption.push_str("\nPotential ECG waveforms: ");
    }
    for description in described {
        caption.push('\n');
        // A line each, whatever the description holds.
        caption.push_str(&one_line(description));
    }
    Some(caption)
}

/// The statements alone, and the measurements: `sinus rhythm, left ventricular hypertrophy, heart rate 71 bpm`; none without
/// a statement.
fn findings(entry: &Entry, numbers: &[Number]) -> Option<String> {
    let numbers = numbers.iter().map(|(name, value)| format!("{name} {value}"));
    let all: Vec<String> = entry.statements.iter().cloned().chain(numbers).collect();
    (!entry.statements.is_empty()).then(|| all.join(", "))
}

/// The caption as sentences; none without a statement.
///
/// ```text
/// The ECG of a 63 year-old female patient shows sinus rhythm and left ventricular hypertrophy, with a heart rate of 71 bpm and a PR
/// interval of 160 ms. <What sinus rhythm looks like.> <What left ventricular hypertrophy looks like.>
/// ```
///
/// What is not known of age and sex, and what could not be measured, is not said.
fn narrative(entry: &Entry, age: Age, numbers: &[Number], described: &[String]) -> Option<String> {
    if entry.statements.is_empty() {
        return None;
    }
    let years = years(entry, age).map(|years| format!("{years} year-old"));
    let sex = entry.sex.map(|sex| sex.to_string());
    let known: Vec<String> = years.into_iter().chain(sex).collect();
    let whose = match known.as_slice() {
        [] => String::new(),
        _ => format!(" of {} {} patient", article(&known[0]), known.join(" ")),
    };
    let mut caption = format!("The ECG{whose} shows {}", listed(&entry.statements));
    if !numbers.is_empty() {
        let list: Vec<String> = numbers.iter().map(|(name, value)| format!("a {name} of {value}")).collect();
        caption.push_str(&format!(", with {}", listed(&list)));
    }
    caption.push('.');
    for description in described {
        let sentence = one_line(description);
        caption.push(' ');
        caption.push_str(&sentence);
        if !sentence.ends_with(['.', '!', '?']) {
            caption.push('.');
        }
    }
    Some(caption)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `a, b and c`.
fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The article before a word, or before an age in figures: an eleven, eighteen or eighty year-old.
fn article(word: &str) -> &'static str {
    let figures: String = word.chars().take_while(char::is_ascii_digit).collect();
    if figures.starts_with('8') || figures == "11" || figures == "18" { "an" } else { "a" }
}

/// The age, as closely as it is to be given.
fn years(entry: &Entry, age: Age) -> Option<String> {
    let years = entry.age?;
    match (age, years) {
        // Exact ages of 90 and more identify people.
        (_, 90..) => Some("90+".to_owned()),
        (Age::Years, _) => Some(years.to_string()),
        (Age::Decades, _) => Some(format!("{} to {}", years / 10 * 10, years / 10 * 10 + 9)),
    }
}

/// A sentence of what is known of age and sex.
fn patient(entry: &Entry, age: Age) -> Option<String> {
    match (years(entry, age), entry.sex) {
        (Some(age), Some(sex)) => Some(format!("This patient is a {age} year-old {sex}.")),
        (Some(age), None) => Some(format!("This patient is {age} years old.")),
        (None, Some(sex)) => Some(format!("This patient is {sex}.")),
        (None, None) => None,
    }
}

//! The checks on labelled answers, on the published dictionary's kinds of fault, and on our own captions.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::{KNOWLEDGE, data};
use einthoven_caption::Section;
use einthoven_caption::checks::{Checks, FaultKind, check};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// A labelled answer: see `tests/answers/README.md` and, of the sets after it and how they came out, `tests/answers-fresh/README.md`.
#[derive(Deserialize)]
struct Answer {
    #[serde(skip)]
    label: String,
    statement: String,
    answer: String,
}

impl Answer {
    /// Whether it is of the half that the checks were not written on.
    fn is_held_out(&self) -> bool {
        Sha256::digest(format!("{}\n{}", self.statement, self.answer))[0] % 2 == 1
    }
}

fn answers(folder: &str) -> Vec<Answer> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    let answers = files.iter().flat_map(|path| {
        let label = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).unwrap();
        let parse = |line: &str| Answer { label: label.clone(), ..serde_json::from_str(line).unwrap() };
        text.lines().map(parse).collect::<Vec<_>>()
    });
    answers.collect()
}

/// The share of good answers that are faulted, and of bad answers that are found.
fn rates(answers: &[&Answer], checks: &Checks<'_>) -> (f64, f64) {
    let share = |answers: Vec<&&Answer>| {
        let faulted =
            answers.iter().filter(|answer| !checks.check(&answer.statement, &answer.answer).is_empty()).count();
        faulted as f64 / answers.len() as f64
    };
    let (good, bad) = answers.iter().partition(|answer| answer.label == "good");
    (share(good), share(bad))
}

/// The half that the checks were not written on must do as well as the rules promise; of the other half, what fails is shown.
#[test]
fn bad_answers_are_found_and_good_ones_pass() {
    let answers = answers("answers");
    assert!(answers.len() >= 300);
    let checks = Checks::new(&KNOWLEDGE);
    let (held_out, known): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| answer.is_held_out());
    for answer in &known {
        let faults = checks.check(&answer.statement, &answer.answer);
        let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults.is_empty(), answer.label == "good", "{} | {}: {said:?}", answer.statement, answer.answer);
    }
    for (name, half) in [("known", known), ("held-out", held_out)] {
        let (alarms, recall) = rates(&half, &checks);
        println!("{name} half, {} answers: recall of bad {recall:.3}, false alarms on good {alarms:.3}", half.len());
        assert!(recall >= 0.95 && alarms <= 0.05);
    }
}

/// Asserts the floors of a set that was written without a look at the checks; prints what is misjudged.
fn judge(folder: &str, least: usize, recall_floor: f64, alarms_ceiling: f64) {
    let answers = answers(folder);
    assert!(answers.len() >= least);
    let checks = Checks::new(&KNOWLEDGE);
    for answer in &answers {
        let faults = checks.check(&answer.statement, &answer.answer);
        if faults.is_empty() != (answer.label == "good") {
            let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
            println!("    {} | {} | {}: {said:?}", answer.label, answer.statement, answer.answer);
        }
    }
    let labels: BTreeSet<&str> =
        answers.iter().map(|answer| answer.label.as_str()).filter(|label| *label != "good").collect();
    for label in labels {
        let (_, recall) = rates(&answers.iter().filter(|answer| answer.label == label).collect::<Vec<_>>(), &checks);
        println!("    {label}: recall {recall:.3}");
    }
    let (alarms, recall) = rates(&answers.iter().collect::<Vec<_>>(), &checks);
    println!("{folder}, {} answers: recall of bad {recall:.3}, false alarms on good {alarms:.3}", answers.len());
    assert!(recall >= recall_floor && alarms <= alarms_ceiling);
}

#[test]
fn fresh_answers_are_judged_as_well() {
    judge("answers-fresh", 160, 0.98, 0.01);
}

#[test]
fn second_answers_are_judged_as_well() {
    judge("answers-second", 220, 0.99, 0.01);
}

#[test]
fn third_answers_are_judged_as_well() {
    judge("answers-third", 220, 0.97, 0.01);
}

#[test]
fn fourth_answers_are_judged_as_well() {
    judge("answers-fourth", 220, 0.98, 0.02);
}

/// On its first run: 0.948 and 0.024. It has since shown what to mend, and is untouched no longer.
#[test]
fn fifth_answers_are_judged_as_well() {
    judge("answers-fifth", 220, 0.98, 0.02);
}

/// On its first run: 0.751 and 0.042. Its author had not seen the rules.
#[test]
fn sixth_answers_are_judged_as_well() {
    judge("answers-sixth", 280, 0.95, 0.03);
}

/// On its first run: 0.878 and 0.043. Its authors had not seen the rules.
#[test]
fn seventh_answers_are_judged_as_well() {
    judge("answers-seventh", 320, 0.97, 0.02);
}

/// On its first run: 0.928 and 0.057. Its authors had not seen the rules.
#[test]
fn eighth_answers_are_judged_as_well() {
    judge("answers-eighth", 320, 0.98, 0.02);
}

/// On its first run: 0.950 and 0.036. Its authors had not seen the rules.
#[test]
fn ninth_answers_are_judged_as_well() {
    judge("answers-ninth", 320, 0.98, 0.01);
}

/// On its first run: 0.922 and 0.029. Its authors had not seen the rules.
#[test]
fn tenth_answers_are_judged_as_well() {
    judge("answers-tenth", 320, 0.96, 0.03);
}

/// On its first run: 0.939 and 0.014. Its authors had not seen the rules.
#[test]
fn eleventh_answers_are_judged_as_well() {
    judge("answers-eleventh", 320, 0.96, 0.02);
}

/// On its first run: 0.933 and 0.021. Its authors had not seen the rules.
#[test]
fn twelfth_answers_are_judged_as_well() {
    judge("answers-twelfth", 320, 0.98, 0.01);
}

/// On its first run: 0.956 and 0.050. Its authors had not seen the rules.
#[test]
fn thirteenth_answers_are_judged_as_well() {
    judge("answers-thirteenth", 320, 0.98, 0.01);
}

/// On its first run: 0.967 and 0.043. Its authors had not seen the rules.
#[test]
fn fourteenth_answers_are_judged_as_well() {
    judge("answers-fourteenth", 320, 0.98, 0.01);
}

/// On its first run: 0.950 and 0.057. Its authors had not seen the rules.
#[test]
fn fifteenth_answers_are_judged_as_well() {
    judge("answers-fifteenth", 320, 0.98, 0.01);
}

/// On its first run: 0.944 and 0.029. Its authors had not seen the rules.
#[test]
fn sixteenth_answers_are_judged_as_well() {
    judge("answers-sixteenth", 320, 0.97, 0.01);
}

/// Nothing has been mended by it, so that its first run is what the checks are worth: 0.956 and 0.007.
#[test]
fn seventeenth_answers_are_judged_as_well() {
    judge("answers-seventeenth", 320, 0.95, 0.05);
}

/// The published dictionary holds refusals, other conditions than the key's, and administrative remarks described as diseases.
#[test]
fn the_faults_of_the_published_dictionary_are_found() {
    let checks = Checks::new(&KNOWLEDGE);
    for (statement, answer, kind) in [
        (
            "Atrial flutter",
            "The context does not provide information about how atrial flutter is reflected in the ECG.",
            FaultKind::Refusal,
        ),
        (
            "Left axis deviation",
            "Premature ventricular contractions are broad QRS complexes without a preceding P wave and with a compensatory pause.",
            FaultKind::OffTopic,
        ),
        (
            "INTERPRETATION MADE WITHOUT KNOWING PATIENT'S GENDER/AGE",
            "This is reflected in the ECG as left ventricular hypertrophy with ST depression and T wave inversion.",
            FaultKind::OffTopic,
        ),
    ] {
        let faults = checks.check(statement, answer);
        assert!(faults.iter().any(|fault| fault.kind() == kind), "{statement}: {faults:?}");
    }
}

#[test]
fn faults_can_be_given_back_as_reasons() {
    let reason = |statement: &str, answer: &str| {
        let faults = check(statement, answer, &KNOWLEDGE);
        faults.iter().map(|fault| format!("{}: {fault}", fault.kind())).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        reason("Inferior infarct", "The infarct has left Q waves of 30 ms or more in V1 to V4."),
        "contradiction: the answer contradicts inferior myocardial infarction: `The infarct has left Q waves of 30 ms or more in V1 to …`"
    );
    assert_eq!(
        reason("First degree AV block", "The PR interval is constant and measures 110 ms."),
        "out of range: the answer says `is constant and measures 110 ms`, where first degree AV block has a PR interval of 200 ms or more"
    );
    assert_eq!(
        reason("Sinus rhythm", "P waves are upright in II and come before every QRS complex with a"),
        "cut: the answer is cut off after `QRS complex with a`"
    );
    assert_eq!(reason("an unheard-of statement", "Nothing is known of this one here, but it reads well."), "");
    assert_eq!(reason("Sinus rhythm", "\u{0}…\u{202e}"), "empty: the answer is empty");
}

/// Our own captions are good answers, and so is what the pages say at length.
#[test]
fn pages_pass_their_own_checks() {
    let checks = Checks::new(&KNOWLEDGE);
    for page in KNOWLEDGE.pages() {
        for section in [Section::Waveform, Section::OnTheEcg] {
            let faults = checks.check(&page.name, page.section(section));
            assert!(faults.is_empty(), "{}: {faults:?}", page.name);
        }
    }
}

#[test]
fn machine_reports_get_captions_that_pass() {
    let Some(path) = data("mimic-iv-ecg-statements/statements.txt") else { return };
    let checks = Checks::new(&KNOWLEDGE);
    let text = std::fs::read_to_string(path).unwrap();
    let (mut passed, mut left) = (0, Vec::new());
    for statement in text.lines() {
        let reason = match KNOWLEDGE.describe(statement) {
            None => Some("no caption: not wholly understood, or denied".to_owned()),
            Some(caption) => checks.check(statement, &caption).first().map(ToString::to_string),
        };
        match reason {
            None => passed += 1,
            Some(reason) => left.push(format!("{statement}: {reason}")),
        }
    }
    left.iter().for_each(|line| println!("{line}"));
    println!("{passed} statements of {} get a caption that passes", passed + left.len());
    assert!(passed * 100 >= (passed + left.len()) * 95);
}

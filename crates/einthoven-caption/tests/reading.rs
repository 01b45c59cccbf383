//! Reading the statements of machine reports.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;

use common::{KNOWLEDGE, data, line, sides, tokens, walls};
use einthoven_caption::{Reading, Wall};

#[test]
fn statements_are_read() {
    for (statement, expected) in [
        ("Sinus rhythm with 1st degree A-V block.", "sinus-rhythm first-degree-av-block"),
        ("Inferior infarct - age undetermined", "inferior-myocardial-infarction"),
        ("Possible inferior infarct, old", "inferior-myocardial-infarction? old-myocardial-infarction?"),
        (
            "CONSIDER RECENT INFERIOR AND ANTEROSEPTAL INFARCTION",
            "recent-myocardial-infarction? inferior-myocardial-infarction? anteroseptal-myocardial-infarction?",
        ),
        (
            "Inferior and lateral ST elevation, CONSIDER ACUTE INFARCT",
            "non-specific-st-elevation[lateral inferior] acute-myocardial-infarction?[lateral inferior]",
        ),
        (
            "Inferior/lateral T changes may be due to myocardial ischemia",
            "t-wave-abnormality[lateral inferior] ischemic-st-t-changes-in-inferolateral-leads?",
        ),
        ("Borderline ST depression, diffuse leads", "non-specific-st-depression[diffuse]"),
        ("Baseline wander in lead(s) II,III,aVF", "baseline-wander[II III aVF]"),
        ("Artifact in lead(s) I,aVR and baseline wander in lead(s) V2,V3", "artifact[I aVR] baseline-wander[V2 V3]"),
        ("Suspect limb lead reversal - only V1-V6 analyzed", "limb-lead-reversal?"),
        ("RBBB and LAFB", "complete-right-bundle-branch-block left-anterior-fascicular-block"),
        ("LAD, consider LAFB", "left-axis-deviation left-anterior-fascicular-block?"),
        (
            "Atrial fibrillation with PVCs or aberrant ventricular conduction",
            "atrial-fibrillation ventricular-premature-complex? aberrant-ventricular-conduction?",
        ),
        ("Possible atrial flutter with rapid ventricular response", "atrial-flutter? rapid-ventricular-response"),
        (
            "EXTENSIVE INFARCTION WITH ACUTE CHANGES IN THE LATERAL LEADS",
            "extensive-myocardial-infarction acute-myocardial-infarction[lateral]",
        ),
        (
            "CHANGES V3-V4 ARE PROBABLY DUE TO LEFT VENTRICULAR HYPERTROPHY BUT CONSIDER ANTERIOR INFARCTION",
            "left-ventricular-hypertrophy~ anterior-myocardial-infarction?",
        ),
        (
            "multifocal interpolated PVCs",
            "multiform-ventricular-premature-complexes interpolated-ventricular-premature-complex",
        ),
        ("Inferior-posterior infarct , age undetermined", "inferoposterior-myocardial-infarction"),
        (
            "ST elevation in V1 to V3 with reciprocal ST depression in II, III, aVF",
            "non-specific-st-elevation[V1 V2 V3] non-specific-st-depression[II III aVF]",
        ),
        (
            "Atrial fibrillation with premature ventricular or aberrantly conducted complexes",
            "atrial-fibrillation ventricular-premature-complex? aberrant-ventricular-conduction?",
        ),
        (
            "Marked ST abnormality, possible inferior subendocardial injury",
            "non-specific-st-changes subendocardial-injury-in-inferior-leads?",
        ),
        ("blue moon infarct", "myocardial-infarction <blue> <moon>"),
        ("", ""),
    ] {
        assert_eq!(line(&KNOWLEDGE.read(statement)), expected, "{statement}");
    }
}

#[test]
fn denial_is_understood() {
    for (statement, expected) in [
        ("No ST elevation, T wave inversion", "non-specific-st-elevation! inverted-t-waves"),
        ("no evidence of acute anterior infarct", "acute-myocardial-infarction! anterior-myocardial-infarction!"),
        ("Sinus rhythm without atrial fibrillation", "sinus-rhythm atrial-fibrillation!"),
        ("Left bundle branch block is ruled out", "complete-left-bundle-branch-block!"),
        ("Neither ST elevation nor T wave inversion", "non-specific-st-elevation! inverted-t-waves!"),
        ("No ST elevation or depression", "non-specific-st-elevation! non-specific-st-depression!"),
        ("T wave inversion no longer evident in Inferior leads", "inverted-t-waves![inferior]"),
        (
            "Old inferior infarct, no acute changes",
            "old-myocardial-infarction inferior-myocardial-infarction acute-myocardial-infarction!",
        ),
        ("Cannot rule out anterior infarct", "anterior-myocardial-infarction?"),
        ("Anteroseptal infarction cannot be excluded", "anteroseptal-myocardial-infarction?"),
        ("No LVH but left atrial enlargement", "left-ventricular-hypertrophy! left-atrial-overload-or-enlargement"),
    ] {
        assert_eq!(line(&KNOWLEDGE.read(statement)), expected, "{statement}");
    }
    assert_eq!(KNOWLEDGE.describe("no evidence of acute anterior infarct"), None);
    let text = KNOWLEDGE.describe("No ST elevation, T wave inversion").unwrap();
    assert_eq!(text, KNOWLEDGE.describe("inverted T waves").unwrap());
}

#[test]
fn places_are_described() {
    let text = KNOWLEDGE.describe("Inferior + septal ST elevation").unwrap();
    assert!(text.ends_with(" This concerns the septal leads V1 and V2; the inferior leads II, III and aVF."), "{text}");
    let text = KNOWLEDGE.describe("Artifact in lead(s) V3").unwrap();
    assert!(text.ends_with(" This concerns lead V3."), "{text}");
    assert_eq!(KNOWLEDGE.describe("blue moon infarct"), None);
}

#[test]
fn any_text_is_read_in_time() {
    for text in ["\u{0}", "🫀 ST", "V", "v9-v1", "2:", ":", "'", "-", "V1-V", "İ", "or or or", "with with"] {
        KNOWLEDGE.read(text);
        KNOWLEDGE.read(&text.repeat(5000));
    }
}

fn statements() -> Option<String> {
    Some(std::fs::read_to_string(data("mimic-iv-ecg-statements/statements.txt")?).unwrap())
}

#[test]
fn machine_reports_are_covered() {
    let Some(statements) = statements() else { return };
    let (read, rest): (Vec<&str>, Vec<&str>) =
        statements.lines().partition(|statement| KNOWLEDGE.read(statement).is_complete());
    let share = read.len() as f64 / (read.len() + rest.len()) as f64;
    println!("{} of {} statements read ({:.1} %); the rest:", read.len(), read.len() + rest.len(), 100.0 * share);
    rest.iter().for_each(|statement| println!("  {statement} -> {}", line(&KNOWLEDGE.read(statement))));
    assert!(share >= 0.95);
    assert!(read.iter().all(|statement| KNOWLEDGE.describe(statement).is_some()));
}

/// The walls of the findings, as pages or as places.
fn found_walls(reading: &Reading<'_>) -> BTreeSet<Wall> {
    reading.findings.iter().flat_map(|finding| finding.page.walls.union(&finding.location.walls)).copied().collect()
}

#[test]
fn no_machine_report_is_put_on_a_wrong_wall() {
    let Some(statements) = statements() else { return };
    let mut checked = 0;
    for statement in statements.lines() {
        let reading = KNOWLEDGE.read(statement);
        // Loss of R in the anterior leads is a page without walls of its own.
        let named = if statement.starts_with("Ant R decrease") { [Wall::Lateral].into() } else { walls(statement) };
        checked += usize::from(!named.is_empty());
        assert_eq!(found_walls(&reading), named, "{statement}: {}", line(&reading));
    }
    assert!(checked > 300, "{checked}");
}

#[test]
fn no_machine_report_is_put_on_a_wrong_side() {
    let Some(statements) = statements() else { return };
    let mut checked = 0;
    for statement in statements.lines() {
        let reading = KNOWLEDGE.read(statement);
        let named = sides(statement);
        if named.is_empty() {
            continue;
        }
        checked += 1;
        let names: BTreeSet<_> = reading.findings.iter().flat_map(|finding| sides(&finding.page.name)).collect();
        assert!(names.is_subset(&named), "{statement}: {}", line(&reading));
        let known: BTreeSet<_> = reading
            .findings
            .iter()
            .flat_map(|finding| KNOWLEDGE.ancestors(finding.page).into_iter().chain([finding.page.slug.as_str()]))
            .filter_map(|slug| KNOWLEDGE.page(slug))
            .flat_map(|page| page.synonyms.iter().chain([&page.name]))
            .flat_map(|name| sides(name))
            .collect();
        assert!(named.is_subset(&known), "{statement}: {}", line(&reading));
    }
    assert!(checked > 80, "{checked}");
}

#[test]
fn no_machine_report_is_turned_round() {
    let Some(statements) = statements() else { return };
    // A word of the statement, signs of which the description must have one, signs that it must not have, and words that
    // allow them after all.
    type Rule = (&'static [&'static str], &'static [&'static str], &'static [&'static str], &'static [&'static str]);
    let rules: [Rule; 11] = [
        (&["elevation", "elev"], &["elevated", "lies 0.1 mV or more above"], &[], &[]),
        (&["depression", "depr"], &["0.05 mV or more below", "J point is depressed"], &[], &[]),
        (&["inversion", "inverted"], &["inverted", "negative"], &[], &[]),
        (&["tall"], &["tall"], &[], &[]),
        (&["low"], &["small", "too little"], &[], &[]),
        (&["long", "prolonged"], &["too long", "longer than", "wider than"], &["shorter than"], &["tachycardia"]),
        (&["short"], &["within less than", "too short"], &["too long"], &["long"]),
        (&["bradycardia"], &["below 60"], &["above 100 beats"], &["tachycardia", "rapid"]),
        (
            &["tachycardia"],
            &["above 100", "100 to 250", "140 to 250", "exceeds 100", "more than 100"],
            &["below 60"],
            &["bradycardia"],
        ),
        (&["left"], &[], &["rSR'", "tall and dominant in V1"], &["right", "rbbb"]),
        (&["normal"], &[], &["ST segment is elevated"], &["elevation"]),
    ];
    let mut checked = 0;
    for statement in statements.lines() {
        let words = tokens(statement);
        let text = KNOWLEDGE.describe(statement).unwrap_or_default();
        if text.is_empty() {
            continue;
        }
        for (triggers, signs, wrong, allowed_by) in rules {
            let says = |some: &[&str]| words.iter().any(|word| some.contains(&word.as_str()));
            if !says(triggers) {
                continue;
            }
            checked += 1;
            assert!(signs.is_empty() || signs.iter().any(|sign| text.contains(sign)), "{statement}: {text}");
            let strange = wrong.iter().find(|sign| text.contains(**sign));
            assert!(says(allowed_by) || strange.is_none(), "{statement}: {strange:?} in {text}");
        }
    }
    assert!(checked > 300, "{checked}");
}

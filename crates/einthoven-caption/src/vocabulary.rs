//! What machine reports say around the concepts: places, ages, doubt, denial, and words that add nothing.

use std::collections::HashMap;
use std::sync::LazyLock;

use einthoven_signal::Lead;

use crate::words::normalise;
use crate::{Certainty, Wall};

/// What a phrase beside a concept means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Term {
    /// Walls, such as `inferolateral`.
    Walls(&'static [Wall]),
    /// Most leads.
    Diffuse,
    /// A lead.
    Lead(Lead),
    /// The age of an infarct: the slug of its page.
    Age(&'static str),
    /// How certain what follows is.
    Before(Certainty),
    /// How certain what stands before is.
    After(Certainty),
    /// Something else begins: `with`, `but`.
    Turn,
    /// One or the other: neither is certain.
    Or,
    /// What follows names leads that are sound: `only V1 to V6 analyzed`.
    Only,
    /// Nothing that matters here: degree, number, cause, grammar.
    Filler,
}

const WALLS: [(&str, &[Wall]); 11] = [
    ("septal", &[Wall::Septal]),
    ("anterior", &[Wall::Anterior]),
    ("lateral", &[Wall::Lateral]),
    ("inferior", &[Wall::Inferior]),
    ("posterior", &[Wall::Posterior]),
    ("anteroseptal", &[Wall::Anterior, Wall::Septal]),
    ("anterior septal", &[Wall::Anterior, Wall::Septal]),
    ("anterolateral", &[Wall::Anterior, Wall::Lateral]),
    ("inferolateral", &[Wall::Inferior, Wall::Lateral]),
    ("inferoposterior", &[Wall::Inferior, Wall::Posterior]),
    ("inferoposterolateral", &[Wall::Inferior, Wall::Posterior, Wall::Lateral]),
];

const DIFFUSE: &[&str] = &["diffuse", "extensive", "widespread", "generalized"];

const LEADS: [Lead; 12] = [
    Lead::I,
    Lead::II,
    Lead::III,
    Lead::AVR,
    Lead::AVL,
    Lead::AVF,
    Lead::V1,
    Lead::V2,
    Lead::V3,
    Lead::V4,
    Lead::V5,
    Lead::V6,
];

const AGES: [(&str, &str); 3] = [
    ("acute", "acute-myocardial-infarction"),
    ("recent", "recent-myocardial-infarction"),
    ("old", "old-myocardial-infarction"),
];

const DENIED_BEFORE: &[&str] =
    &["no", "not", "without", "absence of", "no evidence of", "negative for", "neither", "nor"];
const DENIED_AFTER: &[&str] = &[
    "not present",
    "not seen",
    "is excluded",
    "is ruled out",
    "ruled out",
    "absent",
    "no longer evident",
    "no longer present",
];

const POSSIBLE_BEFORE: &[&str] = &[
    "possible",
    "possibly",
    "consider",
    "suspect",
    "rule out",
    "r/o",
    "cannot rule out",
    "can not rule out",
    "may be",
    "may be due to",
    "could be",
    "equivocal evidence of",
    "represent equivocal evidence of",
    "repeat if",
];
const POSSIBLE_AFTER: &[&str] = &[
    "cannot be excluded",
    "cannot be ruled out",
    "can not be excluded",
    "if no pulmonary disease",
    "is possible",
    "is suspected",
];

const PROBABLE_BEFORE: &[&str] = &[
    "probable",
    "probably",
    "suggest",
    "suggests",
    "suggested by",
    "strongly suggest",
    "consistent with",
    "compatible with",
    "likely",
    "likely to be due in part to",
    "additional evidence of",
    "probably reflect",
];

const TURNS: &[&str] = &["with", "but", "although", "though", "however", "except"];

const FILLERS: &[&str] = &[
    // Degree, number, course.
    "abnormal",
    "abnormally",
    "borderline",
    "borderline abnormal",
    "frequent",
    "intermittent",
    "marked",
    "minimal",
    "mild",
    "minor",
    "moderate",
    "multi",
    "multiple",
    "non specific",
    "non diagnostic",
    "normal",
    "occasional",
    "predominant",
    "severe",
    "slight",
    "some",
    "type",
    "additional",
    "equivocal",
    // For whom.
    "age",
    "female",
    "gender",
    "male",
    "of this age",
    "race",
    "sex",
    "for",
    "for age and sex",
    "for age sex",
    "abnormal for age sex",
    "borderline abnormal for age sex",
    "in young women",
    // Of what age, where.
    "age indeterminate",
    "age undetermined",
    "undetermined age",
    "probable age undetermined",
    "extremity lead",
    "precordial lead",
    "reciprocal",
    "wall",
    "in lead",
    "lead",
    // Causes that leave no sign of their own.
    "cardiac surgery",
    "clinical finding of hypertension",
    "congenital heart disease",
    "hypertension",
    "possibly secondary to",
    "pulmonary disease",
    "secondary to",
    "secondary",
    "valvular heart disease",
    "magnet",
    // What the program did.
    "analyzed",
    "interpretation assumes no reversal",
    "omitted",
    "review advised",
    // Grammar.
    "a",
    "additional evidence",
    "also",
    "also present",
    "an",
    "and",
    "and or",
    "appearance",
    "are",
    "as",
    "as above",
    "be",
    "be due to",
    "because of",
    "by",
    "change",
    "change are",
    "defect",
    "due",
    "due to",
    "evidence",
    "evidence of",
    "general",
    "in",
    "in part",
    "in view of",
    "is",
    "may",
    "of",
    "offer",
    "on",
    "part",
    "partly",
    "pattern",
    "present",
    "provide",
    "related to",
    "report below takes this into account",
    "represent",
    "repeat with reversed lead",
    "take this into account",
    "the",
    "the report below takes this into account",
    "there is",
    "these",
    "this",
    "to",
    "to be",
    "was",
    "were",
    "which",
];

/// The terms by their normalised phrases.
pub(crate) static TERMS: LazyLock<HashMap<String, Term>> = LazyLock::new(|| {
    let mut terms = HashMap::new();
    let mut add = |phrase: &str, term: Term| {
        terms.insert(normalise(phrase), term);
    };
    FILLERS.iter().for_each(|phrase| add(phrase, Term::Filler));
    WALLS.iter().for_each(|(phrase, walls)| add(phrase, Term::Walls(walls)));
    DIFFUSE.iter().for_each(|phrase| add(phrase, Term::Diffuse));
    LEADS.into_iter().for_each(|lead| add(lead.clone().name(), Term::Lead(lead)));
    AGES.iter().for_each(|(phrase, slug)| add(phrase, Term::Age(slug)));
    for (phrases, certainty) in [
        (DENIED_BEFORE, Certainty::Denied),
        (POSSIBLE_BEFORE, Certainty::Possible),
        (PROBABLE_BEFORE, Certainty::Probable),
    ] {
        phrases.iter().for_each(|phrase| add(phrase, Term::Before(certainty)));
    }
    for (phrases, certainty) in [(DENIED_AFTER, Certainty::Denied), (POSSIBLE_AFTER, Certainty::Possible)] {
        phrases.iter().for_each(|phrase| add(phrase, Term::After(certainty)));
    }
    TURNS.iter().for_each(|phrase| add(phrase, Term::Turn));
    add("or", Term::Or);
    add("only", Term::Only);
    terms
});

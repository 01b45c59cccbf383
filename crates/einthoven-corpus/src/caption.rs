//! Captions: what is said about a record in the text that a model learns from.
//!
//! A caption holds statements, age and sex, never an identifier or a date; an age over 89, which would be one,
//! is given as `90+`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Dataset, Entry, Leftovers};

/// How captions are made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CaptionConfig {
    /// The form of a caption.
    pub template: CaptionTemplate,
    /// What is said about how a finding looks, in captions of ESI's form.
    pub descriptions: Descriptions,
    /// What is described at a time.
    #[serde(skip_serializing_if = "is_default")]
    pub described: Described,
    /// The store of descriptions, where they come from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreConfig>,
}

fn is_default(described: &Described) -> bool {
    *described == Described::default()
}

/// What is described at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Described {
    /// Each statement by itself.
    #[default]
    Statement,
    /// All statements of a record together.
    Combination,
}

/// A store of descriptions, as the Cardio Query Assistant makes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// Its folder.
    pub path: PathBuf,
    /// The beginning of the id of the origin to take descriptions of, where the store has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// Where descriptions of waveforms come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Descriptions {
    /// There are none.
    #[default]
    None,
    /// The knowledge base that comes with the program, a description of 25 to 60 words for each finding.
    Knowledge,
    /// The [store](CaptionConfig::store), and the knowledge base for what the store does not have.
    Store,
}

/// The form of a caption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaptionTemplate {
    /// ESI's: demographics, findings, and, where there are [`Descriptions`], what each finding looks like ([`esi`]).
    #[default]
    Esi,
    /// The statements alone ([`findings`]).
    Findings,
}

impl CaptionConfig {
    /// The caption of a record; none without a statement. `descriptions` says what a statement looks like in an ECG.
    pub fn caption(&self, entry: &Entry, descriptions: &impl Fn(&str) -> Option<String>) -> Option<String> {
        match self.template {
            CaptionTemplate::Esi => esi(entry, &self.asked(entry), descriptions),
            CaptionTemplate::Findings => findings(entry),
        }
    }

    /// What `descriptions` is asked about a record: its statements, or all of them with `; ` between them.
    pub fn asked(&self, entry: &Entry) -> Vec<String> {
        match self.described {
            Described::Combination if !entry.statements.is_empty() => vec![entry.statements.join("; ")],
            _ => entry.statements.clone(),
        }
    }

    /// The records of a dataset that have a caption, their captions, and the records that have none.
    pub fn captions(
        &self,
        dataset: &Dataset,
        descriptions: &impl Fn(&str) -> Option<String>,
    ) -> (Dataset, Vec<String>, Leftovers) {
        let mut kept = Vec::new();
        let mut captions = Vec::new();
        let mut leftovers = Leftovers::default();
        for (index, entry) in dataset.entries.iter().enumerate() {
            match self.caption(entry, descriptions) {
                Some(caption) => {
                    kept.push(index);
                    captions.push(caption);
                }
                None => leftovers.push(&entry.id, "it has no statement to make a caption of"),
            }
        }
        (dataset.subset(&kept), captions, leftovers)
    }
}

/// Knows no description: for captions of statements alone.
pub fn no_descriptions(_statement: &str) -> Option<String> {
    None
}

/// The caption in ESI's form (arXiv 2405.19366); none without a statement.
///
/// ```text
/// This patient is a 63 year-old female. ECG Findings: sinus rhythm, left ventricular hypertrophy.
/// Potential ECG waveforms:·
/// <what sinus rhythm looks like>
/// <what left ventricular hypertrophy looks like>
/// ```
///
/// (`·` is a space.) Each of `asked` has a line. A statement that `descriptions` does not know has no line; without any line the second part is
/// left off. What is not known of age and sex is not said.
pub fn esi(entry: &Entry, asked: &[String], descriptions: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let findings = findings(entry)?;
    let mut caption = match patient(entry) {
        Some(patient) => format!("{patient} ECG Findings: {findings}."),
        None => format!("ECG Findings: {findings}."),
    };
    let mut described = asked.iter().filter_map(|s| descriptions(s)).peekable();
    if described.peek().is_some() {
        caption.push_str("\nPotential ECG waveforms: ");
    }
    for description in described {
        caption.push('\n');
        // A line each, whatever the description holds.
        caption.push_str(&description.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    Some(caption)
}

/// The statements alone: `sinus rhythm, left ventricular hypertrophy`; none without a statement.
pub fn findings(entry: &Entry) -> Option<String> {
    (!entry.statements.is_empty()).then(|| entry.statements.join(", "))
}

/// A sentence of what is known of age and sex.
fn patient(entry: &Entry) -> Option<String> {
    let age = entry.age.map(|age| match age {
        90.. => "90+".to_owned(),
        _ => age.to_string(),
    });
    match (age, entry.sex) {
        (Some(age), Some(sex)) => Some(format!("This patient is a {age} year-old {sex}.")),
        (Some(age), None) => Some(format!("This patient is {age} years old.")),
        (None, Some(sex)) => Some(format!("This patient is {sex}.")),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use einthoven_signal::Sex;

    use super::*;
    use crate::Location;

    fn entry(statements: &[&str], age: Option<u8>, sex: Option<Sex>) -> Entry {
        Entry {
            id: "4711".into(),
            patient: "15709".into(),
            location: Location::File(PathBuf::from("4711.hea")),
            codes: Vec::new(),
            statements: statements.iter().map(|s| (*s).to_owned()).collect(),
            report: Some("sinusrhythmus, geschrieben am 9.11.1984".into()),
            age,
            sex,
            fold: Some(3),
        }
    }

    fn esi_of(entry: &Entry, descriptions: &impl Fn(&str) -> Option<String>) -> Option<String> {
        CaptionConfig::default().caption(entry, descriptions)
    }

    #[test]
    fn esi_captions_have_the_published_form() {
        let describe = |statement: &str| match statement {
            "sinus rhythm" => Some("A P wave before\nevery QRS complex.".to_owned()),
            "left ventricular hypertrophy" => Some("Tall R waves in V5 and V6.".to_owned()),
            _ => None,
        };
        let statements = ["sinus rhythm", "high QRS voltage", "left ventricular hypertrophy"];
        assert_eq!(
            esi_of(&entry(&statements, Some(63), Some(Sex::Female)), &describe).unwrap(),
            "This patient is a 63 year-old female. ECG Findings: sinus rhythm, high QRS voltage, left ventricular \
             hypertrophy.\nPotential ECG waveforms: \nA P wave before every QRS complex.\nTall R waves in V5 and V6."
        );
    }

    #[test]
    fn all_statements_of_a_record_may_be_described_together() {
        let config = CaptionConfig { described: Described::Combination, ..CaptionConfig::default() };
        let entry = entry(&["sinus rhythm", "inverted T waves"], None, None);
        let describe = |asked: &str| (asked == "sinus rhythm; inverted T waves").then(|| "Both.".to_owned());
        let expected = "ECG Findings: sinus rhythm, inverted T waves.\nPotential ECG waveforms: \nBoth.";
        assert_eq!(config.caption(&entry, &describe).as_deref(), Some(expected));
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let caption = |age, sex| esi_of(&entry(&["sinus rhythm"], age, sex), &no_descriptions).unwrap();
        assert_eq!(
            caption(Some(41), Some(Sex::Male)),
            "This patient is a 41 year-old male. ECG Findings: sinus rhythm."
        );
        assert_eq!(caption(Some(41), None), "This patient is 41 years old. ECG Findings: sinus rhythm.");
        assert_eq!(caption(None, Some(Sex::Female)), "This patient is female. ECG Findings: sinus rhythm.");
        assert_eq!(caption(None, None), "ECG Findings: sinus rhythm.");
        assert_eq!(esi_of(&entry(&[], Some(41), None), &no_descriptions), None);
    }

    #[test]
    fn captions_hold_no_identifiers() {
        let caption = esi_of(&entry(&["sinus rhythm"], Some(93), Some(Sex::Male)), &no_descriptions);
        assert_eq!(caption.unwrap(), "This patient is a 90+ year-old male. ECG Findings: sinus rhythm.");
    }

    #[test]
    fn findings_are_the_statements_alone() {
        let entry = entry(&["sinus rhythm", "inverted T waves"], Some(50), None);
        assert_eq!(findings(&entry).unwrap(), "sinus rhythm, inverted T waves");
        let config = CaptionConfig { template: CaptionTemplate::Findings, ..CaptionConfig::default() };
        assert_eq!(config.caption(&entry, &no_descriptions), findings(&entry));
    }

    #[test]
    fn the_configuration_knows_its_keys() {
        let config: CaptionConfig = toml::from_str("template = \"findings\"").unwrap();
        assert_eq!(config.template, CaptionTemplate::Findings);
        assert!(toml::from_str::<CaptionConfig>("templat = \"esi\"").is_err());
    }
}

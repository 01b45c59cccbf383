//! A page of the knowledge base: front matter and fixed sections.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use einthoven_signal::Lead;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Error, Result, Wall};

/// What is known about one statement.
///
/// ```text
/// ---
/// name: first degree AV block
/// codes: { scp: ["1AVB"], snomed: ["270492004"] }
/// synonyms: [1AVB]
/// ranges: { pr_ms: { min: 200 } }
/// leads: [II, V1]
/// sources: [a guideline or textbook]
/// ---
///
/// ## Definition
/// …
/// ## Waveform
/// …
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The file's name without `.md`: the name in lower case with `-` between the words.
    pub slug: String,
    /// What the statement says, in English.
    pub name: String,
    /// Its codes.
    pub codes: Codes,
    /// Other ways to say it.
    pub synonyms: Vec<String>,
    /// The slugs of the broader concepts.
    pub parents: Vec<String>,
    /// The limits within which it holds.
    pub ranges: BTreeMap<Quantity, Range>,
    /// The walls it names.
    pub walls: BTreeSet<Wall>,
    /// Whether a report may place it: "ST elevation" is found in some leads, "atrial fibrillation" in all.
    pub regional: bool,
    /// The leads that show it.
    pub leads: Vec<Lead>,
    /// The guidelines and textbooks it rests on.
    pub sources: Vec<String>,
    sections: BTreeMap<Section, String>,
    /// SHA-256 of the file's text.
    digest: [u8; 32],
}

/// Codes of a statement in the vocabularies of datasets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Codes {
    /// SCP-ECG (EN 1064), as PTB-XL uses them.
    pub scp: Vec<String>,
    /// SNOMED CT.
    pub snomed: Vec<String>,
}

/// A measurement that a statement limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Ventricular rate, in beats per minute.
    RateBpm,
    /// Rate of the atria, in beats per minute.
    AtrialBpm,
    /// Duration of the P wave, in milliseconds.
    PMs,
    /// Height of the P wave in the inferior leads, in millivolts.
    PMv,
    /// PR interval, in milliseconds.
    PrMs,
    /// Duration of the QRS complex, in milliseconds.
    QrsMs,
    /// Peak-to-peak size of the QRS complex in the limb leads, in millivolts.
    QrsMv,
    /// QT interval corrected for rate, in milliseconds.
    QtcMs,
    /// Mean frontal axis of the QRS complex, in degrees from -180 to 180.
    AxisDeg,
    /// Length of a run of beats, in seconds.
    RunS,
    /// Length of a pause between beats, in seconds.
    PauseS,
}

/// An interval of values, both ends included; an end left out is open.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The smallest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The largest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

impl Range {
    /// Whether the value lies within.
    pub fn contains(&self, value: f64) -> bool {
        self.min.is_none_or(|min| min <= value) && self.max.is_none_or(|max| value <= max)
    }
}

/// The sections of a page, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// What it is.
    Definition,
    /// How it comes about.
    Mechanism,
    /// What 12 leads show: intervals, leads, morphology, evolution.
    OnTheEcg,
    /// When it may be stated.
    Criteria,
    /// What looks alike, and how to tell it apart.
    Mimics,
    /// A description that stands by itself, for captions.
    Waveform,
}

impl Section {
    /// All sections, in their order.
    pub const ALL: [Self; 6] =
        [Self::Definition, Self::Mechanism, Self::OnTheEcg, Self::Criteria, Self::Mimics, Self::Waveform];

    /// The heading.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Definition => "Definition",
            Self::Mechanism => "Mechanism",
            Self::OnTheEcg => "On the ECG",
            Self::Criteria => "Criteria",
            Self::Mimics => "Mimics",
            Self::Waveform => "Waveform",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    name: String,
    #[serde(default)]
    codes: Codes,
    #[serde(default)]
    synonyms: Vec<String>,
    #[serde(default)]
    parents: Vec<String>,
    #[serde(default)]
    ranges: BTreeMap<Quantity, Range>,
    #[serde(default)]
    walls: BTreeSet<Wall>,
    #[serde(default)]
    regional: bool,
    leads: Vec<Lead>,
    sources: Vec<String>,
}

impl Page {
    /// The text of a section, its lines joined.
    pub fn section(&self, section: Section) -> &str {
        // The parser has seen every section.
        self.sections.get(&section).map_or("", String::as_str)
    }

    /// The description for captions.
    pub fn waveform(&self) -> &str {
        self.section(Section::Waveform)
    }

    /// SHA-256 of the page's text.
    pub(crate) fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// The page's file, for messages.
    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(format!("{}.md", self.slug))
    }

    /// Reads the page `path` with the contents `text`.
    ///
    /// # Errors
    /// [`Error::NoFrontMatter`], [`Error::FrontMatter`] with the line, [`Error::Value`] or [`Error::Body`].
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let (yaml, body, body_line) = split(path, text)?;
        let front: FrontMatter = serde_saphyr::from_str(&yaml).map_err(|source| Error::FrontMatter {
            path: path.to_owned(),
            line: source.location().map_or(1, |location| location.line()),
            source: Box::new(source),
        })?;
        let page = Self {
            slug: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            name: front.name,
            codes: front.codes,
            synonyms: front.synonyms,
            parents: front.parents,
            ranges: front.ranges,
            walls: front.walls,
            regional: front.regional,
            leads: front.leads,
            sources: front.sources,
            sections: sections(path, body, body_line)?,
            digest: Sha256::digest(text).into(),
        };
        page.check(path)?;
        Ok(page)
    }

    fn check(&self, path: &Path) -> Result<()> {
        let wrong = |key, value: &str, expected: &str| Error::Value {
            path: path.to_owned(),
            key,
            value: value.to_owned(),
            expected: expected.to_owned(),
        };
        if slug(&self.name) != self.slug {
            return Err(wrong("name", &self.name, &format!("a name whose file is {}.md", slug(&self.name))));
        }
        if self.sources.is_empty() {
            return Err(wrong("sources", "[]", "a guideline or textbook"));
        }
        if let Some(lead) = self.leads.iter().find(|lead| matches!(lead, Lead::Other(_))) {
            return Err(wrong("leads", lead.name(), "a lead of the standard 12, V3R, V4R or V7 to V9"));
        }
        for range in self.ranges.values() {
            let ordered = matches!((range.min, range.max), (Some(min), Some(max)) if min <= max)
                || range.min.is_some() != range.max.is_some();
            if !ordered {
                return Err(wrong("ranges", &format!("{range:?}"), "a min, a max, or a min not above the max"));
            }
        }
        Ok(())
    }
}

/// The front matter with its lines at their places, the body, and the line that the body begins at.
fn split<'a>(path: &Path, text: &'a str) -> Result<(String, &'a str, usize)> {
    let missing = || Error::NoFrontMatter { path: path.to_owned() };
    let rest = text.strip_prefix("---\n").ok_or_else(missing)?;
    let end = rest.find("\n---\n").ok_or_else(missing)?;
    let yaml = format!("\n{}\n", &rest[..end]);
    let body_line = yaml.lines().count() + 2;
    Ok((yaml, &rest[end + "\n---\n".len()..], body_line))
}

fn sections(path: &Path, body: &str, first_line: usize) -> Result<BTreeMap<Section, String>> {
    let wrong = |line, expected| Error::Body { path: path.to_owned(), line, expected };
    let mut sections: BTreeMap<Section, String> = BTreeMap::new();
    let mut expected = Section::ALL.into_iter();
    let mut current: Option<Section> = None;
    let mut line = first_line;
    for (i, text) in body.lines().enumerate() {
        line = first_line + i;
        if text.starts_with('#') {
            let Some(section) = expected.next() else {
                return Err(wrong(line, format!("nothing after the section {}", Section::Waveform.heading())));
            };
            if text.strip_prefix("## ") != Some(section.heading()) {
                return Err(wrong(line, format!("the heading `## {}`", section.heading())));
            }
            current = Some(section);
            sections.insert(section, String::new());
        } else if !text.trim().is_empty() {
            let Some(content) = current.and_then(|section| sections.get_mut(&section)) else {
                return Err(wrong(line, format!("the heading `## {}`", Section::Definition.heading())));
            };
            if !content.is_empty() {
                content.push(' ');
            }
            content.push_str(text.trim());
        }
    }
    if let Some(section) = expected.next() {
        return Err(wrong(line + 1, format!("the heading `## {}`", section.heading())));
    }
    if let Some((section, _)) = sections.iter().find(|(_, content)| content.is_empty()) {
        return Err(wrong(line, format!("text in the section {}", section.heading())));
    }
    Ok(sections)
}

/// A name as a file is called: lower case, `-` between the words.
fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

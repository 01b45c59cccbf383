//! What the labels are called.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Prompt files that are part of the program, by name.
const BUILT_IN: [(&str, &str); 4] = [
    ("challenge-scored", include_str!("../../../../prompts/challenge-scored.toml")),
    ("ptb-xl-super", include_str!("../../../../prompts/ptb-xl-super.toml")),
    ("scp-statements", include_str!("../../../../prompts/scp-statements.toml")),
    ("simulated", include_str!("../../../../prompts/simulated.toml")),
];

/// How the labels of a label set are put into words: several phrasings per code, and templates to put them in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptSet {
    /// What the set is called.
    pub name: String,
    /// Where the words come from.
    pub about: String,
    /// Texts with one `{}` each, which a phrasing takes the place of.
    pub templates: Vec<String>,
    /// The phrasings of every code.
    pub labels: BTreeMap<String, Vec<String>>,
}

impl PromptSet {
    /// The names of the sets that are part of the program.
    pub fn built_in() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// The set that serves a label set by default: `super` has its own, `conditions` is the simulator's, and all
    /// others are SCP-ECG statements.
    pub fn for_labels(label_set: &str) -> Result<Self> {
        Self::open(match label_set {
            "super" => "ptb-xl-super",
            "conditions" => "simulated",
            _ => "scp-statements",
        })
    }

    /// The set of that name, or from the TOML file of that path.
    pub fn open(name_or_path: &str) -> Result<Self> {
        if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_path) {
            return Self::parse(text, Path::new(name));
        }
        let path = PathBuf::from(name_or_path);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, &path),
            Err(source) => Err(Error::PromptFile { path, source }),
        }
    }

    /// Reads a set from the `text` of the file at `path`, and checks it.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let set: Self =
            toml::from_str(text).map_err(|source| Error::PromptToml { path: path.into(), source: Box::new(source) })?;
        let wrong = |problem: String| Err(Error::Prompt { path: path.into(), problem });
        if set.templates.is_empty() {
            return wrong("it has no template; \"{}\" is the plainest".into());
        }
        if let Some(template) = set.templates.iter().find(|t| t.matches("{}").count() != 1) {
            return wrong(format!("the template {template:?} must hold {{}} exactly once"));
        }
        for (code, phrasings) in &set.labels {
            if phrasings.is_empty() || phrasings.iter().any(|phrasing| phrasing.trim().is_empty()) {
                return wrong(format!("{code} has no phrasing or an empty one"));
            }
        }
        Ok(set)
    }

    /// All texts of one code: each phrasing in each template.
    pub fn texts(&self, code: &str) -> Result<Vec<String>> {
        Ok(self.phrasings(code)?.iter().flat_map(|phrasing| self.fill(phrasing)).collect())
    }

    /// The phrasings of one code, of which there is at least one in a set that was read from text.
    pub fn phrasings(&self, code: &str) -> Result<&[String]> {
        match self.labels.get(code).map(Vec::as_slice) {
            Some(phrasings @ [_, ..]) => Ok(phrasings),
            _ => Err(Error::MissingPrompt { set: self.name.clone(), code: code.into() }),
        }
    }

    /// One phrasing in each template.
    pub fn fill(&self, phrasing: &str) -> impl Iterator<Item = String> {
        self.templates.iter().map(move |template| template.replacen("{}", phrasing, 1))
    }
}

//! What models are called on the Hub.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// The branch that is meant where no revision is named.
const MAIN: &str = "main";

/// Longest name of an owner or a model.
const LONGEST: usize = 96;

/// The name of a model on the Hub: `owner/model`, or `owner/model@revision`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelName {
    owner: String,
    model: String,
    revision: String,
}

impl ModelName {
    /// Who the model belongs to: a user or an organisation.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The model's own name.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The branch, tag or commit; `main` unless it was named.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// `owner/model`.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.owner, self.model)
    }

    /// Whether the revision names one commit for ever.
    pub fn is_pinned(&self) -> bool {
        is_commit(&self.revision)
    }
}

/// Whether a revision is a commit's full hash.
pub(crate) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl FromStr for ModelName {
    type Err = Error;

    /// # Errors
    /// [`Error::Name`] says what such a name looks like.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = |message| Error::Name { name: text.to_owned(), message };
        let (repository, revision) = text.split_once('@').unwrap_or((text, MAIN));
        let (owner, model) =
            repository.split_once('/').ok_or_else(|| wrong("expected owner/model or owner/model@revision"))?;
        if ![owner, model].into_iter().all(is_part) {
            return Err(wrong(
                "owner and model are up to 96 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends",
            ));
        }
        // A part of a path in the cache.
        let plain = |part: &str| !matches!(part, "" | "." | "..");
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        if !revision.chars().all(allowed) || !revision.split('/').all(plain) {
            return Err(wrong("the revision is not a branch, tag or commit"));
        }
        Ok(Self { owner: owner.to_owned(), model: model.to_owned(), revision: revision.to_owned() })
    }
}

/// The Hub's rules for owners and models.
fn is_part(part: &str) -> bool {
    let ends = |end: Option<char>| end.is_some_and(|c| c.is_ascii_alphanumeric());
    part.len() <= LONGEST
        && ends(part.chars().next())
        && ends(part.chars().next_back())
        && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && !part.contains("--")
        && !part.contains("..")
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.revision.as_str() {
            MAIN => write!(f, "{}/{}", self.owner, self.model),
            revision => write!(f, "{}/{}@{revision}", self.owner, self.model),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_owner_model_and_perhaps_a_revision() {
        let name: ModelName = "heart-lab/esi.base".parse().unwrap();
        assert_eq!((name.owner(), name.model(), name.revision()), ("heart-lab", "esi.base", "main"));
        assert!(!name.is_pinned());
        assert_eq!(name.to_string(), "heart-lab/esi.base");
        let pinned: ModelName = format!("a/b@{}", "0f".repeat(20)).parse().unwrap();
        assert!(pinned.is_pinned());
        assert_eq!(pinned.to_string(), format!("a/b@{}", "0f".repeat(20)));
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in [
            "",
            "a",
            "a/",
            "/b",
            "a/b/c",
            "../b",
            "a/..",
            "a/.b",
            "a/b-",
            "a/b--c",
            "a/b@",
            "a/b@../..",
            "a/b@x y",
            "ä/b",
        ] {
            assert!(name.parse::<ModelName>().is_err(), "{name}");
        }
    }
}

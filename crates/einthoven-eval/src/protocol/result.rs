//! What a protocol finds out about a subject, as a file.

use std::path::Path;

use einthoven_corpus::Leftovers;
use serde::{Deserialize, Serialize};

use super::Protocol;
use super::classification::Classification;
use super::pictures::{ExplainedCases, MappedRecords};
use super::subject::SubjectCard;
use crate::captioning::CaptioningResult;
use crate::error::{Error, Result};
use crate::files::replace;
use crate::identification::IdentificationResult;
use crate::retrieval::RetrievalResult;

/// The version of the file's format.
pub const FORMAT: u32 = 1;

/// How a subject did under a protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectResult {
    /// The version of the file's format.
    pub format: u32,
    /// The program's version.
    pub program: String,
    /// The protocol, every default spelt out.
    pub protocol: Protocol,
    /// Its hash, as of [`Protocol::hash`].
    pub hash: String,
    /// The records.
    pub records: JudgedRecords,
    /// The subject.
    pub subject: SubjectCard,
    /// The records fitted on, and those that weights are chosen by, that the subject was not fed.
    pub left_out_fitted: Leftovers,
    /// The judged records that it was not fed.
    pub left_out_judged: Leftovers,
    /// What it was asked, in the protocol's order.
    pub tasks: Vec<TaskResult>,
}

/// The records of a protocol as they were found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgedRecords {
    /// The dataset's name and version.
    pub dataset: String,
    /// Records fitted on.
    pub fitted: usize,
    /// Records that weights are chosen by.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub chosen: usize,
    /// Records judged on.
    pub judged: usize,
    /// SHA-256 of the ids and labels of all of them.
    pub hash: String,
}

/// How a subject did in one task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskResult {
    /// What was asked, such as `zero-shot` or `probe 10 %`.
    pub task: String,
    /// The label set, if there is one.
    pub labels: Option<String>,
    /// How recordings were changed before, if they were.
    pub variation: Option<String>,
    /// How it did.
    pub outcome: Outcome,
}

/// The outcome of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Outcome {
    /// The subject cannot be asked this.
    NotApplicable {
        /// Why.
        reason: String,
    },
    /// Classes, ranked and scored.
    Classification(Box<Classification>),
    /// Retrieval both ways.
    Retrieval(Box<RetrievalResult>),
    /// Captions beside statements.
    Captioning(Box<CaptioningResult>),
    /// The records on a plane.
    Map(Box<MappedRecords>),
    /// What was looked at.
    Cases(Box<ExplainedCases>),
    /// Patients recognised.
    Identification(Box<IdentificationResult>),
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl TaskResult {
    /// The headline of its table: task, label set and variation.
    pub fn title(&self) -> String {
        let labels = self.labels.as_ref().map(|labels| format!(", {labels}")).unwrap_or_default();
        let variation = self.variation.as_ref().map(|variation| format!(", {variation}")).unwrap_or_default();
        format!("{}{labels}{variation}", self.task)
    }
}

impl SubjectResult {
    /// Reads a file of results.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Result`] for a file that is something else, or of another version.
    pub fn load(path: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.into(), source })?;
        let wrong = |source| Error::Result { path: path.into(), source };
        let Version { format } = serde_json::from_str(&text).map_err(wrong)?;
        if format != FORMAT {
            return Err(Error::ResultFormat { path: path.into(), found: format, expected: FORMAT });
        }
        serde_json::from_str(&text).map_err(wrong)
    }

    /// Writes the file: whole, or not at all.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut json = serde_json::to_vec(self).map_err(Error::Json)?;
        json.push(b'\n');
        replace(path, &json)
    }

    /// Whether this is what the protocol of that hash would find out about a subject on these records, so that nothing has to be
    /// asked again.
    pub fn answers(&self, hash: &str, records: &JudgedRecords, subject: &SubjectCard) -> bool {
        self.hash == hash && self.records == *records && self.subject == *subject
    }
}

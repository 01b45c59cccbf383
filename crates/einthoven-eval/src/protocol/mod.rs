//! Versioned protocols: the same records, labels, tasks and seeds for every model, so that two numbers can be compared.
//!
//! A [`Protocol`] is a TOML file below `experiments/protocols/`; those that come with the program are frozen by
//! [`Protocol::hash`]. [`judge`] carries it out on a [`Subject`], which is whatever can make numbers of recordings: a model, an
//! encoder, a baseline. What comes out, a [`SubjectResult`], holds the protocol, its hash, every metric with its interval and the
//! scores of every record, so that tests between subjects and curves can be made from files alone.

mod classification;
mod judge;
mod lesson;
mod pictures;
mod records;
mod result;
mod subgroups;
mod subject;
mod subset;
mod task;
mod tasks;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod toy;
mod training;
mod variation;

use std::collections::BTreeMap;
use std::path::Path;

use einthoven_corpus::SimulatedConfig;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use classification::{ClassMetrics, Classification, RecordScores, Scale, Scores};
pub use judge::judge;
pub use lesson::{FineTuned, LabelledDataset, Lesson};
pub use pictures::{ExplainedCase, ExplainedCases, MappedRecords};
pub use records::{Part, Records};
pub use result::{FORMAT, JudgedRecords, Outcome, SubjectResult, TaskResult};
pub(crate) use subgroups::FEWEST;
pub use subgroups::SubgroupMetrics;
pub use subject::{Answer, Recording, Rows, Subject, SubjectCard};
pub use subset::label_subset;
pub use task::{Cases, Classifier, FineTuning, MapTask, Neighbours, Probe, Subgroup, Task, Varied, ZeroShot};
pub use training::Training;
pub use variation::Variation;

use crate::bootstrap::BootstrapConfig;
use crate::error::{Error, Result};
use crate::zero_shot::PromptSet;

/// Protocols that are part of the program, by name.
const BUILT_IN: [(&str, &str); 14] = [
    ("simulated", include_str!("../../../../experiments/protocols/simulated.toml")),
    ("ptbxl-sample", include_str!("../../../../experiments/protocols/ptbxl-sample.toml")),
    ("ptbxl-super", include_str!("../../../../experiments/protocols/ptbxl-super.toml")),
    ("ptbxl-sub", include_str!("../../../../experiments/protocols/ptbxl-sub.toml")),
    ("ptbxl-form", include_str!("../../../../experiments/protocols/ptbxl-form.toml")),
    ("ptbxl-rhythm", include_str!("../../../../experiments/protocols/ptbxl-rhythm.toml")),
    ("simulated-patients", include_str!("../../../../experiments/protocols/simulated-patients.toml")),
    ("ptbxl-sample-patients", include_str!("../../../../experiments/protocols/ptbxl-sample-patients.toml")),
    ("ptbxl-patients", include_str!("../../../../experiments/protocols/ptbxl-patients.toml")),
    ("cpsc2018", include_str!("../../../../experiments/protocols/cpsc2018.toml")),
    ("csn", include_str!("../../../../experiments/protocols/csn.toml")),
    ("ptbxl-sample-finetuning", include_str!("../../../../experiments/protocols/ptbxl-sample-finetuning.toml")),
    ("ptbxl-finetuning", include_str!("../../../../experiments/protocols/ptbxl-finetuning.toml")),
    ("cpsc2018-finetuning", include_str!("../../../../experiments/protocols/cpsc2018-finetuning.toml")),
];

/// What subjects are asked, and on which records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// What it is called.
    pub name: String,
    /// Rises with every change that changes a number.
    pub version: u32,
    /// What it is for, and what it follows.
    pub about: String,
    /// The seed of label subsets, variations, random encoders and resamples.
    pub seed: u64,
    /// The records.
    pub data: ProtocolData,
    /// How intervals are made.
    pub bootstrap: BootstrapConfig,
    /// What is asked, in the order of the tables.
    pub tasks: Vec<Task>,
}

/// The records of a protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProtocolData {
    /// A dataset card, by its name or file.
    pub dataset: String,
    /// The sampling rate to take recordings at, in Hz, where the dataset offers several; each subject resamples to its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// The cohort, where it is simulated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulated: Option<SimulatedConfig>,
    /// The folds that classifiers are fitted on.
    pub fitted: Vec<u8>,
    /// The folds that fine-tuning chooses its weights by. Absent: the last weights are judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen: Vec<u8>,
    /// The folds that subjects are judged on.
    pub judged: Vec<u8>,
}

impl Protocol {
    /// The names of the protocols that are part of the program.
    pub fn built_in() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// The protocol of that name, or from the TOML file of that path.
    ///
    /// # Errors
    /// [`Error::ProtocolFile`] for a file that cannot be read; those of [`Protocol::parse`].
    pub fn open(name_or_path: &str) -> Result<Self> {
        if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_path) {
            return Self::parse(text, Path::new(name));
        }
        let path = Path::new(name_or_path);
        let text = std::fs::read_to_string(path).map_err(|source| Error::ProtocolFile {
            path: path.into(),
            known: Self::built_in().collect::<Vec<_>>().join(", "),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// Reads a protocol from the `text` of the file at `path`, and checks it.
    ///
    /// # Errors
    /// [`Error::ProtocolToml`] with line and key; [`Error::Protocol`] for what cannot be carried out.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let protocol: Self = toml::from_str(text)
            .map_err(|source| Error::ProtocolToml { path: path.into(), source: Box::new(source) })?;
        let wrong = |problem: String| Error::Protocol { protocol: protocol.name.clone(), problem };
        let ProtocolData { fitted, chosen, judged, .. } = &protocol.data;
        if fitted.is_empty() || judged.is_empty() {
            return Err(wrong("data.fitted and data.judged must each name a fold".into()));
        }
        if let Some(fold) = judged.iter().find(|fold| fitted.contains(fold)) {
            return Err(wrong(format!("fold {fold} is both fitted on and judged on")));
        }
        if let Some(fold) = chosen.iter().find(|fold| fitted.contains(fold) || judged.contains(fold)) {
            return Err(wrong(format!("fold {fold} chooses weights; it may be neither fitted on nor judged on")));
        }
        if protocol.tasks.is_empty() {
            return Err(wrong("it has no task".into()));
        }
        if !chosen.is_empty() && !protocol.tasks.iter().any(|task| matches!(task, Task::FineTuning(_))) {
            return Err(wrong("data.chosen is for fine-tuning, which no task asks for; leave it out".into()));
        }
        for task in &protocol.tasks {
            task.check().map_err(wrong)?;
        }
        Ok(protocol)
    }

    /// SHA-256 of all that decides a number: the protocol with its defaults spelt out, and the prompt sets that it names.
    ///
    /// # Errors
    /// Those of opening a prompt set.
    pub fn hash(&self) -> Result<String> {
        #[derive(Serialize)]
        struct Resolved<'a> {
            protocol: &'a Protocol,
            prompts: BTreeMap<&'a str, PromptSet>,
        }
        let names = self.tasks.iter().filter_map(Task::prompts);
        let prompts = names.map(|name| Ok((name, PromptSet::open(name)?))).collect::<Result<_>>()?;
        let json = serde_json::to_vec(&Resolved { protocol: self, prompts }).map_err(Error::Json)?;
        Ok(hex(&Sha256::digest(json)))
    }
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! What can go wrong while judging a model.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two inputs that belong together differ in length.
    #[error("{what}: expected {expected}, found {found}")]
    Length {
        /// What was counted.
        what: &'static str,
        /// How many there should have been.
        expected: usize,
        /// How many there were.
        found: usize,
    },
    /// An embedding that is searched, or searched for, holds a number that is infinite or none.
    #[error("embedding {row} holds a number that is not finite; embed its recording or text anew")]
    NotFinite {
        /// Its row.
        row: usize,
    },
    /// An interval cannot cover that probability.
    #[error("an interval's level must lie between 0 and 1, found {level}")]
    Level {
        /// The level asked for.
        level: f64,
    },
    /// A penalty of linear heads that leaves them undefined.
    #[error("the decay of linear heads must be a number above 0, found {decay}")]
    Decay {
        /// The decay asked for.
        decay: f64,
    },
    /// A prompt file cannot be read.
    #[error("cannot read the prompts in {}: give the path of a TOML file, or one of the built-in sets challenge-scored, ptb-xl-super, scp-statements, simulated", path.display())]
    PromptFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A prompt file is no TOML, or holds a key that it should not.
    #[error("the prompt file {} is not what it should be", path.display())]
    PromptToml {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A prompt file's content makes no sense.
    #[error("the prompt file {} is not what it should be: {problem}", path.display())]
    Prompt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A prompt set says nothing about a class.
    #[error("the prompt set {set} has no phrasing for {code}; add it under [labels], or choose another set")]
    MissingPrompt {
        /// The prompt set.
        set: String,
        /// The class's code.
        code: String,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written; what stood there before is untouched.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of reference embeddings is damaged, or is something else.
    #[error("{} holds no reference embeddings: {problem}", path.display())]
    Reference {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file of stored embeddings is damaged, or is something else.
    #[error("{} holds no stored embeddings: {problem}; `einthoven embed RUN RECORDING… -o FILE` makes some", path.display())]
    Stored {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A line of a run's log is not what it should be.
    #[error("line {line} of {} is no entry of a log", path.display())]
    Log {
        /// The log.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// A protocol file cannot be read.
    #[error("cannot read the protocol in {}: give the path of a TOML file, or one of the built-in protocols {known}", path.display())]
    ProtocolFile {
        /// The file.
        path: PathBuf,
        /// The names of the built-in protocols.
        known: String,
        /// Why.
        source: std::io::Error,
    },
    /// A protocol file is no TOML, or holds a key that it should not.
    #[error("the protocol file {} is not what it should be", path.display())]
    ProtocolToml {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A protocol cannot be carried out.
    #[error("the protocol {protocol}: {problem}")]
    Protocol {
        /// The protocol.
        protocol: String,
        /// What is wrong.
        problem: String,
    },
    /// A subject under a protocol failed.
    #[error("{subject} failed")]
    Subject {
        /// The subject.
        subject: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Judging was asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// A file holds no results of a protocol.
    #[error("{} holds no results of a protocol; judge the subject anew", path.display())]
    Result {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A file of results is of another version.
    #[error("{} has format version {found}, this build reads {expected}; judge the subject anew", path.display())]
    ResultFormat {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version of this build.
        expected: u32,
    },
    /// A folder or file of results cannot be compared with the others.
    #[error("{} {problem}", path.display())]
    Compare {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong with it, and the remedy.
        problem: String,
    },
    /// A table cannot be written as CSV.
    #[error("a table cannot be written as CSV")]
    Csv(#[source] csv::Error),
    /// A value cannot be written as JSON.
    #[error("a value cannot be written as JSON")]
    Json(#[source] serde_json::Error),
    /// A recording does not meet the model's input contract.
    #[error("{record} cannot be prepared for the model")]
    Record {
        /// The recording.
        record: String,
        /// Why.
        source: Box<einthoven_signal::Error>,
    },
    /// A dataset's records could not be loaded.
    #[error("the dataset's records cannot be loaded")]
    Corpus(#[source] Box<einthoven_corpus::Error>),
    /// The model failed.
    #[error("the model failed")]
    Model(#[source] Box<einthoven_models::Error>),
    /// The tensor library failed.
    #[error("a tensor operation failed")]
    Tensor(#[from] candle_core::Error),
    /// The report's template could not be filled in.
    #[error("the report cannot be laid out")]
    Template(#[from] minijinja::Error),
    /// The embeddings of a class's texts cancel each other out.
    #[error("the texts of {code} have no common direction: their embeddings add up to zero")]
    NoDirection {
        /// The class's code.
        code: String,
    },
    /// A score is not a number, so nothing can be ranked by it.
    #[error("the score of {record} for {class} is not a number; the model or its input is broken")]
    NotANumber {
        /// The class or text that was scored.
        class: String,
        /// The record that was scored.
        record: String,
    },
    /// A record has no caption to compare with.
    #[error("record {record} (counted from 0) has no reference caption; leave it out")]
    NoReference {
        /// The record.
        record: usize,
    },
    /// Nobody can be recognised.
    #[error(
        "{recordings} recordings of {patients} patients are too few for identification: \
         it takes two patients, and a second recording of one of them"
    )]
    NoProbe {
        /// How many recordings there are.
        recordings: usize,
        /// How many patients.
        patients: usize,
    },
    /// An explanation was asked for in a way that makes none.
    #[error("{what} of an explanation: expected {expected}, found {found}")]
    Explanation {
        /// What was set.
        what: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// The knowledge base that captions are read with cannot be opened.
    #[error("the knowledge base cannot be opened")]
    Knowledge(#[source] Box<einthoven_caption::Error>),
    /// The automatic differentiation failed.
    #[error("a gradient cannot be computed")]
    Gradient(#[source] Box<einthoven_nn::Error>),
    /// There is nothing to map.
    #[error("a map needs at least {needed} recordings, found {found}")]
    Map {
        /// How many it takes.
        needed: usize,
        /// How many there are.
        found: usize,
    },
    /// A value that should be a probability lies outside 0 and 1.
    #[error("{value} of record {record} (counted from 0) is no probability; pass scores through a sigmoid first")]
    NotAProbability {
        /// The record.
        record: usize,
        /// Its value.
        value: f64,
    },
}

impl From<einthoven_corpus::Error> for Error {
    fn from(source: einthoven_corpus::Error) -> Self {
        Self::Corpus(Box::new(source))
    }
}

impl From<einthoven_caption::Error> for Error {
    fn from(source: einthoven_caption::Error) -> Self {
        Self::Knowledge(Box::new(source))
    }
}

impl From<einthoven_nn::Error> for Error {
    fn from(source: einthoven_nn::Error) -> Self {
        Self::Gradient(Box::new(source))
    }
}

impl From<einthoven_models::Error> for Error {
    fn from(source: einthoven_models::Error) -> Self {
        Self::Model(Box::new(source))
    }
}

/// What this crate's functions return.
pub type Result<T> = std::result::Result<T, Error>;

/// Fails unless `found == expected`.
pub(crate) fn same_length(what: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found { Ok(()) } else { Err(Error::Length { what, expected, found }) }
}

/// Fails on the first NaN among the scores of one class.
pub(crate) fn no_nan(scores: &[f64]) -> Result<()> {
    match scores.iter().position(|score| score.is_nan()) {
        None => Ok(()),
        Some(record) => {
            Err(Error::NotANumber { class: "the class".into(), record: format!("record {record} (counted from 0)") })
        }
    }
}

/// Fails unless there is a probability for each target.
pub(crate) fn probabilities_for(targets: &[bool], probabilities: &[f64]) -> Result<()> {
    same_length("probabilities for the targets", targets.len(), probabilities.len())?;
    no_nan(probabilities)?;
    match probabilities.iter().position(|value| !(0.0..=1.0).contains(value)) {
        None => Ok(()),
        Some(record) => Err(Error::NotAProbability { record, value: probabilities[record] }),
    }
}

use std::path::PathBuf;

use safetensors::SafeTensorError;

/// What can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A network operation or the parameters it stands on failed.
    #[error(transparent)]
    Network(#[from] einthoven_nn::Error),

    /// The tensor library failed.
    #[error("tensor operation failed: {0}")]
    Tensor(#[from] candle_core::Error),

    /// A configuration value does not make a model.
    #[error("configuration key `{key}`: {message}")]
    Config {
        /// The key, with the tables it lies in.
        key: String,
        /// What is wrong and what was expected.
        message: String,
    },

    /// A model was given input that it cannot take.
    #[error("{what}: {message}")]
    Input {
        /// Which input.
        what: &'static str,
        /// What is wrong and what was expected.
        message: String,
    },

    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },

    /// A file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },

    /// A folder lacks a file that the model needs.
    #[error("{} holds none of: {}", folder.display(), wanted.join(", "))]
    MissingFile {
        /// The folder.
        folder: PathBuf,
        /// The names looked for; one of them is needed.
        wanted: Vec<&'static str>,
    },

    /// A file of weights is damaged: cut short, or its header does not fit its data.
    #[error("{} is not a sound safetensors file: {message}; fetch or save it again", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
        /// The reader's finding.
        source: SafeTensorError,
    },

    /// A file of weights in PyTorch's own format is damaged, or is more than weights.
    #[error("cannot read the PyTorch weights {}: {message}", path.display())]
    PyTorchWeights {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        message: String,
    },

    /// A checkpoint is not one of the system that it is to be imported as.
    #[error("{system}: {message}")]
    Checkpoint {
        /// The system.
        system: &'static str,
        /// The keys at fault, and what was expected of them.
        message: String,
    },

    /// A JSON file does not parse.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why not.
        source: serde_json::Error,
    },

    /// A tokenizer could not be made from its file, or failed on a text.
    #[error("tokenizer {origin}: {source}")]
    Tokenizer {
        /// The file or the work that failed.
        origin: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A tokenizer lacks a token or a setting that a BERT needs.
    #[error("tokenizer {origin}: {message}")]
    Vocabulary {
        /// The file or the work that failed.
        origin: String,
        /// What is missing and what to do.
        message: String,
    },

    /// The Hugging Face Hub, or the local cache of it, did not give what was asked for.
    #[error("{repository} at revision {revision}: {message}")]
    Hub {
        /// The repository, `owner/name`.
        repository: String,
        /// The revision asked for.
        revision: String,
        /// What failed and what to do.
        message: String,
        /// The client's error, where it is one of its.
        source: Option<Box<hf_hub::api::sync::ApiError>>,
    },
}

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn config(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Config { key: key.into(), message: message.into() }
    }

    pub(crate) fn input(what: &'static str, message: impl Into<String>) -> Self {
        Self::Input { what, message: message.into() }
    }
}

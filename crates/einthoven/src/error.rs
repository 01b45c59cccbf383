//! What can go wrong at the front door.

use std::path::{Path, PathBuf};

/// An error of the front door, or of one of the crates behind it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A configuration file cannot be understood; the message holds line and key.
    #[error("{}: {message}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// An override from the command line cannot be applied.
    #[error("--set {}: {message}", overrides.join(" --set "))]
    Override {
        /// The overrides at fault.
        overrides: Vec<String>,
        /// What is wrong with them.
        message: String,
    },
    /// A value of the experiment, or an argument, does not fit the rest.
    #[error("{key}: {message}")]
    Setting {
        /// The key or argument.
        key: String,
        /// What is wrong with it, and the remedy.
        message: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A run folder already holds a run.
    #[error("{} already holds a run: go on with --resume, or choose another folder with --out", path.display())]
    RunExists {
        /// The folder.
        path: PathBuf,
    },
    /// From reading or preparing a recording.
    #[error(transparent)]
    Signal(Box<einthoven_signal::Error>),
    /// From a dataset or its loader.
    #[error(transparent)]
    Corpus(Box<einthoven_corpus::Error>),
    /// From the knowledge base, a language model or the store of descriptions.
    #[error(transparent)]
    Caption(Box<einthoven_caption::Error>),
    /// From an operation on tensors.
    #[error(transparent)]
    Nn(Box<einthoven_nn::Error>),
    /// From a model.
    #[error(transparent)]
    Model(Box<einthoven_models::Error>),
    /// From training or checkpoints.
    #[error(transparent)]
    Train(Box<einthoven_train::Error>),
    /// From judging a model.
    #[error(transparent)]
    Eval(Box<einthoven_eval::Error>),
    /// From the Hub.
    #[error(transparent)]
    Hub(Box<einthoven_hub::Error>),
    /// From writing a model for other programs.
    #[error(transparent)]
    Export(Box<einthoven_export::Error>),
    /// What was to be opened is neither here nor to be had from the Hub.
    #[error("{name} is no run or checkpoint here, and cannot be pulled from the Hub")]
    NotPulled {
        /// What was to be opened.
        name: String,
        /// Why it cannot be pulled.
        source: Box<einthoven_hub::Error>,
    },
    /// From a tensor.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// The result of the front door's functions.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Wraps what the system said about a file.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { action, path, source }
    }

    /// An error about a key or argument.
    pub(crate) fn setting(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Setting { key: key.into(), message: message.into() }
    }

    /// Whether the fault lies in usage or configuration rather than in what happened.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Config { .. } | Self::Override { .. } | Self::Setting { .. } | Self::RunExists { .. } => true,
            Self::Train(error) => matches!(**error, einthoven_train::Error::Config { .. }),
            Self::Model(error) => matches!(**error, einthoven_models::Error::Config { .. }),
            Self::Hub(error) => {
                use einthoven_hub::Error::{Name, NoToken, Visibility};
                matches!(**error, Name { .. } | NoToken { .. } | Visibility { .. })
            }
            Self::Corpus(error) => {
                matches!(**error, einthoven_corpus::Error::Setting { .. } | einthoven_corpus::Error::Contract { .. })
            }
            Self::Caption(error) => {
                use einthoven_caption::Error::{NoStore, Origin, Prompt, Setting};
                matches!(**error, NoStore { .. } | Origin { .. } | Prompt { .. } | Setting { .. })
            }
            _ => false,
        }
    }
}

/// The crates' errors are boxed, so that results stay small.
macro_rules! boxed {
    ($($variant:ident: $error:ty),*) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::$variant(Box::new(error))
            }
        })*
    };
}

boxed!(
    Signal: einthoven_signal::Error,
    Corpus: einthoven_corpus::Error,
    Caption: einthoven_caption::Error,
    Nn: einthoven_nn::Error,
    Model: einthoven_models::Error,
    Train: einthoven_train::Error,
    Eval: einthoven_eval::Error,
    Export: einthoven_export::Error,
    Hub: einthoven_hub::Error
);

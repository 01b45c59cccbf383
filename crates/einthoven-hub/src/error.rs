//! Everything that can go wrong between here and the Hub.

use std::path::{Path, PathBuf};

/// The result of an operation on the Hub.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, with which model, file or address. No variant ever holds a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text is not the name of a model on the Hub.
    #[error("`{name}` is not the name of a model on the Hub: {message}")]
    Name {
        /// The text.
        name: String,
        /// What is wrong with it.
        message: &'static str,
    },
    /// Writing to the Hub needs a token.
    #[error(
        "publishing needs a token: set HF_TOKEN, or log in with `hf auth login` (the token needs write access to {name})"
    )]
    NoToken {
        /// The model that was to be published.
        name: String,
    },
    /// The token holds characters that no header can hold.
    #[error("the token in HF_TOKEN or the token file holds characters that no token has: copy it anew")]
    Token,
    /// The Hub is switched off.
    #[error("cannot {action} {name}: the Hub is switched off (HF_HUB_OFFLINE)")]
    Offline {
        /// What was tried.
        action: &'static str,
        /// The model.
        name: String,
    },
    /// There was no answer, or one that broke off, time and again.
    #[error("{url} could not be reached, or not to the end: {message}; check the network and try again")]
    Unreachable {
        /// The address, without its query.
        url: String,
        /// What went wrong the last time.
        message: String,
    },
    /// The server refuses.
    #[error("{url} answers {status}: {message}")]
    Refused {
        /// The address, without its query.
        url: String,
        /// The status.
        status: u16,
        /// What it means, and the remedy.
        message: String,
    },
    /// An answer is not what the Hub's interface promises.
    #[error("{url} gave an answer that is not understood: {message}")]
    Answer {
        /// The address, without its query.
        url: String,
        /// What is wrong with it.
        message: String,
    },
    /// The storage of large files does not take one.
    #[error("the Hub does not take {file}: {message}")]
    Object {
        /// The file.
        file: String,
        /// What it says.
        message: String,
    },
    /// A repository that is there already is not as visible, or more visible, than was asked for.
    #[error("{name} is there already and is {found}: {remedy}")]
    Visibility {
        /// The model.
        name: String,
        /// `public` or `private`.
        found: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The repository changed between the beginning and the end of the upload.
    #[error(
        "{name} was changed by someone else while this was under way; nothing was published: look at it, then publish again"
    )]
    Changed {
        /// The model.
        name: String,
    },
    /// A model has no receipt.
    #[error(
        "{name} at revision {revision} has no receipt.json, so nothing of it can be verified: it was not published by `einthoven publish`"
    )]
    NoReceipt {
        /// The model.
        name: String,
        /// The revision.
        revision: String,
    },
    /// A receipt cannot be understood.
    #[error("the receipt of {name} is not valid: {message}")]
    Receipt {
        /// The model.
        name: String,
        /// What is wrong with it.
        message: String,
    },
    /// A file is not the one that the receipt describes.
    #[error(
        "{file} of {name} is not the file that the receipt describes: {message}; do not use it; pull again, and tell the owner if that does not help"
    )]
    WrongFile {
        /// The model.
        name: String,
        /// The file.
        file: String,
        /// What is wrong with it.
        message: String,
    },
    /// A model is not in the cache and the Hub may not be asked.
    #[error("{name} is not whole in the cache {} and the Hub is switched off (HF_HUB_OFFLINE): pull it once with the network on", cache.display())]
    NotCached {
        /// The model.
        name: String,
        /// The cache.
        cache: PathBuf,
    },
    /// Another process pulls the same file.
    #[error("another process is writing {}: wait for it, then try again", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
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
    /// The model card cannot be written.
    #[error("the model card cannot be written")]
    Card {
        /// What the template engine said.
        source: minijinja::Error,
    },
}

impl Error {
    /// Wraps what the system said about a file.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { action, path, source }
    }
}

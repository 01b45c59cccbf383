//! Everything that can go wrong with knowledge.

use std::path::PathBuf;

/// The result of an operation on knowledge.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, in which page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A page or a folder of pages could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A folder holds no pages.
    #[error("{} holds no pages: expected files that end in .md", path.display())]
    NoPages {
        /// The folder.
        path: PathBuf,
    },
    /// A folder holds no index.
    #[error("{} holds no index: make one with `einthoven caption index`", path.display())]
    NoIndex {
        /// The folder.
        path: PathBuf,
    },
    /// A file of an index is damaged, or was made in another way.
    #[error("{}: {message}; make the index anew with `einthoven caption index`", path.display())]
    Index {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A file of an index could not be written.
    #[error("cannot write {}", path.display())]
    WriteIndex {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A document cannot be taken into an index.
    #[error("{}: {message}", path.display())]
    Document {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it, and the remedy.
        message: String,
    },
    /// A sentence encoder cannot be opened, or does not answer.
    #[error("the sentence encoder {name}: {message}")]
    Embedder {
        /// The file, model or address.
        name: String,
        /// What is wrong with it.
        message: String,
    },
    /// Numbers are no vectors that can be searched.
    #[error("{message}")]
    Vectors {
        /// What is wrong with them.
        message: String,
    },
    /// A page does not begin with front matter.
    #[error("{}: expected front matter between two lines `---` at the beginning", path.display())]
    NoFrontMatter {
        /// The page.
        path: PathBuf,
    },
    /// The front matter of a page is not valid.
    #[error("{}, line {line}: front matter is not valid", path.display())]
    FrontMatter {
        /// The page.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What the parser said.
        source: Box<serde_saphyr::Error>,
    },
    /// A value in the front matter is impossible.
    #[error("{}: {key} is `{value}`, expected {expected}", path.display())]
    Value {
        /// The page.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
        /// What was expected.
        expected: String,
    },
    /// The body of a page departs from the fixed sections.
    #[error("{}, line {line}: expected {expected}", path.display())]
    Body {
        /// The page.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What was expected there.
        expected: String,
    },
    /// A parent is not a page.
    #[error("{}: there is no page for the parent `{parent}`", path.display())]
    UnknownParent {
        /// The page.
        path: PathBuf,
        /// The parent's slug.
        parent: String,
    },
    /// A page is its own ancestor.
    #[error("{}: the page is its own ancestor", path.display())]
    Cycle {
        /// The page.
        path: PathBuf,
    },
    /// Two pages claim the same code, name or synonym.
    #[error("`{key}` is claimed by {} and by {}", first.display(), second.display())]
    Claimed {
        /// The code, name or synonym, normalised.
        key: String,
        /// The first page.
        first: PathBuf,
        /// The second page.
        second: PathBuf,
    },
}

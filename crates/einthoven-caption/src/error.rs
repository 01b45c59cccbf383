//! Everything that can go wrong with knowledge, and with asking for descriptions.

use std::path::PathBuf;

/// The result of an operation on knowledge or descriptions.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, in which page, setting, request or store.
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
    /// A cross-encoder cannot be opened, or cannot judge.
    #[error("the cross-encoder {name}: {message}")]
    Reranker {
        /// The file or folder.
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
    /// A setting is impossible, or something that it needs is missing.
    #[error("{key}: {message}")]
    Setting {
        /// The key, or the environment variable.
        key: String,
        /// What is wrong, and the remedy.
        message: String,
    },
    /// A GGUF file cannot be used.
    #[error("{}: {message}", path.display())]
    Gguf {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and the remedy.
        message: String,
    },
    /// A request is longer than a model can read.
    #[error(
        "the request has {tokens} tokens, and {} reads at most {context}, its answer included: take a shorter prompt, or a model that reads more",
        path.display()
    )]
    TooLong {
        /// The model's file.
        path: PathBuf,
        /// The tokens of the request.
        tokens: usize,
        /// The tokens that the model reads and writes at most.
        context: usize,
    },
    /// A prompt cannot be used.
    #[error("{}: the prompt is not valid: {message}", path.display())]
    Prompt {
        /// The file, or the name of one that comes with the program.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A statement is not understood by the knowledge base, or says only what is not there.
    #[error("no page describes `{statement}`")]
    NotUnderstood {
        /// The statement.
        statement: String,
    },
    /// A request was not answered, however often it was tried.
    #[error("{url} did not answer in {attempts} tries: {message}")]
    Unanswered {
        /// The address.
        url: String,
        /// How often it was tried.
        attempts: u32,
        /// Why the last try failed.
        message: String,
    },
    /// A server will not answer requests of this kind.
    #[error("{url} refuses the request: {message}")]
    Refused {
        /// The address.
        url: String,
        /// Why.
        message: String,
    },
    /// A server asks for a longer wait than is allowed.
    #[error(
        "{url} asks for a wait of {asked} s, longer than the {longest} s of model.longest_wait_seconds: go on later, all answers are saved"
    )]
    WaitTooLong {
        /// The address.
        url: String,
        /// The wait that it asks for, in seconds.
        asked: u64,
        /// The longest wait allowed, in seconds.
        longest: u64,
    },
    /// The next request could go beyond the budget.
    #[error(
        "the budget of {budget} USD would be exceeded ({spent:.4} USD are spent): raise model.budget_usd to go on, all answers are saved"
    )]
    Budget {
        /// The budget, in US dollars.
        budget: f64,
        /// What is spent.
        spent: f64,
    },
    /// The work was asked to stop.
    #[error("stopped; all answers are saved")]
    Stopped,
    /// A file of a store could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Another process writes to the store.
    #[error("another process writes to {}: wait for it to end", path.display())]
    Locked {
        /// The store.
        path: PathBuf,
    },
    /// A folder is no store of descriptions.
    #[error("{} is no store of descriptions: make one with `einthoven caption build`", path.display())]
    NoStore {
        /// The folder.
        path: PathBuf,
    },
    /// A store holds descriptions of several origins, or not of the one asked for.
    #[error("{} holds descriptions of {found}: name the one to use", path.display())]
    Origin {
        /// The store.
        path: PathBuf,
        /// The origins that there are.
        found: String,
    },
    /// A page could not be drawn.
    #[error("cannot draw the page")]
    Page {
        /// What the template engine said.
        source: Box<minijinja::Error>,
    },
}

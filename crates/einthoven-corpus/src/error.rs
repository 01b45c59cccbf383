//! Everything that can go wrong with a dataset.

use std::path::PathBuf;

/// The result of an operation on datasets.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, about which dataset, file, record or key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Neither a dataset that comes with the project nor a card's file.
    #[error("there is no dataset `{name}`: expected {} or the path of a card (.toml)", known.join(", "))]
    UnknownDataset {
        /// The name asked for.
        name: String,
        /// The datasets that come with the project.
        known: Vec<String>,
    },
    /// A card cannot be understood.
    #[error("dataset card {card} is not valid")]
    Card {
        /// The card's file or name.
        card: String,
        /// What the parser said, with line and key.
        source: Box<toml::de::Error>,
    },
    /// A downloaded dataset was asked for without its folder.
    #[error("dataset `{dataset}` needs its root folder: {}give the folder that holds {file}", download(url))]
    RootNeeded {
        /// The dataset.
        dataset: String,
        /// Where to get it; empty for data of one's own.
        url: String,
        /// The file that must lie in the root.
        file: String,
    },
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file of recordings or a table, such as one in HDF5 or Parquet, cannot be read.
    #[error(transparent)]
    Signals {
        /// What is wrong, with the file.
        source: einthoven_signal::Error,
    },
    /// A JSON file of shards cannot be understood.
    #[error("{} is damaged", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What the parser said, with the line.
        source: serde_json::Error,
    },
    /// Something cannot be written as JSON.
    #[error("cannot encode the description of the shards")]
    Encode {
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A shard is damaged.
    #[error("{}{}: {message}", path.display(), record.as_ref().map_or(String::new(), |id| format!(", record {id}")))]
    Shard {
        /// The shard's file.
        path: PathBuf,
        /// The record, where it is one.
        record: Option<String>,
        /// What is wrong with it.
        message: String,
    },
    /// A folder already holds other shards.
    #[error("{} holds shards of other records, another contract or another storage: choose another folder", folder.display())]
    OtherShards {
        /// The folder.
        folder: PathBuf,
    },
    /// Another process writes into the folder.
    #[error("another process writes into {}: wait for it, or choose another folder", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// A dataset has no known address.
    #[error("dataset `{dataset}` has no known address: its card's source needs `files`, or give the address")]
    NoSource {
        /// The dataset.
        dataset: String,
    },
    /// A request failed.
    #[error("cannot fetch {url}: {message}")]
    Http {
        /// The address.
        url: String,
        /// The server's answer, if there was one.
        status: Option<u16>,
        /// What went wrong, and the remedy where there is one.
        message: String,
    },
    /// A publisher's list of files cannot be used.
    #[error("{url} is no list of files: {message}")]
    FileList {
        /// The address.
        url: String,
        /// What is wrong with it.
        message: String,
    },
    /// A fetched file is not the published one.
    #[error(
        "{url} is not the file that the publisher's checksum describes: its SHA-256 is {found}, expected {expected}"
    )]
    WrongFile {
        /// The address.
        url: String,
        /// The published digest.
        expected: String,
        /// The digest of what came.
        found: String,
    },
    /// The disk has too little room.
    #[error("{} has {} MB of room, {} MB are needed", folder.display(), free / 1_000_000, needed / 1_000_000)]
    Space {
        /// The folder.
        folder: PathBuf,
        /// Bytes needed.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// Some files could not be fetched.
    #[error("{failed} of {files} files could not be fetched; call again to go on from here")]
    NotFetched {
        /// Files that could not be fetched.
        failed: usize,
        /// Files that were to be there.
        files: usize,
        /// The first one's error.
        #[source]
        first: Box<Error>,
    },
    /// Shards were made under another contract than the one asked for.
    #[error(
        "dataset `{dataset}` was sharded under another contract: its {field} differs; shard it anew under the contract asked for"
    )]
    OtherContract {
        /// The dataset.
        dataset: String,
        /// The first key of the contract that differs.
        field: &'static str,
    },
    /// A table is not readable as CSV.
    #[error("cannot parse {}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What the parser said, with the line.
        source: csv::Error,
    },
    /// A table lacks a column.
    #[error("{} has no column `{column}`: is it the dataset's own file?", path.display())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
    },
    /// A field of a table does not hold what its column says.
    #[error("{}, line {line}: {column} is `{value}`, expected {expected}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The column.
        column: String,
        /// The text found.
        value: String,
        /// What was expected, in words.
        expected: &'static str,
    },
    /// The `scp_codes` of a row are not a dictionary of codes and likelihoods.
    #[error("{}, line {line}: malformed scp_codes at character {at}: {message}", path.display())]
    ScpCodes {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The character, counted from 1.
        at: usize,
        /// What was expected.
        message: &'static str,
    },
    /// A row carries a code that the dataset's statement table does not have.
    #[error("{}, line {line}: code `{code}` is not in {}", path.display(), statements.display())]
    UnknownCode {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The code.
        code: String,
        /// The statement table.
        statements: PathBuf,
    },
    /// Two rows of a table have the same key.
    #[error("{}, line {line}: {key} appears twice", path.display())]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// The line of the second one, counted from 1.
        line: u64,
        /// The key.
        key: String,
    },
    /// A file of folds says of a record what is no fold.
    #[error("{}: the fold of record {id} is `{text}`, expected 1 to 255", path.display())]
    Fold {
        /// The file.
        path: PathBuf,
        /// The record.
        id: String,
        /// The text found.
        text: String,
    },
    /// A file of folds has none of the dataset's records.
    #[error("{} names none of the records of dataset `{dataset}`: is it another dataset's?", path.display())]
    OtherRecords {
        /// The file.
        path: PathBuf,
        /// The dataset.
        dataset: String,
    },
    /// A file is not the published one.
    #[error("{} is not the file of version {version}: its SHA-256 is {found}, expected {expected}", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The version of the card.
        version: String,
        /// The published digest.
        expected: String,
        /// The file's digest.
        found: String,
    },
    /// None of the records that a dataset's table lists is there.
    #[error("none of the {listed} records of {} is there: the first one missing is {}", table.display(), first.display())]
    NoRecords {
        /// The table.
        table: PathBuf,
        /// Records listed.
        listed: usize,
        /// The first missing file.
        first: PathBuf,
    },
    /// A folder holds no recording.
    #[error("there are no {expected} in {}: is it the dataset's folder?", root.display())]
    NoRecordings {
        /// The folder.
        root: PathBuf,
        /// What was looked for.
        expected: &'static str,
    },
    /// The dataset is not offered at that sampling rate.
    #[error("dataset `{dataset}` is not offered at {rate} Hz: expected {}", offered.iter().map(u32::to_string).collect::<Vec<_>>().join(" or "))]
    SamplingRate {
        /// The dataset.
        dataset: String,
        /// The rate asked for, in Hz.
        rate: u32,
        /// The rates offered, in Hz.
        offered: Vec<u32>,
    },
    /// The dataset has no such label set.
    #[error("dataset `{dataset}` has no label set `{name}`: expected one of {}", known.join(", "))]
    UnknownLabelSet {
        /// The dataset.
        dataset: String,
        /// The name asked for.
        name: String,
        /// The label sets of the dataset.
        known: Vec<String>,
    },
    /// No record at that index.
    #[error("dataset `{dataset}` has no record {index}: it has {len}")]
    NoSuchRecord {
        /// The dataset.
        dataset: String,
        /// The index asked for.
        index: usize,
        /// Number of records.
        len: usize,
    },
    /// An entry says that it is simulated, or in a shard, in a dataset that is not.
    #[error("record {id} is not among the samples of dataset `{dataset}`")]
    NoSamples {
        /// The dataset.
        dataset: String,
        /// The record.
        id: String,
    },
    /// A record could not be read, simulated or prepared.
    #[error("record {id} of dataset `{dataset}`")]
    Record {
        /// The dataset.
        dataset: String,
        /// The record.
        id: String,
        /// What is wrong with it.
        source: einthoven_signal::Error,
    },
    /// The simulator cannot work with its configuration.
    #[error("cannot simulate the cohort")]
    Simulator {
        /// What is wrong.
        source: einthoven_signal::Error,
    },
    /// A dataset without records was to be loaded.
    #[error("dataset `{dataset}` has no records to load: are the folds of the split right?")]
    Empty {
        /// The dataset.
        dataset: String,
    },
    /// Captions and records differ in number.
    #[error("{captions} captions for the {records} records of dataset `{dataset}`: expected one each")]
    Captions {
        /// The dataset.
        dataset: String,
        /// Number of captions.
        captions: usize,
        /// Number of records.
        records: usize,
    },
    /// Fewer records than one batch needs.
    #[error(
        "a batch of {batch_size} needs more than the {records} records of dataset `{dataset}`: use a smaller batch"
    )]
    BatchSize {
        /// The dataset.
        dataset: String,
        /// Records of a batch.
        batch_size: usize,
        /// Number of records.
        records: usize,
    },
    /// A setting has an impossible value.
    #[error("{key} is {value}: expected {expected}")]
    Setting {
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
        /// What was expected, in words.
        expected: &'static str,
    },
    /// The input contract cannot be met by any record.
    #[error("impossible input contract")]
    Contract {
        /// What is wrong.
        source: einthoven_signal::Error,
    },
    /// A worker thread of the loader could not be started.
    #[error("cannot start a worker thread of the loader")]
    StartWorker {
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A worker thread of the loader ended before its work was done.
    #[error("a worker thread of the loader ended before batch {batch} was ready; its own message says why")]
    WorkerLost {
        /// The batch, counted from 0.
        batch: usize,
    },
}

/// What to do first to have the data.
fn download(url: &str) -> String {
    if url.is_empty() { String::new() } else { format!("download it from {url} and ") }
}

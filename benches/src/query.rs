//! Many recordings against many texts, as a whole, against PyTorch's.

use clap::Args;
use tempfile::TempDir;

use crate::measure::median;
use crate::peer::Peer;
use crate::sizes::{Model, Sizes};
use crate::table::{Table, ratio};
use crate::{Common, Result, machine, python, twin, worker};

/// Tokens of a text: labels are short.
const TOKENS: usize = 12;

/// What is measured.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Models
    #[arg(long, value_delimiter = ',', default_value = "atto-minilm")]
    pub model: Vec<Model>,
    /// Recordings, prepared
    #[arg(long, default_value_t = 1000)]
    pub records: usize,
    /// Texts
    #[arg(long, default_value_t = 71)]
    pub texts: usize,
    /// Samples of each of the 12 leads
    #[arg(long, default_value_t = 5000)]
    pub samples: usize,
    /// Queries that are timed, after one that is not and is compared
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeats: u32,
    /// Threads on both sides
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    pub threads: u32,
    /// Python with torch, transformers and safetensors
    #[arg(long, default_value = "python3")]
    pub python: String,
}

/// A row for each model.
pub fn run(options: &Options) -> Result<Table> {
    let &Options { records, texts, samples, repeats, threads, .. } = options;
    if texts > records {
        return Err("there must be no fewer recordings than texts".into());
    }
    let common = Common { rounds: repeats, threads, python: options.python.clone() };
    let mut table = Table {
        title: format!(
            "{records} prepared recordings of 12 × {samples} samples against {texts} texts, {threads} threads"
        ),
        machine: machine::describe(&common, true)?,
        head: vec!["model", "PyTorch s", "Einthoven s", "ratio", "PyTorch MiB", "Einthoven MiB"],
        ..Table::default()
    };
    for &model in &options.model {
        eprintln!("{}", model.name());
        let folder = TempDir::new()?;
        let sizes = Sizes { model, batch: records, samples, tokens: TOKENS };
        let mut ours = worker::start_query(&sizes, texts, threads, folder.path())?;
        let mut command = python::script("query.py", folder.path(), &common);
        let mut theirs = Peer::start(command.args(["--texts", &texts.to_string()]))?;
        twin::compare_embeddings(folder.path(), twin::TOLERANCE)?;
        let mut seconds = [Vec::new(), Vec::new()];
        for _ in 0..repeats {
            for (peer, seconds) in [&mut theirs, &mut ours].into_iter().zip(&mut seconds) {
                seconds.push(peer.seconds("query")?);
            }
        }
        let [slow, fast] = seconds.map(median);
        let row = [format!("{slow:.2}"), format!("{fast:.2}"), ratio(slow / fast)];
        let peaks = [format!("{:.0}", theirs.finish()?), format!("{:.0}", ours.finish()?)];
        table.rows.push([model.name()].into_iter().chain(row).chain(peaks).collect());
    }
    table.notes.push(
        "Both sides embed 16 recordings at a time, and found the same cosines before they were timed.".to_owned(),
    );
    Ok(table)
}

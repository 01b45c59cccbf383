//! `einthoven embed`.

use std::io::IsTerminal;
use std::process::ExitCode;

use einthoven::corpus::{Leftovers, Split};
use einthoven::eval::{Embeddings, StoredEmbeddings};
use einthoven::signal::Record;
use einthoven::{Data, DataConfig, EmbeddedDataset, Result, Trained, locate};
use serde::Serialize;

use crate::cli::Embed;

/// Recordings that are in memory at once.
const CHUNK: usize = 64;

/// The embedding of a recording.
#[derive(Serialize)]
struct Embedded<'a> {
    record: &'a str,
    embedding: &'a [f32],
}

pub fn embed(options: Embed) -> Result<ExitCode> {
    let trained = Trained::open(&locate(&options.run)?)?;
    let EmbeddedDataset { records, embeddings, leftovers } = match &options.dataset {
        Some(dataset) => of_dataset(&trained, dataset, &options)?,
        None => of_files(&trained, &options)?,
    };
    if !leftovers.is_empty() {
        eprintln!("{leftovers}");
    }
    if let Some(path) = &options.output {
        let (rows, width) = (embeddings.rows(), embeddings.width());
        let model = trained.fingerprint()?;
        StoredEmbeddings { records, model, embeddings }.save(path)?;
        super::print(&format!("{rows} embeddings of {width} numbers in {}", path.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let named = records.iter().enumerate();
    let named: Vec<Embedded> = named.map(|(row, record)| Embedded { record, embedding: embeddings.row(row) }).collect();
    if options.json {
        super::print_json(&named)?;
        return Ok(ExitCode::SUCCESS);
    }
    for Embedded { record, embedding } in named {
        let values: Vec<String> = embedding.iter().map(f32::to_string).collect();
        super::print(&format!("\"{}\",{}", record.replace('"', "\"\""), values.join(",")))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A recording among these that cannot be embedded is an error.
fn of_files(trained: &Trained, options: &Embed) -> Result<EmbeddedDataset> {
    let reading = super::reading(&options.reading)?;
    let mut progress = progress(options.records.len());
    let (mut rows, mut data) = (0, Vec::new());
    for names in options.records.chunks(CHUNK) {
        let open = |name: &String| reading.open(name).map(|record| (name.clone(), record));
        let records = names.iter().map(open).collect::<Result<Vec<(String, Record)>>>()?;
        data.extend_from_slice(trained.embed(&records)?.data());
        rows += records.len();
        progress(rows);
    }
    let embeddings = Embeddings::new(rows, data.len() / rows, data)?;
    Ok(EmbeddedDataset { records: options.records.clone(), embeddings, leftovers: Leftovers::default() })
}

/// Recordings that are not there are left out, as are those that cannot be read or prepared.
fn of_dataset(trained: &Trained, dataset: &str, options: &Embed) -> Result<EmbeddedDataset> {
    let mut dataset = Data::open(&DataConfig { root: options.root.clone(), ..DataConfig::of(dataset) })?;
    if let Some(folds) = &options.folds {
        dataset = dataset.select(&Split::Folds(folds.clone()));
    }
    if !dataset.missing.is_empty() {
        eprintln!("{}: {}", dataset.name, dataset.missing);
    }
    EmbeddedDataset::new(trained, &dataset, progress(dataset.len()))
}

/// Shows on a terminal how many recordings are done.
fn progress(total: usize) -> impl FnMut(usize) {
    let is_shown = std::io::stderr().is_terminal();
    move |done| {
        if is_shown {
            eprint!("\r{done} of {total} recordings{}", if done == total { "\n" } else { "" });
        }
    }
}

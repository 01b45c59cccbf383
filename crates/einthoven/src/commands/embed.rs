//! `einthoven embed`.

use std::io::IsTerminal;
use std::process::ExitCode;

use einthoven::eval::{Embeddings, StoredEmbeddings};
use einthoven::signal::Record;
use einthoven::{Result, Trained, locate};
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
    let reading = super::reading(&options.reading)?;
    let trained = Trained::open(&locate(&options.run)?)?;
    let show_progress = std::io::stderr().is_terminal();
    let (mut rows, mut data) = (0, Vec::new());
    for names in options.records.chunks(CHUNK) {
        let open = |name: &String| reading.open(name).map(|record| (name.clone(), record));
        let records = names.iter().map(open).collect::<Result<Vec<(String, Record)>>>()?;
        data.extend_from_slice(trained.embed(&records)?.data());
        rows += records.len();
        if show_progress {
            eprint!("\r{rows} of {} recordings", options.records.len());
        }
    }
    if show_progress {
        eprintln!();
    }
    let embeddings = Embeddings::new(rows, data.len() / rows, data)?;
    if let Some(path) = &options.output {
        let width = embeddings.width();
        let model = trained.fingerprint()?;
        StoredEmbeddings { records: options.records, model, embeddings }.save(path)?;
        super::print(&format!("{rows} embeddings of {width} numbers in {}", path.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let named = options.records.iter().enumerate();
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

//! `einthoven embed`.

use std::process::ExitCode;

use einthoven::signal::Record;
use einthoven::{Result, Trained, locate};
use serde::Serialize;

use crate::cli::Embed;

/// The embedding of a recording.
#[derive(Serialize)]
struct Embedded<'a> {
    record: &'a str,
    embedding: &'a [f32],
}

pub fn embed(options: &Embed) -> Result<ExitCode> {
    let reading = super::reading(&options.reading)?;
    let open = |name: &String| reading.open(name).map(|record| (name.clone(), record));
    let records: Vec<(String, Record)> = options.records.iter().map(open).collect::<Result<_>>()?;
    let embeddings = Trained::open(&locate(&options.run)?)?.embed(&records)?;
    let rows = records.iter().enumerate();
    let rows: Vec<Embedded> =
        rows.map(|(row, (record, _))| Embedded { record, embedding: embeddings.row(row) }).collect();
    if options.json {
        super::print_json(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    for Embedded { record, embedding } in rows {
        let values: Vec<String> = embedding.iter().map(f32::to_string).collect();
        super::print(&format!("\"{}\",{}", record.replace('"', "\"\""), values.join(",")))?;
    }
    Ok(ExitCode::SUCCESS)
}

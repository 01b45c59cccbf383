//! `einthoven data shard`.

use std::path::Path;
use std::process::ExitCode;

use einthoven::corpus::shards::{ShardConfig, Storage, write};
use einthoven::signal::InputContract;
use einthoven::{Error, Result};

use super::progress::Progress;
use crate::cli::data::Shard;

/// Records that are named at most.
const LISTED: usize = 20;

pub fn shard(options: &Shard) -> Result<ExitCode> {
    let contract = options.contract.as_deref().map_or_else(|| Ok(InputContract::esi_corrected()), contract)?;
    let (dataset, _) = super::open(&options.source)?;
    let storage = if options.i16 { Storage::I16 } else { Storage::F32 };
    let config = ShardConfig { storage, records: options.records };
    let progress = Progress::new(dataset.len() as u64, "records");
    let sharded = write(&dataset, &contract, config, &options.output, &|count| progress.add(count))?;
    drop(progress);
    let mut text = format!(
        "{}: {} records in {} shards, {} of them from before; {} records left out",
        options.output.display(),
        sharded.records,
        sharded.shards,
        sharded.resumed,
        sharded.left_out.count()
    );
    for left in sharded.left_out.records.iter().take(LISTED) {
        text.push_str(&format!("\n  left out: {}: {}", left.id, left.reason));
    }
    crate::commands::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The contract in a file: an experiment, a table of its own, or a checkpoint's `contract.json`.
fn contract(path: &Path) -> Result<InputContract> {
    let unclear = |message: String| Error::Config { path: path.to_owned(), message };
    let read = |source| Error::File { action: "read", path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(read)?;
    if path.extension().is_some_and(|extension| extension == "json") {
        return serde_json::from_str(&text).map_err(|error| unclear(error.to_string()));
    }
    let mut table: toml::Table = text.parse().map_err(|error: toml::de::Error| unclear(error.to_string()))?;
    let contract = table.remove("contract").unwrap_or(toml::Value::Table(table));
    contract.try_into().map_err(|error| unclear(error.to_string()))
}

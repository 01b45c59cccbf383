//! `einthoven data`.

mod bars;
mod check;
mod draw;
mod fetch;
mod list;
mod progress;
mod shard;
mod split;
mod stats;

use std::path::PathBuf;
use std::process::ExitCode;

use einthoven::corpus::{Dataset, DatasetOptions};
use einthoven::{Result, in_data_folder};

use crate::cli::data::{Data, Source};

pub fn data(command: Data) -> Result<ExitCode> {
    match command {
        Data::List(options) => list::list(&options),
        Data::Check(options) => check::check(&options),
        Data::Stats(options) => stats::stats(&options),
        Data::Draw(options) => draw::draw(&options),
        Data::Split(options) => split::split(&options),
        Data::Fetch(options) => fetch::fetch(&options),
        Data::Shard(options) => shard::shard(&options),
    }
}

/// The dataset that was typed, and its folder.
fn open(source: &Source) -> Result<(Dataset, Option<PathBuf>)> {
    let root = source.root.as_deref().map(in_data_folder);
    let options = DatasetOptions { rate: source.rate, ..DatasetOptions::default() };
    Ok((Dataset::open(&source.dataset, root.as_deref(), &options)?, root))
}

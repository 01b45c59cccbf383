//! `einthoven caption`.

mod ask;
mod audit;
mod build;
mod index;
mod progress;

use std::process::ExitCode;

use einthoven::Result;
use einthoven::caption::store::{Store, StoreWriter};

use crate::cli::caption::{Caption, Merge};

pub fn caption(command: &Caption) -> Result<ExitCode> {
    match command {
        Caption::Build(options) => build::build(options),
        Caption::Audit(options) => audit::audit(options),
        Caption::Merge(options) => merge(options),
        Caption::Index(options) => index::index(options),
        Caption::Ask(options) => ask::ask(options),
    }
}

fn merge(options: &Merge) -> Result<ExitCode> {
    let others = options.from.iter().map(Store::open).collect::<std::result::Result<Vec<_>, _>>()?;
    let mut store = StoreWriter::open(&options.into)?;
    for other in &others {
        warn_of_damage(other);
        let new = store.merge(other)?;
        super::print(&format!("{}: {new} new of {} descriptions", other.folder().display(), other.records().len()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Lines of a store that were passed over are told, whatever the store is opened for.
fn warn_of_damage(store: &Store) {
    for damage in store.damage() {
        eprintln!("{damage}");
    }
}

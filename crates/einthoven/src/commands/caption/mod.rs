//! `einthoven caption`.

mod ask;
mod index;

use std::process::ExitCode;

use einthoven::Result;

use crate::cli::Caption;

pub fn caption(command: &Caption) -> Result<ExitCode> {
    match command {
        Caption::Index(options) => index::index(options),
        Caption::Ask(options) => ask::ask(options),
    }
}

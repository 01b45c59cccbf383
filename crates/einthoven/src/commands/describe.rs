//! `einthoven describe`.

use std::process::ExitCode;

use einthoven::{Model, Result, locate};
use serde_json::json;

use crate::cli::Describe;

pub fn describe(options: &Describe) -> Result<ExitCode> {
    let record = super::reading(&options.reading)?.open(&options.record)?;
    let caption = Model::open(&locate(&options.run)?)?.describe(&record, options.max_tokens)?;
    if options.json {
        super::print_json(&json!({ "record": options.record, "caption": caption }))?;
    } else {
        super::print(&caption)?;
    }
    Ok(ExitCode::SUCCESS)
}

//! `einthoven export`.

use std::process::ExitCode;

use einthoven::{Result, locate};
use serde_json::json;

use super::table::Table;
use crate::cli::Export;

pub fn export(options: &Export) -> Result<ExitCode> {
    let export = einthoven::Export { onnx: options.output.clone(), pytorch: options.pytorch.clone() };
    let written = export.write(&locate(&options.run)?)?;
    if options.json {
        let files: Vec<_> = written.iter().map(|(file, bytes)| json!({ "file": file, "bytes": bytes })).collect();
        super::print_json(&files)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&["file", "bytes"]);
    for (file, bytes) in written {
        table.row(&[file.display().to_string(), bytes.to_string()]);
    }
    super::print(table.to_string().trim_end())?;
    Ok(ExitCode::SUCCESS)
}

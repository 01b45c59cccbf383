//! `einthoven draw`.

use std::ffi::OsStr;
use std::process::ExitCode;

use einthoven::signal::draw::{DrawOptions, png, svg};
use einthoven::{Error, Result, write_atomically};

use crate::cli::Draw;

pub fn draw(options: &Draw) -> Result<ExitCode> {
    let (record, subtitle) = super::reading(&options.reading)?.open_with_statements(&options.record)?;
    let picture = DrawOptions { title: options.record.clone(), subtitle };
    let bytes = match options.output.extension().and_then(OsStr::to_str) {
        Some("svg") => svg(&record, &picture)?.into_bytes(),
        Some("png") => png(&record, &picture)?,
        _ => {
            let message = format!("{} should end in .svg or .png", options.output.display());
            return Err(Error::Setting { key: "--output".to_owned(), message });
        }
    };
    write_atomically(&options.output, &bytes)?;
    Ok(ExitCode::SUCCESS)
}

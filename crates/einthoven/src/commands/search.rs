//! `einthoven search`.

use std::io::IsTerminal;
use std::process::ExitCode;

use einthoven::{Hit, Result, Trained, locate};
use serde::Serialize;

use super::table::Table;
use crate::cli::Search;

/// What was found.
#[derive(Serialize)]
struct Found<'a> {
    text: &'a str,
    /// How many recordings were searched.
    recordings: usize,
    /// Those that the text fits best, the best first.
    found: Vec<Hit>,
}

pub fn search(options: &Search) -> Result<ExitCode> {
    let model = Trained::open(&locate(&options.run)?)?;
    let search = einthoven::Search::open(&model, &options.embeddings)?;
    let recordings = search.len();
    if std::io::stderr().is_terminal() {
        eprintln!("searching {recordings} recordings");
    }
    let found = search.nearest(&options.text, options.top)?;
    if options.json {
        super::print_json(&Found { text: &options.text, recordings, found })?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&["recording", "cosine"]);
    for Hit { record, cosine } in &found {
        table.row(&[record.clone(), format!("{cosine:+.3}")]);
    }
    super::print(&format!("{} of {recordings} recordings, the best fitting first\n{table}", found.len()))?;
    Ok(ExitCode::SUCCESS)
}

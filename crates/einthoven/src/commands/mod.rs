//! What each command does.

mod caption;
mod compare;
mod completions;
mod data;
mod describe;
mod draw;
mod embed;
mod evaluate;
mod explain;
mod export;
mod finetune;
mod import;
mod inspect;
mod measure;
mod pretrain;
mod probe;
mod protocol;
mod publish;
mod query;
mod search;
mod stop;
mod table;
mod training;

use std::error::Error as _;
use std::process::ExitCode;

use einthoven::{Error, Reading, Result};
use serde::Serialize;

use crate::cli::{self, Cli, Command};

/// Does what was typed.
pub fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Quickstart(options) => pretrain::quickstart(options),
        Command::Pretrain(options) => pretrain::pretrain(options),
        Command::Finetune(options) => finetune::finetune(options),
        Command::Evaluate(options) => evaluate::evaluate(&options),
        Command::Compare(options) => compare::compare(&options),
        Command::Probe(options) => probe::probe(options),
        Command::Query(options) => query::query(options),
        Command::Describe(options) => describe::describe(&options),
        Command::Explain(options) => explain::explain(&options),
        Command::Embed(options) => embed::embed(options),
        Command::Search(options) => search::search(&options),
        Command::Import(options) => import::import(&options),
        Command::Export(options) => export::export(&options),
        Command::Publish(options) => publish::publish(&options),
        Command::Pull(options) => publish::pull(&options),
        Command::Inspect(options) => inspect::inspect(&options),
        Command::Measure(options) => measure::run(&options),
        Command::Draw(options) => draw::draw(&options),
        Command::Caption(command) => caption::caption(&command),
        Command::Data(command) => data::data(command),
        Command::Completions { shell } => completions::completions(shell),
    }
}

/// An error with its causes, those left out that the line above already tells.
pub fn explain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let line = cause.to_string();
        if !text.contains(&line) {
            text.push_str("\n  because: ");
            text.push_str(&line);
        }
        source = cause.source();
    }
    text
}

/// Prints a value as JSON.
fn print_json(value: &impl Serialize) -> Result<()> {
    let json = serde_json::to_string_pretty(value)
        .map_err(|error| Error::Setting { key: "--json".to_owned(), message: error.to_string() })?;
    print(&json)
}

/// Prints to standard output; a reader that has gone away is no error.
fn print(text: &str) -> Result<()> {
    use std::io::{ErrorKind, Write};
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::File { action: "write to", path: "standard output".into(), source: error })
        }
        _ => Ok(()),
    }
}

fn reading(options: &cli::Reading) -> Result<Reading> {
    Reading::new(options.sampling_rate, options.leads.as_deref(), options.unit.as_deref())
}

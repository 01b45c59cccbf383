//! `einthoven completions`.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;
use einthoven::Result;

pub fn completions(shell: Shell) -> Result<ExitCode> {
    clap_complete::generate(shell, &mut crate::cli::Cli::command(), "einthoven", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}

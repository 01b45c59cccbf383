//! The `einthoven` command.

mod cli;
mod commands;

use std::process::ExitCode;

use clap::Parser;

/// Training allocates large buffers every step; the system's allocator would hand their pages back each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match commands::run(cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", commands::explain(&error));
            ExitCode::from(if error.is_usage() { 2 } else { 1 })
        }
    }
}

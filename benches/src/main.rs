//! Einthoven against PyTorch, per operation, training step and experiment, and Einthoven against length, batch, size and threads.
//!
//! Two sides of a comparison start from the same numbers, and what they compute is compared before anything is timed. They take
//! turns, so that whatever else the machine does hits both alike; medians and their ratio are printed.

mod all;
mod chart;
mod generate;
mod length;
mod machine;
mod measure;
mod ops;
mod peer;
mod python;
mod query;
mod readme;
mod search;
mod side;
mod sizes;
mod step;
mod stored;
mod table;
mod threads;
mod train;
mod twin;
mod worker;

use std::error::Error;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// As in the `einthoven` command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` in mimalloc.h.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Measure Einthoven, and PyTorch beside it.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Every operation with a backward pass, forward and backward, against PyTorch's
    Ops(ops::Options),
    /// A training step of ESI and its inference against PyTorch's
    Step(step::Options),
    /// Einthoven's step against length, batch and size of the model
    Length(length::Options),
    /// Einthoven's step against the number of threads
    Threads(threads::Options),
    /// The search for the nearest of a million vectors, in cells and among all
    Search(search::Options),
    /// Many recordings against many texts, by a model, against PyTorch's
    Query(query::Options),
    /// The search for the nearest of a million stored embeddings, against PyTorch's
    Stored(stored::Options),
    /// A whole experiment, recordings read, trained and judged, against PyTorch's
    Train(train::Options),
    /// A language model in a GGUF file, run here and by llama.cpp's server
    Generate(generate::Options),
    /// Everything but `train`, `generate`, `query` and `stored`, written into benches/README.md with charts
    All(all::Options),
    /// Einthoven's side of a step, on request of the other commands
    #[command(hide = true)]
    Worker(worker::Options),
    /// Einthoven's side of a whole experiment
    #[command(hide = true)]
    TrainSide(train::Side),
}

/// What all comparisons have in common.
#[derive(Clone, Debug, Args)]
struct Common {
    /// Rounds that are timed, after two that are not
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Threads on both sides
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    threads: u32,
    /// Python with torch, transformers and safetensors
    #[arg(long, default_value = "python3")]
    python: String,
}

impl Command {
    /// Threads that this process computes with; only `ops`, `search`, `stored`, `generate` and `worker` do.
    fn threads(&self) -> u32 {
        match self {
            Self::Ops(options) => options.common.threads,
            Self::Search(options) => options.common.threads,
            Self::Stored(options) => options.common.threads,
            Self::Generate(options) => options.common.threads,
            Self::All(options) => options.common.threads,
            Self::Worker(options) => options.threads,
            Self::TrainSide(options) => options.threads,
            Self::Step(_) | Self::Length(_) | Self::Threads(_) | Self::Train(_) | Self::Query(_) => 1,
        }
    }

    fn run(&self) -> Result<()> {
        match self {
            Self::Ops(options) => print(&[ops::run(options)?]),
            Self::Step(options) => print(&[step::run(options)?]),
            Self::Length(options) => print(&length::run(options)?),
            Self::Threads(options) => print(&[threads::run(options)?]),
            Self::Search(options) => print(&[search::run(options)?]),
            Self::Query(options) => print(&[query::run(options)?]),
            Self::Stored(options) => print(&[stored::run(options)?]),
            Self::Train(options) => print(&[train::run(options)?]),
            Self::Generate(options) => print(&[generate::run(options)?]),
            Self::All(options) => return all::run(options),
            Self::TrainSide(options) => return train::side(options),
            Self::Worker(options) => return worker::run(options),
        }
        Ok(())
    }
}

fn print(tables: &[table::Table]) {
    for table in tables {
        println!("{table}");
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // SAFETY: no other thread runs yet.
    unsafe {
        std::env::set_var("RAYON_NUM_THREADS", cli.command.threads().to_string());
        // As in the `einthoven` command.
        libmimalloc_sys::mi_option_set(PURGE_DELAY, -1);
        std::env::set_var("CANDLE_NUM_THREADS", "1");
    }
    match cli.command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

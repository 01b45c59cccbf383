//! The `einthoven` command.

mod cli;
mod commands;

use std::process::ExitCode;

use clap::Parser;

/// Training allocates large buffers every step, which the system's allocator hands back each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` in mimalloc.h, which the bindings do not name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

fn main() -> ExitCode {
    // SAFETY: no other thread runs yet.
    unsafe {
        // Memory of one step serves the next; given back in between, the system would zero it anew.
        libmimalloc_sys::mi_option_set(PURGE_DELAY, -1);
        // Our operations run on rayon's threads; candle's own pool would spin beside them between its few operations.
        std::env::set_var("CANDLE_NUM_THREADS", "1");
    }
    match commands::run(cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", commands::explain(&error));
            ExitCode::from(if error.is_usage() { 2 } else { 1 })
        }
    }
}

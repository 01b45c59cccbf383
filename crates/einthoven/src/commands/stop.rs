//! Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use einthoven::{Error, Result};

/// The exit code of interrupted work, as shells give it.
pub const INTERRUPTED: u8 = 130;

/// The first Ctrl-C asks the work to save and end, the second ends it at once; `doing` says what the first sets off.
pub fn stop_on_ctrl_c(doing: &'static str) -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let handler = move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        eprintln!("\n{doing}; press Ctrl-C again to end at once");
    };
    ctrlc::set_handler(handler)
        .map_err(|error| Error::Setting { key: "Ctrl-C".to_owned(), message: error.to_string() })?;
    Ok(stop)
}

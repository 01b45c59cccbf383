//! Where tests find data that is not part of the project.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod flac;
pub mod memory;
pub mod python;
pub mod wfdb;

use std::path::PathBuf;

/// The folder of real recordings, if there is one.
pub fn data() -> Option<PathBuf> {
    folder("EINTHOVEN_DATA", "data")
}

/// The folder of golden files, if there is one.
pub fn golden() -> Option<PathBuf> {
    folder("EINTHOVEN_GOLDEN", "golden")
}

fn folder(variable: &str, name: &str) -> Option<PathBuf> {
    let place = std::env::var_os(variable)
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(name), PathBuf::from);
    if !place.is_dir() {
        println!("skipped: {} not found", place.display());
        return None;
    }
    Some(place)
}

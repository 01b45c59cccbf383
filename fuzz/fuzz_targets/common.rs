//! Files in memory.

#![allow(dead_code, reason = "each target uses its part")]

use std::path::{Path, PathBuf};

use einthoven_signal::{ArrayOptions, Lead, Unit};

/// A folder of this process, in memory where the system has such a place.
pub fn folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let folder = parent.join(format!("einthoven-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for files");
    folder
}

/// A file of these bytes.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    std::fs::write(&path, bytes).expect("a file");
    path
}

/// All that array files may lack.
pub fn options() -> ArrayOptions {
    ArrayOptions { leads: Some(vec![Lead::I, Lead::II]), sampling_rate: Some(500.0), unit: Some(Unit::Microvolt) }
}

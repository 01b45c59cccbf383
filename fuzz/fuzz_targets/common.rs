//! Files in memory, and how much memory it takes to read them.

#![allow(dead_code, reason = "each target uses its part")]

#[path = "../../crates/einthoven-signal/tests/common/memory.rs"]
mod memory;

use std::path::{Path, PathBuf};

use memory::Counting;

use einthoven_signal::{ArrayOptions, Lead, Unit};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Memory that does not depend on the file: buffers of the decompressor and the XML parser, messages.
const FIXED: usize = 128 << 10;

/// Fails where `read` takes more memory than `times` the `bytes` of a file.
pub fn bounded<T>(times: usize, bytes: usize, read: impl FnOnce() -> T) {
    let most = Counting::most(|| drop(read()));
    assert!(most <= times * bytes + FIXED, "{most} bytes of memory for {bytes} of file");
}

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

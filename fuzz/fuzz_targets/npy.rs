//! NumPy arrays.

#![no_main]

mod common;

use einthoven_signal::format::npy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = common::file("r.npy", bytes);
    common::bounded(10, bytes.len(), || npy::read(&file, &common::options()));
});

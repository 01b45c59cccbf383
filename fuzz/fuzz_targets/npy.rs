//! NumPy arrays.

#![no_main]

mod common;

use einthoven_signal::format::npy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    _ = npy::read(&common::file("r.npy", bytes), &common::options());
});

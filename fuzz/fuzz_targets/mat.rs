//! MATLAB files.

#![no_main]

mod common;

use einthoven_signal::format::mat;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    _ = mat::read(&common::file("r.mat", bytes), &common::options());
});

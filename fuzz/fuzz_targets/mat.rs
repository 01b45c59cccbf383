//! MATLAB files.

#![no_main]

mod common;

use einthoven_signal::format::mat;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = common::file("r.mat", bytes);
    common::bounded(100, bytes.len(), || mat::read(&file, &common::options()));
});

//! Comma-separated text.

#![no_main]

mod common;

use einthoven_signal::format::csv;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = common::file("r.csv", bytes);
    common::bounded(10, bytes.len(), || csv::read(&file, &common::options()));
});

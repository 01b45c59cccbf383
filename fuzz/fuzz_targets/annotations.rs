//! WFDB annotation files.

#![no_main]

mod common;

use einthoven_signal::format::wfdb;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    _ = wfdb::read_annotations(&common::file("r.atr", bytes));
});

//! WFDB annotation files.

#![no_main]

mod common;

use einthoven_signal::format::wfdb;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = common::file("r.atr", bytes);
    // A mark of two bytes becomes two strings and four numbers.
    common::bounded(128, bytes.len(), || wfdb::read_annotations(&file));
});

//! EDF and EDF+ files.

#![no_main]

mod common;

use einthoven_signal::format::edf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = common::file("r.edf", bytes);
    common::bounded(10, bytes.len(), || edf::read(&file));
});

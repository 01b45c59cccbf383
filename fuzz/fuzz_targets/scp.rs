//! SCP-ECG files.

#![no_main]

mod common;

use einthoven_signal::format::scp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = common::file("r.scp", bytes);
    common::bounded(64, bytes.len(), || scp::read(&file));
});

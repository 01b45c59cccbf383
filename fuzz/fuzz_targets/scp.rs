//! SCP-ECG files.

#![no_main]

mod common;

use einthoven_signal::format::scp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    _ = scp::read(&common::file("r.scp", bytes));
});

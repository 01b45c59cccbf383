//! WFDB headers, beside a signal file.

#![no_main]

mod common;

use einthoven_signal::format::wfdb;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Whatever a header names is looked for in its folder, where there is nothing else.
    common::file("r.dat", &[7; 2400]);
    let file = common::file("r.hea", bytes);
    common::bounded(10, bytes.len() + 2400, || wfdb::read(&file));
});

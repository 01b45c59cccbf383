//! WFDB signal files: the first byte chooses the storage format, the second the number of signals.

#![no_main]

mod common;

use einthoven_signal::format::wfdb;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    const FORMATS: [u32; 13] = [8, 16, 24, 32, 61, 80, 160, 212, 310, 311, 508, 516, 524];
    let [format, signals, data @ ..] = bytes else {
        return;
    };
    let format = FORMATS[usize::from(*format) % FORMATS.len()];
    let signals = usize::from(*signals) % 12 + 1;
    common::file("r.dat", data);
    let header = format!("r {signals} 500\n") + &format!("r.dat {format} 200/mV 16 0\n").repeat(signals);
    let file = common::file("r.hea", header.as_bytes());
    common::bounded(10, bytes.len(), || wfdb::read(&file));
});

//! DICOM waveforms.

#![no_main]

mod common;

use einthoven_signal::format::dicom;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    _ = dicom::read(&common::file("r.dcm", bytes));
});

//! DICOM waveforms.

#![no_main]

mod common;

use einthoven_signal::format::dicom;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = common::file("r.dcm", bytes);
    common::bounded(100, bytes.len(), || dicom::read(&file));
});

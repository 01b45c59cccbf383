//! HL7 annotated ECG, GE MUSE and Philips Sierra XML.

#![no_main]

mod common;

use einthoven_signal::format::xml;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = common::file("r.xml", bytes);
    common::bounded(100, bytes.len(), || xml::read(&file));
});

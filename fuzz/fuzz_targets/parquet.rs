//! Parquet files, as a recording and as a table.

#![no_main]

mod common;

use einthoven_signal::format::parquet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = common::file("r.parquet", bytes);
    common::bounded(100, bytes.len(), || parquet::read(&path, &common::options()));
    common::bounded(100, bytes.len(), || parquet::read_rows(&path));
});

//! HDF5 files in the layout of CODE-15 %.

#![no_main]

mod common;

use einthoven_signal::format::hdf5;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = common::file("r.hdf5", bytes);
    // The library takes some megabytes whatever the file's size.
    common::bounded(100, bytes.len() + (1 << 16), || {
        if let Ok(archive) = hdf5::Archive::open(&file) {
            for index in 0..archive.exam_ids().len().min(4) {
                _ = archive.record(index, &common::options());
            }
        }
    });
});

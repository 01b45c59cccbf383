//! HDF5 files in the layout of CODE-15 %.

#![no_main]

mod common;

use einthoven_signal::format::hdf5;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(archive) = hdf5::Archive::open(&common::file("r.hdf5", bytes)) {
        for index in 0..archive.exam_ids().len().min(4) {
            _ = archive.record(index, &common::options());
        }
    }
});

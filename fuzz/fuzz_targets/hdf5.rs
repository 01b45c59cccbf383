//! HDF5 files in the layout of CODE-15 %.

#![no_main]

mod common;

use einthoven_signal::format::hdf5;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = common::file("r.hdf5", bytes);
    // An object header says how many messages it has (65,535 at most), and the library makes room for them all: 9 MB for each of the
    // objects that are open at once.
    common::bounded(100, bytes.len() + (1 << 18), || {
        if let Ok(archive) = hdf5::Archive::open(&file) {
            for index in 0..archive.exam_ids().len().min(4) {
                _ = archive.record(index, &common::options());
            }
        }
    });
});

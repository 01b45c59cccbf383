//! Damaged files of every format: no panic, no hang, and no more memory than ten times the file.
//!
//! Alone in its program, as it counts what the program allocates.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;

use common::memory::Counting;
use einthoven_random::Streams;
use einthoven_signal::format::{parquet, wfdb};
use einthoven_signal::simulate::{SimulatorConfig, simulate};
use einthoven_signal::{ArrayOptions, Lead, Unit, open_with};
use rand::RngExt;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Memory that does not depend on the file: buffers of the decompressor and the XML parser, messages.
const FIXED: usize = 128 << 10;

/// Random changes of each file.
const CHANGES: usize = 1000;

/// Opens a file of these bytes, and says how much memory that took at most.
fn open(path: &Path, bytes: &[u8]) -> usize {
    std::fs::write(path, bytes).unwrap();
    let options =
        ArrayOptions { leads: Some(vec![Lead::I, Lead::II]), sampling_rate: Some(500.0), unit: Some(Unit::Microvolt) };
    Counting::most(|| {
        match open_with(path, &options) {
            Ok(record) => assert!(!record.is_empty()),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        if path.extension().is_some_and(|extension| extension == "parquet") {
            // A table and not a recording, perhaps.
            _ = parquet::read_rows(path);
        }
    })
}

/// The files that are damaged: those of other libraries, and small ones of the other formats.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(fixtures)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .filter(|(name, _)| !name.ends_with(".json"))
        .collect();
    files.sort();
    files.push(("endless.parquet".into(), endless_footer()));
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    let header = "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 50), }\n";
    npy.extend((header.len() as u16).to_le_bytes());
    npy.extend(header.as_bytes());
    npy.extend((0..200).map(|i| i as u8));
    files.push(("array.npy".into(), npy));
    let rows: String = (0..50).map(|i| format!("{i},{}\n", i % 7)).collect();
    files.push(("array.csv".into(), format!("# sampling_rate: 100\nI,II\n{rows}").into_bytes()));
    let record =
        simulate(&SimulatorConfig { seconds: 5.0, sampling_rate: 100.0, ..Default::default() }, &Streams::new(1), 0)
            .unwrap()
            .record;
    wfdb::write(&record, &folder.join("r.hea")).unwrap();
    files.push(("r.hea".into(), std::fs::read(folder.join("r.hea")).unwrap()));
    files
}

/// What fuzzing found in WFDB signal files: the storage format, the number of signals, and the file.
const FINDINGS: [(u32, usize, &[u8]); 3] = [
    // FLAC streams that announce megabytes of metadata.
    (516, 5, b"fLaC\x02\x20\x01\x61C\x02\x00\x01\x01signal 2\x00\x00"),
    (516, 5, b"fLaC\x02\x02\0\0\0\xf7fL\xe3\0\xe3\0\0\0\x02\0\0\0\xf7fLaC\xe0\xcd\xff\xff"),
    (524, 3, b"fLaC\x02\x5b\0\0\0\0\0\0\0\0\0\x01\x02 2"),
];

/// Two hundred lists of as many truth values as can be counted, in a footer of two kilobytes: to count them took minutes.
fn endless_footer() -> Vec<u8> {
    let list = [0x09, 0xc8, 0x01, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x07];
    let mut footer = list.repeat(200);
    footer.push(0);
    let length = (footer.len() as u32).to_le_bytes();
    [b"PAR1", &footer[..], &length, b"PAR1"].concat()
}

#[test]
fn damaged_files_do_no_harm() {
    // In memory where the system has such a place, as there are tens of thousands of files.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let mut streams = Streams::new(7).stream("damage", &[]);
    for (name, bytes) in files(folder.path()) {
        let path = folder.path().join(&name);
        // A header's signal file is beside it.
        let signals = std::fs::metadata(path.with_extension("dat")).map_or(0, |file| file.len() as usize);
        let check = |damaged: &[u8]| {
            let most = open(&path, damaged);
            let limit = 10 * (damaged.len() + signals) + FIXED;
            assert!(most <= limit, "{name}: {most} bytes of memory for {} of file", damaged.len());
        };
        check(&bytes);
        for end in 0..bytes.len() {
            check(&bytes[..end]);
        }
        for _ in 0..CHANGES {
            let mut damaged = bytes.clone();
            for _ in 0..streams.random_range(1..=3) {
                let place = streams.random_range(0..damaged.len());
                damaged[place] = match streams.random_range(0..4) {
                    0 => damaged[place] ^ 1 << streams.random_range(0..8),
                    1 => 0xff,
                    2 => 0,
                    _ => streams.random(),
                };
            }
            check(&damaged);
        }
    }
    for (format, signals, bytes) in FINDINGS {
        std::fs::write(folder.path().join("f.dat"), bytes).unwrap();
        let header = format!("f {signals} 500\n") + &format!("f.dat {format} 200/mV 16 0\n").repeat(signals);
        let most = open(&folder.path().join("f.hea"), header.as_bytes());
        assert!(most <= 10 * (header.len() + bytes.len()) + FIXED, "{most} bytes of memory for {bytes:?}");
    }
}

//! The Python `wfdb` package reads the same values, where it is installed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::python::python;
use common::wfdb::{Folder, checksum, encode, interleave, values};
use einthoven_signal::open;

/// Prints the physical values of each record as a JSON object of lists, one for each signal; null where missing.
const READ: &str = r#"
import json, sys, wfdb, numpy as np
def rows(name):
    record = wfdb.rdrecord(name)
    return [[None if np.isnan(x) else float(x) for x in row] for row in record.p_signal.T]
print(json.dumps({name: rows(name) for name in sys.argv[1:]}))
"#;

/// Asserts that records are read as by the package.
fn assert_same(folder: &Folder, names: &[String]) {
    let paths = names.iter().map(|name| folder.path(name));
    let Some(printed) = python("wfdb", READ, paths) else {
        return;
    };
    let expected: serde_json::Value = serde_json::from_str(&printed).unwrap();
    for name in names {
        let path = folder.path(name);
        let record = open(&path).unwrap();
        let rows = expected[path.to_str().unwrap()].as_array().unwrap();
        assert_eq!(record.leads().len(), rows.len(), "{name}");
        for (i, row) in rows.iter().enumerate() {
            let row: Vec<Option<f32>> = row.as_array().unwrap().iter().map(|x| x.as_f64().map(|x| x as f32)).collect();
            let found: Vec<_> = record.row(i).iter().map(|&x| Some(x).filter(|x| !x.is_nan())).collect();
            assert_eq!(found, row, "signal {i} of {name}");
        }
    }
    println!("{} records are the same", names.len());
}

#[test]
fn every_format_is_read_as_by_the_package() {
    let folder = Folder::new();
    let mut names = Vec::new();
    let formats = [
        (8, 7),
        (16, 16),
        (24, 24),
        (32, 32),
        (61, 16),
        (80, 8),
        (160, 16),
        (212, 12),
        (310, 10),
        (311, 10),
        (508, 8),
        (516, 16),
        (524, 24),
    ];
    for (format, bits) in formats {
        for (signals, length) in [(1, 100), (2, 35), (3, 101), (3, 102)] {
            let name = format!("f{format}_{signals}_{length}");
            let rows = values(bits, signals, length);
            folder.write(&format!("{name}.dat"), encode(format, &interleave(&rows), signals));
            let mut header = format!("{name} {signals} 250 {length}\n");
            for (i, row) in rows.iter().enumerate() {
                let sum = checksum(row);
                header += &format!("{name}.dat {format} 207.5(-3)/mV {bits} 0 {} {sum} 0 signal {i}\n", row[0]);
            }
            folder.write(&format!("{name}.hea"), header);
            names.push(name);
        }
    }
    assert_same(&folder, &names);
}

#[test]
fn frames_skew_and_offsets_are_read_as_by_the_package() {
    let folder = Folder::new();
    let mut frames = values(12, 6, 200);
    // In the mean of a frame the package counts a missing sample as its stored value.
    frames[0][0] += 1;
    let mut behind = vec![0x55; 24];
    behind.extend(encode(212, &interleave(&frames), 6));
    folder.write("a.dat", behind);
    folder.write("a.hea", "a 3 100 200\na.dat 212x4+24 200 12 0\na.dat 212:5+24 100(7)/mV 12 0\na.dat 212+24 1 12 0\n");

    let pair = values(16, 2, 400);
    folder.write("b.dat", encode(516, &interleave(&pair), 2));
    folder.write("b.hea", "b 2 100 97\nb.dat 516x4+6 200(5) 16 0\nb.dat 516x4+6 100 16 0\n");
    assert_same(&folder, &["a".into(), "b".into()]);
}

#[test]
fn segments_are_joined_as_by_the_package() {
    let folder = Folder::new();
    let rows = values(16, 2, 50);
    for (name, description) in [("a", ["II", "V"]), ("b", ["V", "II"])] {
        folder.write(&format!("{name}.dat"), encode(16, &interleave(&rows), 2));
        let lines = [0, 1].map(|i| {
            let sum = checksum(&rows[i]);
            format!("{name}.dat 16 {}/mV 16 0 {} {sum} 0 {}\n", 100 + i, rows[i][0], description[i])
        });
        folder.write(&format!("{name}.hea"), format!("{name} 2 125 50\n{}", lines.concat()));
    }
    folder.write("fixed.hea", "fixed/3 2 125 150\na 50\na 50\na 50\n");
    folder.write("lay.hea", "lay 2 125 0\n~ 0 1/mV 0 0 0 0 0 II\n~ 0 1/mV 0 0 0 0 0 V\n");
    folder.write("variable.hea", "variable/5 2 125 170\nlay 0\na 50\n~ 20\nb 50\na 50\n");
    assert_same(&folder, &["fixed".into(), "variable".into()]);
}

#[test]
fn records_of_the_package_are_read() {
    let folder = Folder::new();
    // Compressed for true, unlike those of the encoder here.
    let script = r#"
import os, sys, wfdb, numpy as np
os.chdir(sys.argv[1])
rng = np.random.default_rng(1)
t = np.arange(5000)
for name in sys.argv[2:]:
    fmt, n = name[1:].split("_")
    n = int(n)
    bits = {"80": 8, "212": 12, "16": 16, "24": 24, "32": 32}.get(fmt) or int(fmt) - 500
    size = 2.0 ** (bits - 2)
    wave = np.stack([size * np.sin(t / (7 + 3 * i)) + rng.normal(0, size / 50, len(t)) for i in range(n)], 1)
    wave[100:200, 0] = -2 ** (bits - 1)
    wave[1000:2000, n - 1] = 3
    wfdb.wrsamp(name, fs=500, units=["mV"] * n, sig_name=[f"c{i}" for i in range(n)], d_signal=wave.astype("int64"),
        fmt=[fmt] * n, adc_gain=[200.0] * n, baseline=[1] * n)
"#;
    let formats = ["80", "212", "16", "24", "32", "508", "516", "524"];
    let names: Vec<String> = formats.iter().flat_map(|f| [1, 2, 5].map(|n| format!("f{f}_{n}"))).collect();
    let arguments = std::iter::once(folder.path("").into_os_string()).chain(names.iter().map(Into::into));
    if python("wfdb", script, arguments).is_some() {
        assert_same(&folder, &names);
    }
}

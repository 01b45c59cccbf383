//! WFDB records of every storage format, written here by an encoder of their own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use einthoven_signal::format::wfdb::{self, Header};
use einthoven_signal::{Error, Lead, open};
use tempfile::TempDir;

/// A folder of files that is gone after the test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }
}

/// The values of a frame after the other, as a signal file stores them.
fn encode(format: u32, values: &[i32]) -> Vec<u8> {
    let low_bytes = |n: usize| values.iter().flat_map(move |v| v.to_le_bytes().into_iter().take(n));
    match format {
        16 => low_bytes(2).collect(),
        24 => low_bytes(3).collect(),
        32 => low_bytes(4).collect(),
        80 => values.iter().map(|v| (v + 128) as u8).collect(),
        212 => {
            let mut nibbles: Vec<u8> = Vec::new();
            for pair in values.chunks(2) {
                let first = pair[0] as u32 & 0xfff;
                let second = pair.get(1).map_or(0, |&v| v as u32 & 0xfff);
                nibbles.push(first as u8);
                nibbles.push((first >> 8 | second >> 8 << 4) as u8);
                if pair.len() == 2 {
                    nibbles.push(second as u8);
                }
            }
            nibbles
        }
        _ => unreachable!(),
    }
}

/// Values across the whole range of a format, its lowest (a missing sample) among them.
fn values(bits: u32, signals: usize, length: usize) -> Vec<Vec<i32>> {
    let span = 1_i64 << bits;
    let at = |signal: usize, i: usize| {
        let step = (i as i64 * 7919 + signal as i64 * 104_729) * (span / 1009).max(1);
        (step.rem_euclid(span) - span / 2) as i32
    };
    let mut rows: Vec<Vec<i32>> = (0..signals).map(|s| (0..length).map(|i| at(s, i)).collect()).collect();
    rows[0][0] = (-span / 2) as i32;
    rows[signals - 1][length - 1] = (span / 2 - 1) as i32;
    rows
}

fn interleave(rows: &[Vec<i32>]) -> Vec<i32> {
    (0..rows[0].len()).flat_map(|i| rows.iter().map(move |row| row[i])).collect()
}

fn checksum(row: &[i32]) -> i64 {
    row.iter().map(|&v| i64::from(v)).sum::<i64>().rem_euclid(65536)
}

/// A record of two or three leads in one file, behind `offset` bytes.
fn write(folder: &Folder, format: u32, bits: u32, signals: usize, length: usize, offset: usize) -> Vec<Vec<i32>> {
    let rows = values(bits, signals, length);
    let file = if offset > 0 { "r.mat" } else { "r.dat" };
    let mut header = format!("r {signals} 250 {length}\n");
    for (row, name) in rows.iter().zip(["I", "avf", "V5R"]) {
        let offset = if offset > 0 { format!("+{offset}") } else { String::new() };
        let sum = checksum(row);
        header += &format!("{file} {format}{offset} 200.5(-3)/mV {bits} 0 {} {sum} 0 {name}\n", row[0]);
    }
    folder.write("r.hea", header);
    let mut bytes = vec![0xaa; offset];
    bytes.extend(encode(format, &interleave(&rows)));
    folder.write(file, bytes);
    rows
}

#[test]
fn every_format_is_read() {
    for (format, bits) in [(16, 16), (24, 24), (32, 32), (80, 8), (212, 12)] {
        for (signals, length, offset) in [(2, 500, 0), (3, 7, 0), (1, 1, 0), (3, 33, 24), (1, 5, 1)] {
            let folder = Folder::new();
            let rows = write(&folder, format, bits, signals, length, offset);
            let digital = wfdb::read_digital(&folder.path("r.hea")).unwrap();
            assert_eq!(digital.values, rows.concat(), "format {format}");

            let record = open(&folder.path("r.hea")).unwrap();
            assert_eq!((record.len(), record.sampling_rate()), (length, 250.0));
            let leads = [Lead::I, Lead::AVF, Lead::Other("V5R".into())];
            assert_eq!(record.leads(), &leads[..signals]);
            let missing = -(1_i64 << (bits - 1)) as i32;
            for (i, row) in rows.iter().enumerate() {
                for (&found, &value) in record.row(i).iter().zip(row) {
                    if value == missing {
                        assert!(found.is_nan(), "format {format}");
                    } else {
                        assert_eq!(found, ((f64::from(value) + 3.0) / 200.5) as f32);
                    }
                }
            }
        }
    }
}

#[test]
fn any_file_of_a_record_opens_it() {
    let folder = Folder::new();
    write(&folder, 16, 16, 2, 9, 0);
    let record = open(&folder.path("r.hea")).unwrap();
    assert_eq!(open(&folder.path("r")).unwrap().samples()[1..], record.samples()[1..]);
    assert_eq!(open(&folder.path("r.dat")).unwrap().len(), 9);
    let other = folder.write("notes.txt", "hello");
    assert!(matches!(open(&other), Err(Error::UnknownFormat { path }) if path == other));
    let absent = folder.path("absent");
    assert!(matches!(open(&absent), Err(Error::Read { path, .. }) if path == absent));
    let directory = folder.path("");
    assert!(matches!(open(&directory), Err(Error::UnknownFormat { .. })));
}

#[test]
fn signals_may_be_spread_over_files_and_units() {
    let folder = Folder::new();
    folder.write(
        "r.hea",
        "r 4 500/360(1.5) 3 12:30:05.25 01/02/2003\n\
         # Age: 62\n\
         a.dat 16 0 12 100 0 0 0 I\n\
         b.dat 212 2(5)/uV\n\
         a.dat 16 1e-1/V 0 0 0 0 0 lead III\n\
         c.dat 80 100/\u{b5}V 8 3 0 0 0 V1 \n\
         #Sex: F\n",
    );
    folder.write("a.dat", encode(16, &[300, 1, -100, 2, 500, 3]));
    folder.write("b.dat", encode(212, &[7, -95, 2005]));
    folder.write("c.dat", encode(80, &[103, -97, 3]));
    let header = Header::read(&folder.path("r.hea")).unwrap();
    assert_eq!((header.counter_frequency, header.base_counter), (Some(360.0), Some(1.5)));
    assert_eq!(header.base_time.as_deref(), Some("12:30:05.25"));
    assert_eq!(header.base_date.as_deref(), Some("01/02/2003"));
    assert_eq!(header.signals[1].checksum, None);

    // Without these checksums: 0 is right for none of the signals.
    let text = std::fs::read_to_string(folder.path("r.hea")).unwrap();
    folder.write(
        "r.hea",
        text.replace(" 0 0 0 I", "").replace(" 0 0 0 0 0 lead III", "").replace(" 8 3 0 0 0 V1", " 8 3"),
    );
    let record = open(&folder.path("r.hea")).unwrap();
    let leads: Vec<_> = record.leads().iter().map(ToString::to_string).collect();
    assert_eq!(leads, ["signal 1", "signal 2", "signal 3", "signal 4"]);
    // Gain 0 means 200, and without a baseline the ADC's zero is it.
    assert_eq!(record.row(0), [1.0, -1.0, 2.0]);
    assert_eq!(record.row(1), [1e-3, -0.05, 1.0]);
    assert_eq!(record.row(2), [10_000.0, 20_000.0, 30_000.0]);
    assert_eq!(record.row(3), [1e-3, -1e-3, 0.0]);
    assert_eq!(record.comments(), ["Age: 62", "Sex: F"]);
}

#[test]
fn headers_in_latin_1_are_read() {
    let folder = Folder::new();
    folder.write("r.hea", b"r 1 100 1\n# Ren\xe9\nr.dat 16 2/\xb5V 0 0 4 4 0 V2\n");
    folder.write("r.dat", encode(16, &[4]));
    let record = open(&folder.path("r")).unwrap();
    assert_eq!(record.row(0), [2e-3]);
    assert_eq!(record.comments(), ["René"]);
}

#[test]
fn the_length_may_be_left_to_the_files() {
    for length in ["", " 0"] {
        let folder = Folder::new();
        let rows = write(&folder, 212, 12, 3, 33, 24);
        let text = std::fs::read_to_string(folder.path("r.hea")).unwrap();
        folder.write("r.hea", text.replace("r 3 250 33", &format!("r 3 250{length}")));
        assert_eq!(wfdb::read_digital(&folder.path("r.hea")).unwrap().values, rows.concat());
    }
}

#[test]
fn skew_is_undone() {
    let folder = Folder::new();
    folder.write("r.hea", "r 2 100 4\nr.dat 16 1 0 0 0 10 0 I\nr.dat 16:2 1 0 0 0 100 0 II\n");
    folder.write("r.dat", encode(16, &[1, 10, 2, 20, 3, 30, 4, 40]));
    let record = open(&folder.path("r.hea")).unwrap();
    assert_eq!(record.row(0), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(record.row(1)[..2], [30.0, 40.0]);
    assert!(record.row(1)[2..].iter().all(|x| x.is_nan()));
    // Longer than the record: everything is missing.
    folder.write("r.hea", "r 2 100 4\nr.dat 16 1 0 0 0 10 0 I\nr.dat 16:99999999999 1 0 0 0 100 0 II\n");
    let record = open(&folder.path("r.hea")).unwrap();
    assert!(record.row(1).iter().all(|x| x.is_nan()));
}

fn error(folder: &Folder, header: &str) -> Error {
    open(&folder.write("r.hea", header)).unwrap_err()
}

#[test]
fn what_is_not_supported_is_said() {
    let folder = Folder::new();
    folder.write("r.dat", [0; 100]);
    for (header, feature) in [
        ("r/3 2 100 300\nr1 100\nr2 100\nr3 100\n", "several segments"),
        ("r 1 100 4\nr.dat 16x2 1\n", "several samples per frame"),
        ("r 1 100 4\nr.dat 8 1\n", "storage format 8"),
        ("r 1 100 4\nr.dat 516 1\n", "storage format 516"),
        ("r 1 100 4\n~ 16 1\n", "a signal without a file"),
        ("r 2 100 4\nr.dat 16 1\nr.dat 24 1\n", "several storage formats or byte offsets in one signal file"),
    ] {
        let error = error(&folder, header);
        assert!(matches!(&error, Error::Unsupported { feature: f, .. } if f == feature), "{error}");
    }
    let error = error(&folder, "r 1 100 4\nr.dat 16 1/mmHg 0 0 0 0 0 BP\n");
    assert_eq!(
        error.to_string(),
        format!(
            "{}: signal BP is in `mmHg`, which is not a unit of voltage: expected mV, uV or V",
            folder.path("r.hea").display()
        )
    );
}

#[test]
fn damage_is_named() {
    let folder = Folder::new();
    write(&folder, 16, 16, 3, 100, 24);
    let (header, data) = (folder.path("r.hea"), folder.path("r.mat"));
    let text = std::fs::read_to_string(&header).unwrap();
    let bytes = std::fs::read(&data).unwrap();

    let mut flipped = bytes.clone();
    flipped[24 + 2] ^= 1;
    folder.write("r.mat", flipped);
    let error = open(&header).unwrap_err();
    assert!(matches!(&error, Error::Checksum { path, signal, .. } if *path == data && signal == "avf"), "{error}");

    folder.write("r.mat", &bytes[..bytes.len() - 1]);
    let error = open(&header).unwrap_err();
    assert_eq!(error.to_string(), format!("{} is cut short: expected 624 bytes, found 623", data.display()));
    folder.write("r.mat", "");
    assert!(matches!(open(&header), Err(Error::Truncated { expected: 624, found: 0, .. })));

    std::fs::remove_file(&data).unwrap();
    let error = open(&header).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} names the signal file {}, which does not exist", header.display(), data.display())
    );
    std::fs::create_dir(&data).unwrap();
    assert!(matches!(open(&header), Err(Error::Read { path, .. }) if path == data));

    folder.write("r.hea", text.replace("V5R", "I"));
    std::fs::remove_dir(&data).unwrap();
    folder.write("r.mat", bytes);
    assert!(matches!(open(&header), Err(Error::Recording { path, .. }) if path == header));
}

#[test]
fn bad_headers_are_refused_by_line() {
    let folder = Folder::new();
    folder.write("r.dat", [0; 100]);
    for (header, line) in [
        ("", 1),
        ("# only a comment\n\n", 1),
        ("r\n", 1),
        ("# first\nr x\n", 2),
        ("r 1 -100 4\nr.dat 16\n", 1),
        ("r 1 inf 4\nr.dat 16\n", 1),
        ("r 1 0 4\nr.dat 16\n", 1),
        ("r 1 100 4.5\nr.dat 16\n", 1),
        ("r 2 100 4\nr.dat 16\n", 1),
        ("r 99999999999999999999 100 4\nr.dat 16\n", 1),
        ("r 1 100 4\n\nr.dat\n", 3),
        ("r 1 100 4\nr.dat sixteen\n", 2),
        ("r 1 100 4\nr.dat 16x0\n", 2),
        ("r 1 100 4\nr.dat 16+-1\n", 2),
        ("r 1 100 4\nr.dat 16 NaN\n", 2),
        ("r 1 100 4\nr.dat 16 1(a)\n", 2),
        ("r 1 100 4\nr.dat 16 1 a\n", 2),
        ("r 1 100 4\nr.dat 16 1 16 0 0 zero\n", 2),
    ] {
        let error = error(&folder, header);
        assert!(matches!(error, Error::Header { line: l, .. } if l == line), "{header:?}: {error}");
    }
}

#[test]
fn absurd_sizes_allocate_nothing() {
    let folder = Folder::new();
    folder.write("r.dat", [0; 100]);
    for header in [
        "r 1 100 18446744073709551615\nr.dat 32\n",
        "r 1 100 9000000000000000000\nr.dat 212\n",
        "r 1 100 99999999999\nr.dat 80\n",
        "r 1 100 4\nr.dat 16+18446744073709551615\n",
    ] {
        let error = error(&folder, header);
        assert!(matches!(error, Error::Truncated { found: 100, .. }), "{header:?}: {error}");
    }
    let error = error(&folder, "r 0 100 18446744073709551615\n");
    assert!(matches!(error, Error::Recording { .. }), "{error}");
    let error = self::error(&folder, "r 1 100\nr.dat 16+18446744073709551615\n");
    assert!(matches!(error, Error::Truncated { .. } | Error::Recording { .. }), "{error}");
}

/// Reads a header with many random changes; whatever comes of it, it comes without panic.
#[test]
fn changed_headers_never_panic() {
    let folder = Folder::new();
    write(&folder, 212, 12, 3, 33, 24);
    let header = folder.path("r.hea");
    let original = std::fs::read(&header).unwrap();
    let mut random = numbers();
    let alphabet = b"0123456789 \n/():+x.-~#eENa\xb5\x00\xff";
    let mut read = 0;
    for round in 0..20_000 {
        let mut bytes = original.clone();
        for _ in 0..1 + random(4) {
            let place = random(bytes.len() + 1);
            let byte = alphabet[random(alphabet.len())];
            match random(4) {
                0 if place < bytes.len() => bytes[place] = byte,
                1 if place < bytes.len() => drop(bytes.remove(place)),
                2 => bytes.truncate(place),
                _ => bytes.insert(place, byte),
            }
        }
        // Files are slow: most headers are parsed only.
        let outcome = if round % 50 == 0 {
            open(&folder.write("r.hea", &bytes)).map(|record| assert!(!record.is_empty()))
        } else {
            Header::parse(&String::from_utf8_lossy(&bytes), &header).map(drop)
        };
        match outcome {
            Ok(()) => read += 1,
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    assert!((100..19_900).contains(&read), "{read} of 20,000 were still readable");
}

/// Random numbers below a bound.
fn numbers() -> impl FnMut(usize) -> usize {
    let mut state = 1_u64;
    move |bound| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    }
}

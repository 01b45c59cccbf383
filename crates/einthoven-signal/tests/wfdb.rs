//! WFDB records of every storage format, written here by an encoder of their own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::wfdb::{Folder, checksum, encode, interleave, values};
use einthoven_signal::format::wfdb::{self, Header};
use einthoven_signal::{Error, Lead, LeftOut, Note, open};

/// The storage formats and their bits. Differences of 8 bits are those of values of 7.
const FORMATS: [(u32, u32); 13] = [
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
    bytes.extend(encode(format, &interleave(&rows), signals));
    folder.write(file, bytes);
    rows
}

#[test]
fn every_format_is_read() {
    for (format, bits) in FORMATS {
        for (signals, length, offset) in [(2, 500, 0), (3, 7, 0), (1, 1, 0), (3, 33, 24), (1, 5, 1), (2, 16, 0)] {
            let compressed = format > 500;
            if compressed && offset > 0 {
                continue;
            }
            let folder = Folder::new();
            let rows = write(&folder, format, bits, signals, length, offset);
            let digital = wfdb::read_digital(&folder.path("r.hea")).unwrap();
            assert_eq!(digital.values, rows.concat(), "format {format}");

            let record = open(&folder.path("r.hea")).unwrap();
            assert_eq!((record.len(), record.sampling_rate()), (length, 250.0));
            let leads = [Lead::I, Lead::AVF, Lead::Other("V5R".into())];
            assert_eq!(record.leads(), &leads[..signals]);
            let missing = if format == 8 { i32::MIN } else { -(1_i64 << (bits - 1)) as i32 };
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
    folder.write("a.dat", encode(16, &[300, 1, -100, 2, 500, 3], 2));
    folder.write("b.dat", encode(212, &[7, -95, 2005], 1));
    folder.write("c.dat", encode(80, &[103, -97, 3], 1));
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
    folder.write("r.dat", encode(16, &[4], 1));
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
    folder.write("r.dat", encode(16, &[1, 10, 2, 20, 3, 30, 4, 40], 2));
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
        ("r 1 100 4\nr.dat 9 1\n", "storage format 9"),
        ("r 1 100 4\nr.dat 532 1\n", "storage format 532"),
        ("r 2 100 4\nr.dat 516 1\nr.dat 516x2 1\n", "different numbers of samples per frame in one FLAC file"),
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
fn signals_that_are_no_voltages_are_left_out() {
    let folder = Folder::new();
    folder.write("r.hea", "r 3 100 2\nr.dat 16 1/mmHg 0 0 1 5 0 ABP\nr.dat 16 1 0 0 2 7 0 II\nr.dat 16 1/NU\n");
    folder.write("r.dat", encode(16, &[1, 2, 3, 4, 5, 6], 3));
    let record = open(&folder.path("r")).unwrap();
    assert_eq!(record.leads(), [Lead::II]);
    assert_eq!(record.samples(), [2.0, 5.0]);
    let left_out =
        |signal: &str, unit: &str| Note::LeftOut { signal: signal.to_owned(), reason: LeftOut::Unit(unit.to_owned()) };
    assert_eq!(record.notes(), [left_out("ABP", "mmHg"), left_out("signal 3", "NU")]);
    assert_eq!(record.notes()[0].to_string(), "signal ABP is left out: its unit `mmHg` is not one of voltage");
}

#[test]
fn samples_of_a_frame_are_averaged() {
    let folder = Folder::new();
    let missing = -32768;
    folder.write("r.dat", encode(16, &[1, 2, 10, -3, -4, 20, missing, 8, 30], 3));
    folder.write("r.hea", "r 2 100 3\nr.dat 16x2:1 1 0 0 1 -32764 0 I\nr.dat 16 1 0 0 10 60 0 II\n");
    let digital = wfdb::read_digital(&folder.path("r.hea")).unwrap();
    // The means are 1.5, -3.5 and 8, truncated; then the skew of one frame is undone.
    assert_eq!(digital.values, [-3, 8, missing, 10, 20, 30]);
    folder.write("r.hea", "r 1 100 3\nr.dat 16x2 1\n");
    folder.write("r.dat", encode(16, &[1, 2, missing, missing, missing, 8], 1));
    let record = open(&folder.path("r.hea")).unwrap();
    assert_eq!(record.notes(), [Note::Averaged { lead: Lead::Other("signal 1".into()), samples: 2 }]);
    assert_eq!(record.row(0)[0], 1.0);
    assert!(record.row(0)[1].is_nan());
    assert_eq!(record.row(0)[2], 8.0);
    // Differences of format 8 go through all samples of a frame.
    folder.write("r.hea", "r 1 100 3\nr.dat 8x2 1 0 0 100\n");
    folder.write("r.dat", [0, 2, 0xff, 1, 10, 10]);
    assert_eq!(open(&folder.path("r.hea")).unwrap().row(0), [101.0, 101.0, 117.0]);
    // An extreme number of samples per frame allocates nothing.
    let error = error(&folder, "r 2 100 3\nr.dat 16x4294967295 1\nr.dat 16x4294967295 1\n");
    assert!(matches!(error, Error::Truncated { found: 6, .. }), "{error}");
    let error = self::error(&folder, "r 1 100\nr.dat 16x4294967295 1\n");
    assert!(matches!(error, Error::Recording { .. }), "{error}");
}

#[test]
fn flac_files_are_read_from_a_sample_on() {
    let folder = Folder::new();
    let rows = values(16, 2, 40);
    folder.write("r.dat", encode(516, &interleave(&rows), 2));
    folder.write("r.hea", "r 2 100 17\nr.dat 516+3 1\nr.dat 516+3 1\n");
    let digital = wfdb::read_digital(&folder.path("r.hea")).unwrap();
    assert_eq!(digital.values, [&rows[0][3..20], &rows[1][3..20]].concat());
    // Two samples per frame, and a length left to the file.
    folder.write("r.hea", "r 2 100\nr.dat 516x2+4 1\nr.dat 516x2+4 1\n");
    let digital = wfdb::read_digital(&folder.path("r.hea")).unwrap();
    assert_eq!(digital.length, 18);
    assert_eq!(digital.values[0], (rows[0][4] + rows[0][5]) / 2);
    assert_eq!(digital.values[35], (rows[1][38] + rows[1][39]) / 2);

    // What else a stream says before its samples is passed over.
    let mut stream = encode(516, &interleave(&rows), 2);
    stream[4] = 0;
    let blocks = [&[2, 0, 0, 5][..], b"appl!", &[4, 0, 0, 1, 9], &[0x81, 0, 0, 2, 0, 0]].concat();
    stream.splice(42..42, blocks);
    folder.write("r.dat", stream);
    folder.write("r.hea", "r 2 100 17\nr.dat 516+3 1\nr.dat 516+3 1\n");
    assert_eq!(wfdb::read_digital(&folder.path("r.hea")).unwrap().values, [&rows[0][3..20], &rows[1][3..20]].concat());
    folder.write("r.dat", encode(516, &interleave(&rows), 2));

    for (header, words) in [
        ("r 2 100 41\nr.dat 516 1\nr.dat 516 1\n", "it holds 40 samples of each signal, expected 41"),
        ("r 2 100 4\nr.dat 516+99 1\nr.dat 516+99 1\n", "it holds 0 samples of each signal, expected 4"),
        ("r 1 100 4\nr.dat 516 1\n", "cannot parse"),
        ("r 2 100 4\nr.dat 508 1\nr.dat 508 1\n", "cannot parse"),
        ("r 2 100 18446744073709551615\nr.dat 516 1\nr.dat 516 1\n", "it holds 40 samples"),
    ] {
        let error = error(&folder, header).to_string();
        assert!(error.contains(words), "{header}: {error}");
    }
    folder.write("r.dat", "no FLAC");
    assert!(matches!(error(&folder, "r 1 100 4\nr.dat 516 1\n"), Error::Parse { .. }));
}

#[test]
fn damaged_flac_files_never_panic() {
    let folder = Folder::new();
    let rows = values(16, 2, 40);
    let good = encode(516, &interleave(&rows), 2);
    let header = folder.write("r.hea", "r 2 100 40\nr.dat 516 1\nr.dat 516 1\n");
    let mut random = numbers();
    for _ in 0..2000 {
        let mut bytes = good.clone();
        for _ in 0..1 + random(3) {
            let place = random(bytes.len());
            match random(3) {
                0 => bytes[place] = random(256) as u8,
                1 => bytes[place] ^= 1 << random(8),
                _ => bytes.truncate(place.max(1)),
            }
        }
        folder.write("r.dat", &bytes);
        if let Err(error) = open(&header) {
            assert!(!error.to_string().is_empty());
        }
    }
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
        ("r/2 1 100 4\nr1 4\n", 1),
        ("r/two 1 100 4\nr1 4\n", 1),
        ("r/1 1 100 4\n\nr1 four\n", 3),
        ("r/1 1 100 4\nr1\n", 2),
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

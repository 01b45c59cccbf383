//! WFDB annotation files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::python::python;
use common::wfdb::Folder;
use common::{data, golden};
use einthoven_signal::format::wfdb::{
    Annotation, Annotations, MarkedWave, WaveKind, marked_waves, read_annotations, read_lead_annotations,
};
use einthoven_signal::{Error, Lead, Result};

fn pair(code: u16, value: u16) -> [u8; 2] {
    (code << 10 | value).to_le_bytes()
}

fn read(bytes: &[u8]) -> Result<Annotations> {
    let folder = Folder::new();
    read_annotations(&folder.write("r.atr", bytes))
}

fn annotation(sample: i64, symbol: &str, text: &str) -> Annotation {
    Annotation { sample, symbol: symbol.to_owned(), subtype: 0, channel: 0, number: 0, text: text.to_owned() }
}

#[test]
fn marks_and_what_belongs_to_them_are_read() {
    let mut bytes = Vec::new();
    bytes.extend(pair(28, 18));
    bytes.extend(pair(63, 3));
    bytes.extend(b"(N\0\0");
    bytes.extend(pair(1, 59));
    bytes.extend(pair(61, 0xff));
    bytes.extend(pair(62, 1));
    bytes.extend(pair(60, 0xfe));
    // 1,000,000 is 0x000f4240.
    bytes.extend(pair(59, 0));
    bytes.extend([0x0f, 0x00, 0x40, 0x42]);
    bytes.extend(pair(5, 0));
    bytes.extend(pair(44, 1023));
    bytes.extend(pair(59, 0));
    bytes.extend((-2_i32 as u32).rotate_left(16).to_le_bytes());
    bytes.extend(pair(22, 1));
    bytes.extend(pair(63, 6));
    bytes.extend("2 µV".as_bytes());
    bytes.push(0);
    bytes.extend([0, 0, 0xff]);
    let last = Annotation { channel: 1, number: -2, ..annotation(1_001_099, "\"", "2 µV") };
    assert_eq!(
        read(&bytes).unwrap().annotations,
        [
            annotation(18, "+", "(N"),
            Annotation { subtype: -1, channel: 1, number: -2, ..annotation(77, "N", "") },
            Annotation { channel: 1, number: -2, ..annotation(1_000_077, "V", "") },
            Annotation { channel: 1, number: -2, ..annotation(1_001_100, "[44]", "") },
            last,
        ]
    );
    assert_eq!(read(&[]).unwrap(), Annotations::default());
}

#[test]
fn comments_at_the_beginning_may_define_things() {
    let mut bytes = Vec::new();
    for text in [
        "## time resolution: 1000.5",
        "## annotation type definitions",
        "42 & something of ours",
        "## end of definitions",
        "plain words",
    ] {
        bytes.extend(pair(22, 0));
        bytes.extend(pair(63, text.len() as u16));
        bytes.extend(text.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(2), 0);
    }
    bytes.extend(pair(42, 7));
    let found = read(&bytes).unwrap();
    assert_eq!(found.sampling_rate, Some(1000.5));
    assert_eq!(found.annotations, [annotation(0, "\"", "plain words"), annotation(7, "&", "")]);
}

#[test]
fn damaged_files_are_refused() {
    for (bytes, words) in [
        (vec![1], "odd number of bytes"),
        ([pair(1, 5).to_vec(), pair(63, 5).to_vec(), b"four".to_vec()].concat(), "ends within a text"),
        ([pair(59, 0).to_vec(), vec![1, 2, 3]].concat(), "ends within a skip"),
        (pair(63, 0).to_vec(), "before the first annotation"),
    ] {
        let error = read(&bytes).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let mut state = 1_u64;
    for length in 0..3000 {
        let bytes: Vec<u8> = (0..length % 300)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        if let Err(error) = read(&bytes) {
            assert!(!error.to_string().is_empty());
        }
    }
}

#[test]
fn annotations_of_the_package_are_read() {
    let folder = Folder::new();
    let script = r#"
import sys, wfdb, numpy as np
wfdb.wrann("r", "atr", np.array([5, 900, 3000, 2000000]), symbol=["+", "N", "V", '"'],
    subtype=np.array([0, 1, -3, 0]), chan=np.array([0, 1, 1, 0]), num=np.array([0, 0, 2, 0]),
    aux_note=["(AFIB", "", "", "odd"], fs=360, write_dir=sys.argv[1])
"#;
    if python("wfdb", script, [folder.path("")]).is_none() {
        return;
    }
    let found = read_annotations(&folder.path("r.atr")).unwrap();
    assert_eq!(found.sampling_rate, Some(360.0));
    let expected = [
        annotation(5, "+", "(AFIB"),
        Annotation { subtype: 1, channel: 1, ..annotation(900, "N", "") },
        Annotation { subtype: -3, channel: 1, number: 2, ..annotation(3000, "V", "") },
        annotation(2_000_000, "\"", "odd"),
    ];
    assert_eq!(found.annotations, expected);
}

#[test]
fn golden_annotations_are_read() {
    let (Some(golden), Some(data)) = (golden(), data()) else {
        return;
    };
    let text = std::fs::read(golden.join("wfdb/wfdb.json")).unwrap();
    let description: serde_json::Value = serde_json::from_slice(&text).unwrap();
    for expected in description["annotations"].as_array().unwrap() {
        let name = format!("{}.{}", expected["record"].as_str().unwrap(), expected["extension"].as_str().unwrap());
        let folders = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path());
        let place = std::iter::once(data.clone()).chain(folders).map(|folder| folder.join(&name));
        let Some(path) = place.into_iter().find(|path| path.is_file()) else {
            println!("skipped: {name} not found");
            continue;
        };
        let found = read_annotations(&path).unwrap().annotations;
        assert_eq!(found.len() as u64, expected["n"].as_u64().unwrap(), "{name}");
        for (a, expected) in found.iter().zip(expected["first10"].as_array().unwrap()) {
            let found = serde_json::json!([a.sample, a.symbol, a.subtype, a.channel, a.number, a.text]);
            assert_eq!(found, *expected, "{name}");
        }
        let sum: i64 = found.iter().map(|a| a.sample).sum();
        assert_eq!(sum, expected["sample_sum"].as_i64().unwrap(), "{name}");
    }
}

/// As LUDB marks them: a P wave, a QRS complex without an end, a T wave without a beginning, and marks that belong to none.
#[test]
fn waves_of_a_lead_are_put_together() {
    let marks = [(39, 2), (24, 3), (40, 4), (39, 1), (1, 2), (27, 5), (40, 6), (40, 1), (28, 1), (39, 3)];
    let mut bytes: Vec<u8> = marks.iter().flat_map(|&(code, step)| pair(code, step)).collect();
    bytes.extend([0, 0]);
    let folder = Folder::new();
    let header = folder.write("1.hea", b"");
    folder.write("1.avr", &bytes);
    let annotations = read_lead_annotations(&header, &Lead::AVR).unwrap().annotations;
    let wave = |kind, onset, peak, offset| MarkedWave { kind, onset, peak, offset };
    assert_eq!(
        marked_waves(&annotations),
        [
            wave(WaveKind::P, Some(2), 5, Some(9)),
            wave(WaveKind::Qrs, Some(10), 12, None),
            wave(WaveKind::T, None, 17, Some(23)),
        ]
    );
    assert!(matches!(read_lead_annotations(&header, &Lead::II), Err(Error::Read { .. })));
}

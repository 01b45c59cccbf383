//! EDF and EDF+ files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::python::python;
use common::wfdb::Folder;
use einthoven_signal::format::edf;
use einthoven_signal::{Error, Lead, LeftOut, Note, Record, Result, open};

/// A signal: label, unit, physical range, digital range, samples in a data record.
type Signal<'a> = (&'a str, &'a str, [&'a str; 2], [&'a str; 2], usize);

/// A file of signals whose stored values count upwards from 0, in data records of half a second.
fn file(reserved: &str, records: i64, signals: &[Signal]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut field = |text: &str, width: usize| bytes.extend(format!("{text:width$}").chars().map(|c| c as u8));
    field("0", 8);
    field("MCH-0234567 F 02-MAY-1951 Somebody", 80);
    field("Startdate 02-MAR-2002", 80);
    field("02.03.0216.30.00", 16);
    field(&(256 * (signals.len() + 1)).to_string(), 8);
    field(reserved, 44);
    field(&records.to_string(), 8);
    field("0.5", 8);
    field(&signals.len().to_string(), 4);
    let each = |f: &mut dyn FnMut(&str, usize), width, text: &dyn Fn(&Signal) -> String| {
        signals.iter().for_each(|signal| f(&text(signal), width));
    };
    each(&mut field, 16, &|s| s.0.into());
    each(&mut field, 80, &|_| "electrode".into());
    each(&mut field, 8, &|s| s.1.into());
    each(&mut field, 8, &|s| s.2[0].into());
    each(&mut field, 8, &|s| s.2[1].into());
    each(&mut field, 8, &|s| s.3[0].into());
    each(&mut field, 8, &|s| s.3[1].into());
    each(&mut field, 80, &|_| "HP:0.05Hz".into());
    each(&mut field, 8, &|s| s.4.to_string());
    each(&mut field, 32, &|_| String::new());
    for record in 0..2 {
        for signal in signals {
            bytes.extend((0..signal.4).flat_map(|i| ((record * signal.4 + i) as i16).to_le_bytes()));
        }
    }
    bytes
}

const FULL: [&str; 2] = ["-32768", "32767"];

fn read(bytes: &[u8]) -> Result<Record> {
    let folder = Folder::new();
    open(&folder.write("r.edf", bytes))
}

#[test]
fn voltages_of_one_rate_become_leads() {
    let bytes = file(
        "EDF+C",
        2,
        &[
            ("ECG II", "uV", ["-32768", "32767"], FULL, 3),
            ("EEG Fpz-Cz", "uV", ["-1", "1"], FULL, 1),
            ("EKG avr", "mV", ["-2", "2"], ["100", "-100"], 3),
            ("Resp", "mmHg", ["-1", "1"], FULL, 3),
            ("EDF Annotations", "", ["-1", "1"], FULL, 20),
            ("V2", "\u{b5}V", ["1000", "3000"], ["0", "1000"], 3),
        ],
    );
    let folder = Folder::new();
    let record = edf::read(&folder.write("r.edf", &bytes)).unwrap();
    assert_eq!(record.leads(), [Lead::II, Lead::AVR, Lead::V2]);
    assert_eq!((record.sampling_rate(), record.len()), (6.0, 6));
    assert_eq!(record.row(0), [0.0, 1e-3, 2e-3, 3e-3, 4e-3, 5e-3]);
    assert_eq!(record.row(1), [0.0, -0.02, -0.04, -0.06, -0.08, -0.1]);
    assert_eq!(record.row(2), [1.0, 1.002, 1.004, 1.006, 1.008, 1.01]);
    let left_out = |signal: &str, reason| Note::LeftOut { signal: signal.into(), reason };
    assert_eq!(
        record.notes(),
        [
            left_out("Resp", LeftOut::Unit("mmHg".into())),
            left_out("EDF Annotations", LeftOut::Annotations),
            left_out("EEG Fpz-Cz", LeftOut::Rate(2.0)),
        ]
    );
    // What the file begins with says what it is.
    for name in ["r", "r.rec", "r.dat", "r.EDF"] {
        assert_eq!(open(&folder.write(name, &bytes)).unwrap().samples(), record.samples());
    }
}

#[test]
fn the_number_of_data_records_may_be_left_to_the_file() {
    let signal = ("II", "mV", ["-1", "1"], FULL, 3);
    assert_eq!(read(&file("", -1, &[signal])).unwrap().len(), 6);
    assert_eq!(read(&file("", 2, &[signal])).unwrap().len(), 6);
}

#[test]
fn what_cannot_be_read_is_named() {
    let good: Signal = ("II", "mV", ["-1", "1"], FULL, 3);
    let of = |change: fn(&mut Signal)| {
        let mut signal = good;
        change(&mut signal);
        file("", 2, &[signal])
    };
    let whole = of(|_| {});
    for (bytes, words) in [
        (file("EDF+D", 2, &[good]), "uses interruptions (EDF+D), which is not supported"),
        (file("", 3, &[good]), "cut short: expected 530 bytes, found 524"),
        (file("", 1, &[good]), "6 bytes follow its 1 data records"),
        (of(|s| s.1 = "mmHg"), "`mmHg`, which is not a unit of voltage"),
        (of(|s| s.2 = ["1", "1"]), "the physical range of signal II is 1 to 1"),
        (of(|s| s.3 = ["low", "1"]), "the digital minimum of signal II is `low`: expected a number"),
        (of(|s| s.2 = ["1", "inf"]), "the physical range of signal II is 1 to inf"),
        (of(|s| s.4 = 0), "a data record is of extreme size"),
        (file("", 0, &[]), "a header of 256 bytes cannot have 0 signals"),
        (whole[..200].to_vec(), "shorter than a header"),
        (whole[..400].to_vec(), "ends within its header"),
        (file("", 2, &[good, good]), "no usable recording"),
        ([&whole[..244], b"0       ", &whole[252..]].concat(), "the duration of a data record is 0 s"),
        ([&whole[..252], b"9999", &whole[256..]].concat(), "cannot have 9999 signals"),
        ([&whole[..472], b"99999999", &whole[480..]].concat(), "cut short"),
        ([&whole[..236], b"99999999", &whole[244..]].concat(), "cut short"),
    ] {
        let error = read(&bytes).unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
    let folder = Folder::new();
    let error = open(&folder.write("r.edf", "no EDF at all")).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}

#[test]
fn changed_files_never_panic() {
    let good = file("EDF+C", 2, &[("II", "mV", ["-1", "1"], FULL, 3), ("V1", "uV", ["-1", "1"], FULL, 3)]);
    let mut state = 1_u64;
    let mut random = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let folder = Folder::new();
    for _ in 0..3000 {
        let mut bytes = good.clone();
        for _ in 0..1 + random(4) {
            let place = random(bytes.len());
            match random(4) {
                0 => bytes.truncate(place.max(8)),
                1 => bytes[place] = random(256) as u8,
                _ => bytes[place] = b"0123456789-. eE"[random(15)],
            }
        }
        match open(&folder.write("r.edf", &bytes)) {
            Ok(record) => assert!(!record.is_empty()),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

#[test]
fn files_of_pyedflib_are_read_with_the_same_values() {
    let folder = Folder::new();
    let script = r#"
import json, sys
import numpy as np, pyedflib
path = sys.argv[1]
rng = np.random.default_rng(5)
labels = ["I", "II", "V1", "Resp"]
units = ["mV", "uV", "uV", "mmHg"]
ranges = [(-5.0, 5.0), (-3276.8, 3276.7), (-500.0, 1500.0), (0.0, 200.0)]
writer = pyedflib.EdfWriter(path, 4, file_type=pyedflib.FILETYPE_EDFPLUS)
for i in range(4):
    writer.setSignalHeader(i, dict(label=labels[i], dimension=units[i], sample_frequency=500, physical_min=ranges[i][0],
        physical_max=ranges[i][1], digital_min=-32768, digital_max=32767, transducer="", prefilter=""))
writer.writeSamples([rng.uniform(low, high, 5000) for low, high in ranges])
writer.writeAnnotation(1.5, -1, "a beat")
writer.close()
reader = pyedflib.EdfReader(path)
print(json.dumps([reader.readSignal(i).tolist() for i in range(3)]))
"#;
    let path = folder.path("r.edf");
    let Some(printed) = python("pyedflib", script, [&path]) else {
        return;
    };
    let expected: Vec<Vec<f64>> = serde_json::from_str(&printed).unwrap();
    let record = open(&path).unwrap();
    assert_eq!(record.leads(), [Lead::I, Lead::II, Lead::V1]);
    assert_eq!((record.sampling_rate(), record.len()), (500.0, 5000));
    for (i, (row, millivolts)) in expected.iter().zip([1.0, 1e-3, 1e-3]).enumerate() {
        for (&found, &value) in record.row(i).iter().zip(row) {
            // The order of f64 operations differs, and so rounding: to f32, and near zero that of terms of millivolts.
            let value = value * millivolts;
            assert!(
                (f64::from(found) - value).abs() <= f64::from(f32::EPSILON) * value.abs().max(1e-6),
                "{found} {value}"
            );
        }
    }
    assert_eq!(record.notes().len(), 2, "{:?}", record.notes());
}

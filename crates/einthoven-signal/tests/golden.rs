//! Values equal to those of the Python `wfdb` package and of SciPy, from golden files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::{Path, PathBuf};

use common::{data, golden};
use einthoven_signal::dsp::{resample_poly, sosfiltfilt};
use einthoven_signal::format::wfdb;
use einthoven_signal::{BandPass, Note, Unit};
use safetensors::SafeTensors;
use serde_json::Value;

/// The folders of golden WFDB data, with their description.
fn items() -> Vec<(PathBuf, Value)> {
    let Some(root) = golden() else {
        return Vec::new();
    };
    let mut items: Vec<_> = std::fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|folder| folder.is_dir() && name(folder).starts_with("wfdb"))
        .map(|folder| {
            let text = std::fs::read(folder.join(name(&folder) + ".json")).unwrap();
            let description = serde_json::from_slice(&text).unwrap();
            (folder, description)
        })
        .collect();
    items.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(!items.is_empty(), "no wfdb folder in {}", root.display());
    items
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// The header of a golden record in `root` or one of its folders, if it is there.
fn header(root: &Path, record: &str) -> Option<PathBuf> {
    let folders = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    std::iter::once(root.to_owned())
        .chain(folders)
        .map(|folder| folder.join(format!("{record}.hea")))
        .find(|header| header.is_file())
}

#[test]
fn records_are_read_as_by_the_wfdb_package() {
    let Some(root) = data() else {
        return;
    };
    let mut read = 0;
    for (_, description) in items() {
        for expected in description["records"].as_array().unwrap() {
            let record = expected["record"].as_str().unwrap();
            let whole = expected.get("read_arguments").is_none();
            let Some(path) = header(&root, record).filter(|_| whole) else {
                continue;
            };
            if !expected["multi_segment"].as_bool().unwrap() {
                let digital = wfdb::read_digital(&path).unwrap_or_else(|e| panic!("{record}: {e}"));
                check_header(expected, &digital);
                check_digital(expected, &digital);
            }
            check_physical(expected, &path);
            read += 1;
        }
    }
    println!("{read} records read");
}

fn check_header(expected: &Value, digital: &wfdb::Digital) {
    let header = &digital.header;
    let record = &header.record;
    assert_eq!(header.sampling_rate, expected["fs"].as_f64().unwrap(), "{record}");
    assert_eq!(digital.length as u64, expected["sig_len"].as_u64().unwrap(), "{record}");
    assert_eq!(header.signals.len() as u64, expected["n_sig"].as_u64().unwrap(), "{record}");
    assert_eq!(header.comments.len() as u64, expected["comments_count"].as_u64().unwrap(), "{record}");
    assert_eq!(header.counter_frequency, expected.get("counter_freq").and_then(Value::as_f64), "{record}");
    for (i, signal) in header.signals.iter().enumerate() {
        let check = |key: &str, found: Value| {
            // A field that the header leaves out is null there and has its default here.
            let expected = &expected[key][i];
            assert!(*expected == found || expected.is_null(), "{key} of {record}: {found}");
        };
        check("file_name", signal.file.as_str().into());
        check("sig_name", signal.description.as_str().into());
        check("fmt", signal.format.to_string().into());
        check("units", signal.unit.as_str().into());
        check("adc_gain", signal.gain.into());
        check("baseline", signal.baseline.into());
        check("adc_res", signal.resolution.into());
        check("adc_zero", signal.zero.into());
        check("init_value", signal.initial.into());
        check("samps_per_frame", signal.samples_per_frame.into());
        check("byte_offset", signal.offset.into());
        check("skew", signal.skew.into());
        let checksum = expected["checksum"][i].as_i64().map(|sum| sum as u16);
        assert_eq!(signal.checksum, checksum, "{record}");
    }
}

fn check_digital(expected: &Value, digital: &wfdb::Digital) {
    let rows = digital.values.chunks_exact(digital.length);
    for (row, expected) in rows.zip(expected["digital"].as_array().unwrap()) {
        let sum: i64 = row.iter().map(|&value| i64::from(value)).sum();
        assert_eq!(sum.rem_euclid(65536), expected["sum_mod_65536"].as_i64().unwrap());
        let (first, last) = (&row[..5], &row[row.len() - 5..]);
        assert_eq!(serde_json::json!(first), expected["first5"]);
        assert_eq!(serde_json::json!(last), expected["last5"]);
    }
}

fn check_physical(expected: &Value, path: &Path) {
    let signals = expected["physical"].as_array().unwrap();
    let unit = |i: usize| expected["units"][i].as_str().map(str::parse::<Unit>);
    let record = match wfdb::read(path) {
        Err(einthoven_signal::Error::Unit { .. }) if (0..signals.len()).all(|i| matches!(unit(i), Some(Err(_)))) => {
            return;
        }
        record => record.unwrap(),
    };
    for (i, signal) in signals.iter().enumerate() {
        let name = expected["sig_name"][i].as_str().unwrap();
        let Some(row) = record.lead(&name.parse().unwrap()) else {
            let left_out = |note: &Note| matches!(note, Note::LeftOut { signal, .. } if signal == name);
            assert!(record.notes().iter().any(left_out), "{name} of {}", path.display());
            assert!(!matches!(unit(i), Some(Ok(_))), "{name} of {}", path.display());
            continue;
        };
        // The package has no unit for a signal that occurs in no segment.
        let unit = unit(i).unwrap_or(Ok(Unit::Millivolt)).unwrap();
        let millivolts = |value: &Value| value.as_f64().unwrap_or(f64::NAN) * unit.millivolts();
        let at = |name: &str| format!("{name} of signal {i} of {}", path.display());

        let edges = row[..5].iter().chain(&row[row.len() - 5..]);
        let listed = ["first5", "last5"].map(|key| signal[key].as_array().unwrap());
        for (&found, value) in edges.zip(listed.into_iter().flatten()) {
            let rounded = millivolts(value) as f32;
            assert!(found == rounded || (found.is_nan() && rounded.is_nan()), "{}", at("sample"));
        }

        let real: Vec<f64> = row.iter().copied().filter(|x| !x.is_nan()).map(f64::from).collect();
        let nans = row.len() - real.len();
        assert_eq!(nans as u64, signal["nan_count"].as_u64().unwrap(), "{}", at("NaN count"));
        if real.is_empty() {
            continue;
        }
        let mean = real.iter().sum::<f64>() / real.len() as f64;
        let variance = real.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / real.len() as f64;
        let min = real.iter().copied().fold(f64::INFINITY, f64::min);
        let max = real.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // Each sample was rounded to f32 once.
        let tolerance = f64::from(f32::EPSILON) * min.abs().max(max.abs());
        for (name, found) in [("mean", mean), ("std", variance.sqrt()), ("min", min), ("max", max)] {
            let difference = (found - millivolts(&signal[name])).abs();
            assert!(difference <= tolerance, "{}: {found} differs by {difference}", at(name));
        }
    }
}

/// The f64 tensor `name`, a row for each of its first axis.
fn tensor(tensors: &SafeTensors, name: &str) -> Vec<Vec<f64>> {
    let view = tensors.tensor(name).unwrap_or_else(|e| panic!("{name}: {e}"));
    let values: Vec<f64> = view.data().as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect();
    let columns = *view.shape().last().unwrap();
    values.chunks_exact(columns).map(<[f64]>::to_vec).collect()
}

/// Asserts that each row differs by at most 1e-9 of its largest magnitude.
fn assert_close(name: &str, found: &[Vec<f64>], expected: &[Vec<f64>]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.len(), expected.len(), "{name}");
        let largest = expected.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        let difference = found.iter().zip(expected).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()));
        println!("{name}: {:e}", difference / largest);
        assert!(difference <= 1e-9 * largest, "{name}: {difference} of {largest}");
    }
}

/// Runs `check` on the tensors of each golden folder, with the names of its tensors.
fn for_each_dsp(check: impl Fn(&SafeTensors, &[&str])) {
    for (folder, description) in items() {
        let bytes = std::fs::read(folder.join(description["dsp"]["file"].as_str().unwrap())).unwrap();
        let listed = description["dsp"]["tensors"].as_array().unwrap();
        let names: Vec<_> = listed.iter().map(|t| t["name"].as_str().unwrap()).collect();
        check(&SafeTensors::deserialize(&bytes).unwrap(), &names);
    }
}

#[test]
fn resampling_is_scipys() {
    for_each_dsp(|tensors, names| {
        for name in names {
            let Some(rates) = name.strip_prefix("out.resample_poly_") else {
                continue;
            };
            let (from, to) = rates.split_once('_').unwrap();
            let input = tensor(tensors, &format!("in.x{from}"));
            let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
            let found: Vec<_> = input.iter().map(|row| resample_poly(row, to, from).unwrap()).collect();
            assert_close(name, &found, &tensor(tensors, name));
        }
    });
}

#[test]
fn the_band_pass_is_scipys() {
    let band = BandPass { low_hz: 0.5, high_hz: 40.0, order: 3 };
    for_each_dsp(|tensors, _| {
        let sections = band.sections(500.0).unwrap();
        let rows: Vec<_> = sections.iter().map(|s| vec![s.b[0], s.b[1], s.b[2], 1.0, s.a[0], s.a[1]]).collect();
        assert_close("sections", &rows, &tensor(tensors, "out.butter_sos"));

        let input = tensor(tensors, "in.x500");
        let found: Vec<_> = input.iter().map(|row| sosfiltfilt(&sections, row).unwrap()).collect();
        assert_close("sosfiltfilt", &found, &tensor(tensors, "out.sosfiltfilt"));
    });
}

//! NumPy and CSV files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use einthoven_signal::{ArrayOptions, Error, Lead, Record, Result, Unit, open, open_with};
use tempfile::TempDir;

/// A `.npy` file, version 1.
fn npy(descriptor: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': '{descriptor}', 'fortran_order': {order}, 'shape': {shape}, }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn options() -> ArrayOptions {
    ArrayOptions { leads: Some(vec![Lead::I, Lead::V2]), sampling_rate: Some(500.0), unit: Some(Unit::Millivolt) }
}

fn file(folder: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Reads `bytes` as a file of `name`.
fn read(name: &str, bytes: impl AsRef<[u8]>, options: &ArrayOptions) -> Result<Record> {
    let folder = tempfile::tempdir().unwrap();
    open_with(&file(&folder, name, bytes), options)
}

fn assert_is_i_and_v2(record: &Record) {
    assert_eq!(record.leads(), [Lead::I, Lead::V2]);
    assert_eq!(record.sampling_rate(), 500.0);
    assert_eq!(record.row(0), [1.0, 2.0, 3.0]);
    assert_eq!(record.row(1), [-4.0, -5.0, -6.0]);
}

#[test]
fn every_type_order_and_layout_of_npy_is_read() {
    let rows = [1_i8, 2, 3, -4, -5, -6];
    let columns = [1_i8, -4, 2, -5, 3, -6];
    for (fortran, shape, values) in
        [(false, "(2, 3)", rows), (false, "(3, 2)", columns), (true, "(2, 3)", columns), (true, "(3, 2)", rows)]
    {
        let encode = |f: fn(i8) -> Vec<u8>| values.iter().copied().flat_map(f).collect::<Vec<_>>();
        for (descriptor, data) in [
            ("<f4", encode(|v| f32::from(v).to_le_bytes().to_vec())),
            (">f4", encode(|v| f32::from(v).to_be_bytes().to_vec())),
            ("<f8", encode(|v| f64::from(v).to_le_bytes().to_vec())),
            ("<i2", encode(|v| i16::from(v).to_le_bytes().to_vec())),
            (">i2", encode(|v| i16::from(v).to_be_bytes().to_vec())),
            ("<i4", encode(|v| i32::from(v).to_le_bytes().to_vec())),
        ] {
            let bytes = npy(descriptor, fortran, shape, &data);
            assert_is_i_and_v2(&read("x.npy", bytes, &options()).unwrap());
        }
    }
}

#[test]
fn one_axis_is_one_lead() {
    let data: Vec<u8> = [1.0_f32, f32::NAN].iter().flat_map(|x| x.to_le_bytes()).collect();
    let options = ArrayOptions { leads: Some(vec![Lead::II]), unit: Some(Unit::Microvolt), ..options() };
    let record = read("x.npy", npy("<f4", false, "(2,)", &data), &options).unwrap();
    assert_eq!(record.row(0)[0], 1e-3);
    assert!(record.row(0)[1].is_nan());
}

#[test]
fn nothing_about_an_array_is_guessed() {
    let data: Vec<u8> = [0_i16; 6].iter().flat_map(|x| x.to_le_bytes()).collect();
    let integers = npy("<i2", false, "(2, 3)", &data);
    let floats = npy("<f4", false, "(2, 3)", &[0; 24]);
    let without = |change: fn(&mut ArrayOptions)| {
        let mut options = options();
        change(&mut options);
        options
    };
    let error = read("x.npy", &floats, &without(|o| o.leads = None)).unwrap_err();
    assert!(matches!(error, Error::UnknownLeads { .. }), "{error}");
    let error = read("x.npy", &floats, &without(|o| o.sampling_rate = None)).unwrap_err();
    assert!(matches!(error, Error::UnknownSamplingRate { .. }), "{error}");
    assert!(error.to_string().contains("--sampling-rate"), "{error}");
    let error = read("x.npy", &integers, &without(|o| o.unit = None)).unwrap_err();
    assert!(error.to_string().contains("--unit"), "{error}");
    assert!(read("x.npy", &floats, &without(|o| o.unit = None)).is_ok());

    let square = npy("<f4", false, "(2, 2)", &[0; 16]);
    let error = read("x.npy", square, &options()).unwrap_err();
    assert!(error.to_string().contains("not clear which axis"), "{error}");
    let error = read("x.npy", npy("<f4", false, "(3, 4)", &[0; 48]), &options()).unwrap_err();
    assert!(error.to_string().contains("no axis can be the leads'"), "{error}");
}

#[test]
fn a_file_beside_it_completes_an_array() {
    let folder = tempfile::tempdir().unwrap();
    let data: Vec<u8> = [1.0_f64, 2.0, 3.0, -4.0, -5.0, -6.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let path = file(&folder, "x.npy", npy("<f8", false, "(2, 3)", &data));
    file(&folder, "x.json", r#"{"sampling_rate": 500, "leads": ["i", "v2"], "unit": "mV"}"#);
    assert_is_i_and_v2(&open(&path).unwrap());
    let record = open_with(&path, &ArrayOptions { unit: Some(Unit::Volt), ..Default::default() }).unwrap();
    assert_eq!(record.row(0), [1e3, 2e3, 3e3]);
    for bad in [r#"{"rate": 500}"#, r#"{"unit": "mmHg"}"#, "no json"] {
        let json = file(&folder, "x.json", bad);
        let error = open(&path).unwrap_err();
        assert!(matches!(error, Error::Parse { path, .. } if path == json), "{bad}");
    }
}

#[test]
fn damaged_npy_files_are_refused() {
    let good = npy("<f4", false, "(2, 3)", &[0; 24]);
    assert!(read("x.npy", &good, &options()).is_ok());
    for length in 0..good.len() {
        let error = read("x.npy", &good[..length], &options()).unwrap_err();
        assert!(matches!(error, Error::Array { .. }), "{length} bytes: {error}");
    }
    for shape in
        ["(18446744073709551615, 18446744073709551615)", "(2, -3)", "(2, 3, 1)", "()", "(", "(99999999999999999999,)"]
    {
        let bytes = npy("<f4", false, shape, &[0; 24]);
        assert!(matches!(read("x.npy", bytes, &options()), Err(Error::Array { .. })), "{shape}");
    }
    for descriptor in ["<f2", "<c8", "|O", "", "<f4'"] {
        let bytes = npy(descriptor, false, "(2, 3)", &[0; 24]);
        let read = read("x.npy", bytes, &options());
        assert_eq!(read.is_ok(), descriptor == "<f4'", "{descriptor}");
    }
    let mut long = good[..8].to_vec();
    long[6] = 2;
    long.extend([0xff; 8]);
    assert!(matches!(read("x.npy", long, &options()), Err(Error::Array { .. })));
    let empty = read("x.npy", npy("<f4", false, "(2, 0)", &[]), &options());
    assert!(matches!(empty, Err(Error::Recording { .. })));
}

#[test]
fn csv_files_name_their_leads() {
    let none = ArrayOptions::default();
    let text = "# sampling_rate: 500 Hz\n# anything else\n# unit: mV\nI, v2\n1,-4\n2.0,-5\n 3e0 ,-6\n";
    assert_is_i_and_v2(&read("x.csv", text, &none).unwrap());
    assert_is_i_and_v2(&read("x.csv", text.replace('\n', "\r\n"), &none).unwrap());
    assert_is_i_and_v2(&read("x.csv", format!("\u{feff}{text}"), &none).unwrap());
    let micro = text.replace("mV", "uV");
    assert_eq!(read("x.CSV", micro, &none).unwrap().row(0), [1e-3, 2e-3, 3e-3]);

    let gaps = read("x.csv", "I,V2\n1,\nnan,2\n", &ArrayOptions { leads: None, ..options() }).unwrap();
    assert!(gaps.row(0)[1].is_nan() && gaps.row(1)[0].is_nan());
    let renamed = ArrayOptions { leads: Some(vec![Lead::V1, Lead::V6]), ..options() };
    assert_eq!(read("x.csv", text, &renamed).unwrap().leads(), [Lead::V1, Lead::V6]);
    // As many points in time as leads: the names say which is which.
    let square = read("x.csv", "I,V2\n1,-4\n2,-5\n", &options()).unwrap();
    assert_eq!(square.row(0), [1.0, 2.0]);
}

#[test]
fn csv_files_without_names_are_read_if_these_are_given() {
    assert_is_i_and_v2(&read("x.csv", "1,-4\n2,-5\n3,-6\n", &options()).unwrap());
    assert_is_i_and_v2(&read("x.csv", "1,2,3\n-4,-5,-6\n", &options()).unwrap());
    let error = read("x.csv", "1,-4\n2,-5\n", &ArrayOptions { leads: None, ..options() }).unwrap_err();
    assert!(matches!(error, Error::UnknownLeads { .. }), "{error}");
}

#[test]
fn damaged_csv_files_are_refused() {
    let options = ArrayOptions { leads: None, ..options() };
    for (text, words) in [
        ("", "not known"),
        ("# sampling_rate: fast\nI\n1\n", "`fast`"),
        ("# sampling_rate: 500\nI,V2\n1,2\n3,x\n", "`x` in line 4"),
        ("I,V2\n1,2\n3\n", "cannot parse"),
        ("I,,V2\n1,2,3\n", "no usable recording"),
        ("I,I\n1,2\n", "no usable recording"),
        ("I,V2\n", "no usable recording"),
        ("I,V2\n1,inf\n", "no usable recording"),
        ("# unit: mmHg\nI\n1\n", "no usable recording"),
    ] {
        let error = read("x.csv", text, &options).unwrap_err().to_string();
        assert!(error.contains(words), "{text:?}: {error}");
    }
    let error = read("x.csv", b"I,V2\n1,\xff\n", &options).unwrap_err();
    assert!(matches!(error, Error::Parse { .. }), "{error}");
    let given = ArrayOptions { leads: Some(vec![Lead::I]), ..options };
    let error = read("x.csv", "I,V2\n1,2\n", &given).unwrap_err();
    assert!(error.to_string().contains("1 leads are given but the file names 2"), "{error}");
}

#[test]
fn a_directory_is_no_array() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    std::fs::create_dir(&path).unwrap();
    assert!(matches!(open(Path::new(&path)), Err(Error::Read { .. })));
}

//! Reading golden files.

use std::path::PathBuf;

use serde_json::Value;

/// One folder of golden data.
pub struct Golden {
    pub name: String,
    pub json: Value,
}

impl Golden {
    /// Every folder whose name starts with `item`; none, with a note, where there is no golden data.
    pub fn folders(item: &str) -> Vec<Golden> {
        let root = std::env::var_os("EINTHOVEN_GOLDEN").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden")),
            PathBuf::from,
        );
        let Ok(folders) = std::fs::read_dir(&root) else {
            println!("skipped: {} not found", root.display());
            return Vec::new();
        };
        let mut found: Vec<Golden> = folders
            .map(|folder| folder.unwrap().path())
            .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(item))
            .map(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let json = std::fs::read_dir(&path)
                    .unwrap()
                    .map(|file| file.unwrap().path())
                    .filter(|file| file.extension().is_some_and(|extension| extension == "json"))
                    .map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())
                    .find(|json: &Value| json.get("item").is_some())
                    .unwrap();
                Golden { name, json }
            })
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        if found.is_empty() {
            println!("skipped: {}/{item}* not found", root.display());
        }
        found
    }
}

/// A number, `None` for `null`, infinity for `"inf"`.
pub fn option(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => Some(text.parse().unwrap()),
        Value::Null => None,
        number => Some(number.as_f64().unwrap()),
    }
}

/// A matrix as rows.
pub fn table(value: &Value) -> Vec<Vec<f64>> {
    serde_json::from_value(value.clone()).unwrap()
}

/// Asserts equality to 1e-12 (the references differ by rounding only), and that both are defined or both are not.
pub fn close(place: &str, found: Option<f64>, expected: Option<f64>) {
    let equal = match (found, expected) {
        (Some(found), Some(expected)) => found == expected || (found - expected).abs() <= 1e-12,
        (found, expected) => found == expected,
    };
    assert!(equal, "{place}: found {found:?}, expected {expected:?}");
}

//! Configuration text with overrides from the command line, and errors that name file, line and key.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// Reads `text` (the contents of `path`) with `key=value` overrides laid over it.
///
/// Keys are dotted paths (`train.batch_size`); a value is TOML, and what is not TOML is taken as a string, so that
/// `--set model.mode=paper` needs no quotes.
///
/// # Errors
/// A syntax error, unknown key or wrong type names file, line and key, or the override it came from.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str, overrides: &[String]) -> Result<T> {
    let in_file = |error: toml::de::Error| Error::Config { path: path.to_path_buf(), message: error.to_string() };
    if overrides.is_empty() {
        return toml::from_str(text).map_err(in_file);
    }
    let mut table: toml::Table = text.parse().map_err(in_file)?;
    for item in overrides {
        apply(&mut table, item)?;
    }
    match table.try_into() {
        Ok(value) => Ok(value),
        // The fault may stand in the file, whose own error knows the line.
        Err(merged) => match toml::from_str::<T>(text) {
            Err(error) if same_fault(&error, &merged) => Err(in_file(error)),
            _ => Err(Error::Override { overrides: overrides.to_vec(), message: merged.to_string() }),
        },
    }
}

/// Reads and writes the experiments of a kind; `refusal` says of a text that is an experiment of another kind why it is refused.
macro_rules! experiment_file {
    ($experiment:ident, $refusal:expr) => {
        impl $experiment {
            /// Reads an experiment file with `key=value` overrides laid over it.
            ///
            /// # Errors
            /// [`Error::File`](crate::Error::File); [`Error::Config`](crate::Error::Config) with file, line and key;
            /// [`Error::Override`](crate::Error::Override).
            pub fn load(path: &std::path::Path, overrides: &[String]) -> $crate::Result<Self> {
                let text = std::fs::read_to_string(path).map_err($crate::Error::file("read", path))?;
                Self::parse(path, &text, overrides)
            }

            /// Reads the text of an experiment file; `path` is what errors call it.
            ///
            /// # Errors
            /// As [`load`](Self::load).
            pub fn parse(path: &std::path::Path, text: &str, overrides: &[String]) -> $crate::Result<Self> {
                let refusal: fn(&str) -> Option<&'static str> = $refusal;
                if let Some(message) = refusal(text) {
                    return Err($crate::Error::Config { path: path.to_owned(), message: message.to_owned() });
                }
                let experiment: Self = $crate::overrides::parse(path, text, overrides)?;
                experiment.train.validate()?;
                Ok(experiment)
            }

            /// The experiment as TOML, every default spelt out.
            ///
            /// # Errors
            /// [`Error::Setting`](crate::Error::Setting) if a value cannot be written as TOML.
            pub fn to_toml(&self) -> $crate::Result<String> {
                toml::to_string(self).map_err(|error| $crate::Error::setting("experiment", error.to_string()))
            }
        }
    };
}
pub(crate) use experiment_file;

fn same_fault(a: &toml::de::Error, b: &toml::de::Error) -> bool {
    a.message() == b.message()
}

fn apply(table: &mut toml::Table, item: &str) -> Result<()> {
    let fault = |message: &str| Error::Override { overrides: vec![item.to_owned()], message: message.to_owned() };
    let (key, value) = item.split_once('=').ok_or_else(|| fault("expected key=value, such as train.batch_size=64"))?;
    let value = format!("value = {value}")
        .parse::<toml::Table>()
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    let mut path: Vec<&str> = key.trim().split('.').collect();
    let last = path.pop().filter(|last| !last.is_empty()).ok_or_else(|| fault("the key is empty"))?;
    let mut at = table;
    for part in path {
        at = at
            .entry(part)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()))
            .as_table_mut()
            .ok_or_else(|| fault(&format!("`{part}` holds a value, not a table of keys")))?;
    }
    at.insert(last.to_owned(), value);
    Ok(())
}

/// Where `path` is: as it stands if it exists, else below the data folder.
///
/// The data folder is `$EINTHOVEN_DATA`, or `../shared/data`, where this project keeps its test data.
pub fn in_data_folder(path: &Path) -> PathBuf {
    if path.is_absolute() || path.exists() {
        return path.to_path_buf();
    }
    let folder = std::env::var_os("EINTHOVEN_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let below = folder.join(path);
    if below.exists() { below } else { path.to_path_buf() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        size: usize,
        mode: String,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        inner: Inner,
    }

    const TEXT: &str = "[inner]\nsize = 3\nmode = \"a\"\n";

    fn read(text: &str, overrides: &[&str]) -> std::result::Result<Outer, String> {
        let overrides: Vec<String> = overrides.iter().map(|s| s.to_string()).collect();
        parse(Path::new("x.toml"), text, &overrides).map_err(|error| error.to_string())
    }

    #[test]
    fn overrides_replace_values_with_and_without_quotes() {
        let expected = Outer { inner: Inner { size: 5, mode: "paper".into() } };
        assert_eq!(read(TEXT, &["inner.size=5", "inner.mode=paper"]), Ok(expected));
    }

    #[test]
    fn a_misspelt_key_names_file_line_and_what_was_expected() {
        let error = read("[inner]\nsizes = 3\nmode = \"a\"\n", &[]).unwrap_err();
        for part in ["x.toml", "line 2", "sizes", "`size`"] {
            assert!(error.contains(part), "{error}");
        }
        let error = read("[inner]\nsizes = 3\nmode = \"a\"\n", &["inner.mode=b"]).unwrap_err();
        assert!(error.contains("line 2"), "{error}");
    }

    #[test]
    fn a_misspelt_override_is_named() {
        let error = read(TEXT, &["inner.sizes=5"]).unwrap_err();
        assert!(error.contains("inner.sizes=5") && error.contains("`size`"), "{error}");
        let error = read(TEXT, &["inner.size"]).unwrap_err();
        assert!(error.contains("key=value"), "{error}");
        let error = read(TEXT, &["inner.size.deep=1"]).unwrap_err();
        assert!(error.contains("`size` holds a value"), "{error}");
    }
}

//! What an array file does not say about itself.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::read_file;
use crate::{Error, Lead, Result};

/// What an array file (`.npy`, `.csv`) does not say about itself.
///
/// What is not given here is looked for in the file, then in a JSON file of these fields beside it (`x.json` for
/// `x.npy`). Leads and rate are never guessed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArrayOptions {
    /// The leads, in the file's order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leads: Option<Vec<Lead>>,
    /// Samples per second, in Hz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling_rate: Option<f64>,
    /// Unit of the samples. Without one, numbers with a fraction are millivolts; whole-number types need one, as
    /// these are mostly ADC values or microvolts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
}

impl ArrayOptions {
    /// These options, completed first by what the file `path` says, then by the JSON file beside it.
    pub(super) fn complete(&self, file: Self, path: &Path) -> Result<Self> {
        let beside = Self::beside(path)?;
        Ok(Self {
            leads: self.leads.clone().or(file.leads).or(beside.leads),
            sampling_rate: self.sampling_rate.or(file.sampling_rate).or(beside.sampling_rate),
            unit: self.unit.or(file.unit).or(beside.unit),
        })
    }

    /// The options in the JSON file beside `path`; none if there is no such file.
    fn beside(path: &Path) -> Result<Self> {
        let json = path.with_extension("json");
        match read_file(&json) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|source| Error::Parse { path: json, source: source.into() })
            }
            Err(Error::Read { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }
}

/// A unit of voltage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Unit {
    /// Volts.
    Volt,
    /// Thousandths of a volt.
    Millivolt,
    /// Millionths of a volt.
    Microvolt,
}

impl Unit {
    /// The unit in millivolts.
    pub fn millivolts(self) -> f64 {
        match self {
            Self::Volt => 1e3,
            Self::Millivolt => 1.0,
            Self::Microvolt => 1e-3,
        }
    }
}

impl FromStr for Unit {
    type Err = Error;

    /// Reads `V`, `mV`, `uV` or `µV`, in either case.
    fn from_str(text: &str) -> Result<Self> {
        match text.trim().to_lowercase().as_str() {
            "v" => Ok(Self::Volt),
            "mv" => Ok(Self::Millivolt),
            // Micro sign and Greek letter mu.
            "uv" | "\u{b5}v" | "\u{3bc}v" => Ok(Self::Microvolt),
            _ => Err(Error::Unit { what: "the recording".into(), unit: text.to_owned() }),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Volt => "V",
            Self::Millivolt => "mV",
            Self::Microvolt => "uV",
        })
    }
}

impl TryFrom<String> for Unit {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Unit> for String {
    fn from(unit: Unit) -> Self {
        unit.to_string()
    }
}

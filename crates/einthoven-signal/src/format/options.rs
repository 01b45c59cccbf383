//! What an array file does not say about itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Lead, Result};

/// What an array file (`.npy`, `.csv`) does not say about itself. Nothing of it is ever guessed.
///
/// What is not given here is looked for in the file, then in a JSON file of these fields beside it (`x.json` for `x.npy`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArrayOptions {
    /// The leads, in the file's order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leads: Option<Vec<Lead>>,
    /// Samples per second, in Hz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling_rate: Option<f64>,
    /// Unit of the samples; millivolts if nobody says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
}

/// A unit of voltage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Unit {
    /// Volts.
    Volt,
    /// Thousandths of a volt.
    #[default]
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

//! Results that are looked at.

use serde::{Deserialize, Serialize};

use crate::map::Map;

/// The judged records on a plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappedRecords {
    /// Their places.
    pub map: Map,
    /// The label set's classes.
    pub classes: Vec<String>,
    /// The classes of each record that the subject was fed, as indices.
    pub of: Vec<Vec<usize>>,
}

/// Recordings that a class's words fit best and worst among those that have it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplainedCases {
    /// The best ones, the best first.
    pub best: Vec<ExplainedCase>,
    /// The worst ones, the worst first.
    pub worst: Vec<ExplainedCase>,
}

/// One recording and a class that it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplainedCase {
    /// The recording.
    pub record: String,
    /// The class.
    pub class: String,
    /// The words that were asked.
    pub text: String,
    /// The fraction of the judged recordings without the class that the words fit less well; ties count half.
    pub rank: f64,
    /// The recording with colours where the subject looks, as an `<svg>` element.
    pub drawing: String,
}

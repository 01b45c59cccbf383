//! The report of a run: one HTML file that needs nothing but itself.
//!
//! What goes in are plain values, so that a report can be made from a run's files at any time and on any machine.
//! Everything is drawn as inline SVG; the page has no script, follows the reader's light or dark setting, and prints.

pub(crate) mod chart;
mod learning;
mod recordings;
mod view;

use std::collections::BTreeMap;
use std::path::Path;

use minijinja::Environment;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};

pub use recordings::{Drawing, Recordings, RecordingsSection};

use crate::error::{Error, Result};
use crate::files::replace;
use crate::retrieval::{Match, RetrievalResult};
use crate::zero_shot::{ClassCurve, ZeroShotResult};

/// All that a report tells. What is empty is left out of the page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The headline, as the run's name.
    pub title: String,
    /// A line below it: what was done.
    pub subtitle: String,
    /// Facts about run, model and data, in groups.
    pub summary: Vec<Facts>,
    /// Records that were left out.
    pub left_out: Vec<LeftOutRecords>,
    /// The entries of the run's `metrics.jsonl`.
    pub log: Vec<LogEntry>,
    /// Zero-shot classification, a section for each label set or split.
    pub zero_shot: Vec<ZeroShotSection>,
    /// Retrieval both ways.
    pub retrieval: Option<RetrievalSection>,
    /// Recordings beside the captions that lie nearest to them.
    pub examples: Vec<Example>,
    /// The resolved experiment file.
    pub config: String,
}

/// A group of facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// What they are about.
    pub title: String,
    /// Names and values, in order.
    pub facts: Vec<(String, String)>,
}

/// Records of one dataset that were left out for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOutRecords {
    /// The dataset or split.
    pub dataset: String,
    /// Why.
    pub reason: String,
    /// How many.
    pub count: usize,
}

/// A line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// `train` or `validation`.
    pub kind: String,
    /// Optimiser steps done.
    pub step: u64,
    /// The epoch the step belongs to, from 0.
    pub epoch: u64,
    /// The values by name; `None` where undefined.
    #[serde(flatten)]
    pub values: BTreeMap<String, Option<f64>>,
}

/// Zero-shot classification of one split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZeroShotSection {
    /// The records that were judged, as "ptb-xl fold 9".
    pub split: String,
    /// The figures.
    pub result: ZeroShotResult,
    /// The ROC curves of the classes.
    pub curves: Vec<ClassCurve>,
}

/// Retrieval within one split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrievalSection {
    /// The records that were judged.
    pub split: String,
    /// The figures.
    pub result: RetrievalResult,
}

/// A recording, its caption, and the captions that the model finds nearest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The record.
    pub record: String,
    /// The 12-lead drawing, an SVG document.
    pub drawing: String,
    /// Its own caption.
    pub caption: String,
    /// What the model writes about it, where it was asked.
    pub generated: Option<String>,
    /// The nearest captions, nearest first.
    pub matches: Vec<Match>,
}

impl LogEntry {
    /// Reads the lines of a `metrics.jsonl`; `path` is for the error message.
    pub fn parse_log(text: &str, path: &Path) -> Result<Vec<Self>> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines
            .map(|(index, line)| {
                serde_json::from_str(line).map_err(|source| Error::Log { path: path.into(), line: index + 1, source })
            })
            .collect()
    }
}

impl Report {
    /// The page.
    pub fn to_html(&self) -> Result<String> {
        page("report.html", include_str!("report.html"), view::View::new(self))
    }

    /// Writes the page to a file: whole, or not at all.
    pub fn save(&self, path: &Path) -> Result<()> {
        replace(path, self.to_html()?.as_bytes())
    }
}

/// A page of this crate's style: the template of that name, filled with `view`.
pub(crate) fn page(name: &'static str, template: &'static str, view: impl Serialize) -> Result<String> {
    let mut environment = Environment::new();
    // Neither is a page by its ending, but both are put into one as they are.
    environment.add_template("style.css", include_str!("style.css"))?;
    environment.add_template(name, template)?;
    Ok(environment.get_template(name)?.render(Serde(view))?)
}

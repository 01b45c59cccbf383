//! How captions are made.

use std::path::PathBuf;

use einthoven_signal::measure::{Measurements, measure};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::forms;
use crate::{Dataset, Entry, Leftovers};

/// How captions are made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CaptionConfig {
    /// The form of a caption.
    pub template: CaptionTemplate,
    /// What is said about how a finding looks, in captions that have room for it.
    pub descriptions: Descriptions,
    /// What is described at a time.
    #[serde(skip_serializing_if = "is_default")]
    pub described: Described,
    /// The store of descriptions, where they come from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreConfig>,
    /// How closely a caption gives the age.
    #[serde(skip_serializing_if = "is_default")]
    pub age: Age,
    /// Say what is measured on the recording: heart rate, PR interval, QRS duration, QTc and QRS axis. What cannot be
    /// measured is not said.
    #[serde(skip_serializing_if = "is_default")]
    pub measurements: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How closely a caption gives the age. An age of 90 and more is `90+` in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Age {
    /// In years, as ESI's captions do: `63`.
    #[default]
    Years,
    /// By the decade: `60 to 69`.
    Decades,
}

/// What is described at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Described {
    /// Each statement by itself.
    #[default]
    Statement,
    /// All statements of a record together.
    Combination,
}

/// A store of descriptions, as the Cardio Query Assistant makes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// Its folder.
    pub path: PathBuf,
    /// The beginning of the id of the origin to take descriptions of, where the store has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// Where descriptions of waveforms come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Descriptions {
    /// There are none.
    #[default]
    None,
    /// The knowledge base that comes with the program, a description of 25 to 60 words for each finding.
    Knowledge,
    /// The [store](CaptionConfig::store), and the knowledge base for what the store does not have.
    Store,
}

/// The form of a caption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaptionTemplate {
    /// ESI's: demographics, findings, and, where there are [`Descriptions`], what each finding looks like, a line each
    /// (arXiv 2405.19366).
    #[default]
    Esi,
    /// The statements alone.
    Findings,
    /// Sentences: whose ECG it is, what it shows, and, where there are [`Descriptions`], what that looks like.
    Narrative,
}

impl CaptionConfig {
    /// The caption of a record; none without a statement. `descriptions` says what a statement looks like in an ECG;
    /// `measured` is what was measured on the recording, for a caption with [measurements](Self::measurements).
    pub fn caption(
        &self,
        entry: &Entry,
        measured: Option<&Measurements>,
        descriptions: &impl Fn(&str) -> Option<String>,
    ) -> Option<String> {
        let numbers = measured.filter(|_| self.measurements).map(forms::numbers).unwrap_or_default();
        let described = || self.asked(entry).iter().filter_map(|asked| descriptions(asked)).collect::<Vec<_>>();
        match self.template {
            CaptionTemplate::Esi => forms::esi(entry, self.age, &numbers, &described()),
            CaptionTemplate::Findings => forms::findings(entry, &numbers),
            CaptionTemplate::Narrative => forms::narrative(entry, self.age, &numbers, &described()),
        }
    }

    /// What `descriptions` is asked about a record: its statements, or all of them with `; ` between them.
    pub fn asked(&self, entry: &Entry) -> Vec<String> {
        match self.described {
            Described::Combination if !entry.statements.is_empty() => vec![entry.statements.join("; ")],
            _ => entry.statements.clone(),
        }
    }

    /// The records of a dataset that have a caption, their captions, and the records that have none.
    ///
    /// For captions with [measurements](Self::measurements) every recording with a statement is read and measured once,
    /// on all threads. One that cannot be read or measured has a caption without them: the loader reports it.
    pub fn captions(
        &self,
        dataset: &Dataset,
        descriptions: &(impl Fn(&str) -> Option<String> + Sync),
    ) -> (Dataset, Vec<String>, Leftovers) {
        let caption = |(index, entry): (usize, &Entry)| {
            let wanted = self.measurements && !entry.statements.is_empty();
            let record = wanted.then(|| dataset.record(index).ok()).flatten();
            let measured = record.and_then(|record| measure(&record).ok());
            self.caption(entry, measured.as_ref(), descriptions)
        };
        let made: Vec<Option<String>> = dataset.entries.par_iter().enumerate().map(caption).collect();
        let mut kept = Vec::new();
        let mut captions = Vec::new();
        let mut leftovers = Leftovers::default();
        for (index, caption) in made.into_iter().enumerate() {
            match caption {
                Some(caption) => {
                    kept.push(index);
                    captions.push(caption);
                }
                None => leftovers.push(&dataset.entries[index].id, "it has no statement to make a caption of"),
            }
        }
        (dataset.subset(&kept), captions, leftovers)
    }
}

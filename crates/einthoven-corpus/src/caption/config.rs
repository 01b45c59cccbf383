//! How captions are made.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use einthoven_signal::measure::{Measurements, measure};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Captions;
use super::captions::Sampled;
use super::forms::{self, Number};
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
    /// Which statements of a record the text says that it is contrasted with.
    #[serde(skip_serializing_if = "is_default")]
    pub statements: Statements,
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

/// Which statements of a record the text says that it is contrasted with in training. A model learns to tell all of them, and is judged
/// by all, in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statements {
    /// All of them.
    #[default]
    All,
    /// As many as chance says, at least one, in an order of chance, others in each epoch: so that texts of one statement, as
    /// questions are, are nothing new to the model. A text that is true of another record of the batch is no negative of it.
    Sampled,
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
        forms::caption(self, entry, &self.numbers(measured), descriptions)
    }

    /// What a caption says of what was measured.
    fn numbers(&self, measured: Option<&Measurements>) -> Vec<Number> {
        measured.filter(|_| self.measurements).map(forms::numbers).unwrap_or_default()
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
    ) -> (Dataset, Captions, Leftovers) {
        let caption = |(index, entry): (usize, &Entry)| {
            let wanted = self.measurements && !entry.statements.is_empty();
            let record = wanted.then(|| dataset.record(index).ok()).flatten();
            let numbers = self.numbers(record.and_then(|record| measure(&record).ok()).as_ref());
            Some((forms::caption(self, entry, &numbers, descriptions)?, numbers))
        };
        let made: Vec<Option<_>> = dataset.entries.par_iter().enumerate().map(caption).collect();
        let mut kept = Vec::new();
        let (mut captions, mut numbers) = (Vec::new(), Vec::new());
        let mut leftovers = Leftovers::default();
        for (index, caption) in made.into_iter().enumerate() {
            match caption {
                Some((caption, measured)) => {
                    kept.push(index);
                    captions.push(caption);
                    numbers.push(measured);
                }
                None => leftovers.push(&dataset.entries[index].id, "it has no statement to make a caption of"),
            }
        }
        let kept = dataset.subset(&kept);
        let sampled = (self.statements == Statements::Sampled).then(|| self.sampled(&kept, numbers, descriptions));
        (kept, Captions::new(captions, sampled), leftovers)
    }

    /// What texts of some of the statements are made of.
    fn sampled(
        &self,
        dataset: &Dataset,
        numbers: Vec<Vec<Number>>,
        descriptions: &impl Fn(&str) -> Option<String>,
    ) -> Sampled {
        let mut known: BTreeMap<&str, u32> = BTreeMap::new();
        let mut statements = Vec::with_capacity(dataset.len());
        for entry in &dataset.entries {
            let number = |statement| {
                let next = known.len() as u32;
                *known.entry(statement).or_insert(next)
            };
            statements.push(entry.statements.iter().map(String::as_str).map(number).collect());
        }
        let described = |statement: &&str| Some(((*statement).to_owned(), descriptions(statement)?));
        let descriptions: HashMap<String, String> = known.keys().filter_map(described).collect();
        Sampled { config: self.clone(), descriptions, numbers, statements }
    }
}

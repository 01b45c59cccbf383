//! The records of a protocol, and how they come to a subject.

use std::path::Path;

use einthoven_corpus::{Dataset, DatasetOptions, LabelSet, Leftovers, Split};
use einthoven_random::Streams;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::result::JudgedRecords;
use super::subject::{Recording, Rows, Subject};
use super::variation::Variation;
use super::{Answer, Protocol, hex};
use crate::embeddings::Embeddings;
use crate::error::{Error, Result, same_length};

/// Recordings that are in memory at once.
pub(super) const CHUNK: usize = 64;

/// The records of a protocol.
#[derive(Clone, Debug)]
pub struct Records {
    /// Those that classifiers are fitted on.
    pub fitted: Part,
    /// Those that fine-tuning chooses its weights by, if the protocol has some.
    pub chosen: Option<Part>,
    /// Those that subjects are judged on.
    pub judged: Part,
}

/// Records that serve for one thing.
#[derive(Clone, Debug)]
pub struct Part {
    /// The records.
    pub dataset: Dataset,
}

/// Records as a subject sees them.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The places in the part of the records that the subject could be fed.
    pub kept: Vec<usize>,
    /// What it made of them.
    pub values: Embeddings,
    /// The records that could not be read or fed.
    pub leftovers: Leftovers,
}

impl Records {
    /// Opens the records of a protocol; `root` is the folder of the dataset, where it needs one.
    ///
    /// # Errors
    /// Those of [`Dataset::open`]; [`Error::Protocol`] for folds without a record.
    pub fn open(protocol: &Protocol, root: Option<&Path>) -> Result<Self> {
        let data = &protocol.data;
        let options =
            DatasetOptions { rate: data.rate, simulated: data.simulated.clone().unwrap_or_default(), folds: None };
        let dataset = Dataset::open(&data.dataset, root, &options)?;
        let part = |folds: &[u8]| {
            let dataset = dataset.select(&Split::Folds(folds.to_vec()));
            if dataset.is_empty() {
                let problem = format!("folds {folds:?} of {} hold no record", dataset.name);
                return Err(Error::Protocol { protocol: protocol.name.clone(), problem });
            }
            Ok(Part { dataset })
        };
        let chosen = if data.chosen.is_empty() { None } else { Some(part(&data.chosen)?) };
        Ok(Self { fitted: part(&data.fitted)?, chosen, judged: part(&data.judged)? })
    }

    /// What they are, for a file of results.
    pub fn card(&self) -> JudgedRecords {
        let mut hash = Sha256::new();
        for part in [&self.fitted, &self.judged].into_iter().chain(&self.chosen) {
            for entry in &part.dataset.entries {
                hash.update(entry.id.as_bytes());
                for code in &entry.codes {
                    hash.update([0]);
                    hash.update(code.code.as_bytes());
                }
                hash.update([1]);
            }
            hash.update([2]);
        }
        let Dataset { name, card, .. } = &self.judged.dataset;
        JudgedRecords {
            dataset: format!("{name} {}", card.version),
            fitted: self.fitted.dataset.len(),
            chosen: self.chosen.as_ref().map_or(0, |part| part.dataset.len()),
            judged: self.judged.dataset.len(),
            hash: hex(&hash.finalize()),
        }
    }
}

impl Part {
    /// A label set over the records.
    pub(super) fn labels(&self, name: &str) -> Result<LabelSet> {
        Ok(self.dataset.label_set(name)?)
    }

    /// The records as `subject` embeds them, `variation` having changed them before; `seen` hears of each chunk, and may end it.
    pub(super) fn embed(
        &self,
        subject: &dyn Subject,
        variation: Option<(&Variation, &Streams)>,
        seen: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<Seen> {
        let answer = |recordings: &[Recording]| subject.embed(recordings).map(Some);
        // A subject always embeds.
        Ok(self.pass(subject, &answer, variation, seen)?.unwrap_or_else(Seen::none))
    }

    /// The records as `subject` scores them for the classes of a label set; `None` if it is no classifier of these.
    pub(super) fn scores(
        &self,
        subject: &dyn Subject,
        labels: &LabelSet,
        seen: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<Option<Seen>> {
        let answer = |recordings: &[Recording]| subject.scores(recordings, &labels.name, &labels.classes);
        self.pass(subject, &answer, None, seen)
    }

    fn pass(
        &self,
        subject: &dyn Subject,
        answer: &dyn Fn(&[Recording]) -> Answer<Option<Rows>>,
        variation: Option<(&Variation, &Streams)>,
        seen: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<Option<Seen>> {
        let all: Vec<usize> = (0..self.dataset.len()).collect();
        let mut result = Seen::none();
        let (mut width, mut data) = (None, Vec::new());
        for chunk in all.chunks(CHUNK) {
            let read: Vec<_> = chunk.par_iter().map(|&index| self.recording(index, variation)).collect();
            let (mut places, mut recordings) = (Vec::new(), Vec::new());
            for (&index, recording) in chunk.iter().zip(read) {
                match recording {
                    Ok(recording) => {
                        places.push(index);
                        recordings.push(recording);
                    }
                    Err(reason) => result.leftovers.push(&self.dataset.entries[index].id, reason),
                }
            }
            seen(chunk.len())?;
            if recordings.is_empty() {
                continue;
            }
            let failed = |source| Error::Subject { subject: subject.card().name, source };
            let Some(rows) = answer(&recordings).map_err(failed)? else { return Ok(None) };
            same_length("rows for the recordings", rows.kept.len(), rows.values.rows())?;
            same_length("width of the rows", *width.get_or_insert(rows.values.width()), rows.values.width())?;
            result.kept.extend(rows.kept.iter().filter_map(|&row| places.get(row)));
            data.extend_from_slice(rows.values.data());
            result.leftovers.records.extend(rows.refused.records);
        }
        if let Some(index) = data.iter().position(|value| !value.is_finite()) {
            let record = result.kept.get(index / width.unwrap_or(1)).map(|&index| &self.dataset.entries[index].id);
            let record = record.cloned().unwrap_or_default();
            return Err(Error::NotANumber { class: subject.card().name, record });
        }
        result.values = Embeddings::new(result.kept.len(), width.unwrap_or(0), data)?;
        Ok(Some(result))
    }

    pub(super) fn recording(
        &self,
        index: usize,
        variation: Option<(&Variation, &Streams)>,
    ) -> std::result::Result<Recording, String> {
        let record = self.dataset.record(index).map_err(|error| error.to_string())?;
        let record = match variation {
            Some((variation, streams)) => {
                variation.apply(record, index as u64, streams).map_err(|error| error.to_string())?
            }
            None => record,
        };
        Ok((self.dataset.entries[index].id.clone(), record))
    }
}

impl Seen {
    fn none() -> Self {
        let values = Embeddings::empty();
        Self { kept: Vec::new(), values, leftovers: Leftovers::default() }
    }
}

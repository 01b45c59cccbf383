//! The loader: from a dataset's records to batches of model input.

mod batches;
mod config;
pub(crate) mod prepare;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use einthoven_random::Streams;
use einthoven_signal::InputContract;
use rand::seq::SliceRandom;
use rayon::prelude::*;

use crate::{AugmentConfig, Captions, Dataset, Error, Leftovers, PartialCaption, Result};
use batches::Pass;
use prepare::Preparer;

pub use batches::Batches;
pub use config::{LoaderConfig, OnError};

/// One record as a model learns from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The record's index in the dataset.
    pub index: usize,
    /// The record's id.
    pub id: String,
    /// Model input, `[leads, samples]`.
    pub samples: Vec<f32>,
    /// How many samples of each lead are real; the others are padding.
    pub valid: usize,
    /// The caption.
    pub caption: String,
    /// What the record is contrasted with, where that says [some of its statements](crate::Statements::Sampled).
    pub part: Option<PartialCaption>,
}

/// Some examples side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The records' ids.
    pub ids: Vec<String>,
    /// The records' indices in the dataset.
    pub indices: Vec<usize>,
    /// Model input, `[batch, leads, samples]`.
    pub signals: Vec<f32>,
    /// How many samples of each lead are real, for each record.
    pub valid: Vec<usize>,
    /// The captions.
    pub captions: Vec<String>,
    /// What the records are contrasted with, where that says [some of their statements](crate::Statements::Sampled); else empty.
    pub parts: Vec<PartialCaption>,
    /// Leads of a record.
    pub leads: usize,
    /// Samples of a lead.
    pub samples: usize,
}

impl Batch {
    /// Number of examples.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there are no examples; a loader never hands out such a batch.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    fn push(&mut self, example: Example) {
        self.ids.push(example.id);
        self.indices.push(example.index);
        self.signals.extend_from_slice(&example.samples);
        self.valid.push(example.valid);
        self.captions.push(example.caption);
        self.parts.extend(example.part);
    }
}

/// Prepares the records of a dataset and hands them out in batches.
///
/// The order of an epoch is a pure function of (seed, epoch, [rank](Loader::of_rank)), augmentation and statements of a record are functions of (seed, epoch, index):
/// batches are the same for any number of workers, with and without the cache, from the start or from the middle.
#[derive(Clone)]
pub struct Loader {
    shared: Arc<Shared>,
    rank: usize,
    world: usize,
}

/// What a loader and its passes share.
struct Shared {
    dataset: Arc<Dataset>,
    captions: Arc<Captions>,
    contract: InputContract,
    preparer: Preparer,
    config: LoaderConfig,
    streams: Streams,
    /// Indices of the records to load.
    kept: Vec<usize>,
    leftovers: Leftovers,
}

impl Shared {
    /// The record at `index`, with augmentation and statements of `epoch` if there is one.
    fn example(&self, index: usize, epoch: Option<u64>) -> Result<Example> {
        let stream = epoch.map(|epoch| self.streams.stream("augment", &[epoch, index as u64]));
        let prepared = self.preparer.prepare(index, stream)?;
        let entry = &self.dataset.entries[index];
        let stream = |epoch| self.streams.stream("caption", &[epoch, index as u64]);
        Ok(Example {
            index,
            id: entry.id.clone(),
            samples: prepared.samples,
            valid: prepared.valid,
            caption: self.captions[index].clone(),
            part: epoch.and_then(|epoch| self.captions.part(index, entry, stream(epoch))),
        })
    }

    fn empty_batch(&self) -> Batch {
        let size = self.config.batch_size;
        let (leads, samples) = (self.contract.leads.len(), self.contract.samples);
        Batch {
            ids: Vec::with_capacity(size),
            indices: Vec::with_capacity(size),
            signals: Vec::with_capacity(size * leads * samples),
            valid: Vec::with_capacity(size),
            captions: Vec::with_capacity(size),
            parts: Vec::new(),
            leads,
            samples,
        }
    }

    /// Tries every record and keeps those that can be prepared.
    fn leave_out_failures(&mut self) -> Result<()> {
        let attempts: Vec<Option<Error>> =
            (0..self.dataset.len()).into_par_iter().map(|index| self.preparer.prepare(index, None).err()).collect();
        let mut first = None;
        self.kept.clear();
        for (index, failure) in attempts.into_iter().enumerate() {
            match failure {
                None => self.kept.push(index),
                Some(error) => {
                    let reason =
                        std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
                    self.leftovers.push(&self.dataset.entries[index].id, reason);
                    first.get_or_insert(error);
                }
            }
        }
        match first {
            Some(error) if self.kept.is_empty() => Err(error),
            _ => Ok(()),
        }
    }
}

impl Loader {
    /// A loader of `dataset` with one caption for each of its records.
    ///
    /// # Errors
    /// [`Error::Empty`] for a dataset without records, [`Error::Captions`] unless there is one caption each,
    /// [`Error::Setting`] and [`Error::Contract`] for impossible values, [`Error::OtherContract`] for shards that were made
    /// under a contract that prepares otherwise. With [`OnError::LeaveOut`] the first record's
    /// error if no record can be prepared.
    pub fn new(
        dataset: Arc<Dataset>,
        captions: Arc<Captions>,
        contract: InputContract,
        augment: AugmentConfig,
        config: LoaderConfig,
        streams: Streams,
    ) -> Result<Self> {
        config.validate()?;
        augment.validate(&contract.leads)?;
        contract.validate().map_err(|source| Error::Contract { source })?;
        if dataset.is_empty() {
            return Err(Error::Empty { dataset: dataset.name.clone() });
        }
        if captions.len() != dataset.len() {
            return Err(Error::Captions {
                dataset: dataset.name.clone(),
                captions: captions.len(),
                records: dataset.len(),
            });
        }
        let preparer = Preparer::new(Arc::clone(&dataset), &contract, augment, config.cache)?;
        let mut shared = Shared {
            kept: (0..dataset.len()).collect(),
            dataset,
            captions,
            contract,
            preparer,
            config,
            streams,
            leftovers: Leftovers::default(),
        };
        if shared.config.on_error == OnError::LeaveOut {
            shared.leave_out_failures()?;
        }
        Ok(Self { shared: Arc::new(shared), rank: 0, world: 1 })
    }

    /// The loader of process `rank` of `world`: in each epoch it hands out every `world`-th record of the common order, from the
    /// `rank`-th on. Together the processes see each record at most once, and all have the same number of batches.
    ///
    /// # Errors
    /// [`Error::Setting`] unless `rank` is below `world`.
    pub fn of_rank(&self, rank: usize, world: usize) -> Result<Self> {
        if rank >= world {
            return Err(Error::Setting {
                key: "rank",
                value: rank.to_string(),
                expected: "a number below the world's size",
            });
        }
        Ok(Self { shared: Arc::clone(&self.shared), rank, world })
    }

    /// The dataset.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.shared.dataset
    }

    /// The captions, one for each record of the dataset.
    pub fn captions(&self) -> &Arc<Captions> {
        &self.shared.captions
    }

    /// The input contract.
    pub fn contract(&self) -> &InputContract {
        &self.shared.contract
    }

    /// The records left out because they cannot be prepared; none unless asked for with [`OnError::LeaveOut`].
    pub fn leftovers(&self) -> &Leftovers {
        &self.shared.leftovers
    }

    /// Number of records that are loaded.
    pub fn len(&self) -> usize {
        self.shared.kept.len()
    }

    /// Whether no record is loaded: never, as [`Loader::new`] refuses an empty dataset.
    pub fn is_empty(&self) -> bool {
        self.shared.kept.is_empty()
    }

    /// Batches of an epoch: all of full size, the rest of the records waits for the next epoch's order.
    pub fn batches_per_epoch(&self) -> usize {
        self.len() / self.world / self.shared.config.batch_size
    }

    /// The batches of `epoch` from `start_batch` on, augmented, in random order. Those before are not prepared.
    ///
    /// Hands out [`Error::BatchSize`] if there are not enough records for one batch.
    pub fn epoch(&self, epoch: u64, start_batch: usize) -> Batches {
        let mut order = self.shared.kept.clone();
        order.shuffle(&mut self.shared.streams.stream("order", &[epoch]));
        let order = order.into_iter().skip(self.rank).step_by(self.world).collect();
        let pass = self.pass(order, Some(epoch));
        match self.batches_per_epoch() {
            0 => {
                let error = Error::BatchSize {
                    dataset: self.shared.dataset.name.clone(),
                    batch_size: self.shared.config.batch_size,
                    records: self.len(),
                };
                Batches::failed(pass, error)
            }
            end => Batches::new(pass, start_batch, end),
        }
    }

    /// All records once, in the order of the dataset and without augmentation; the last batch may be smaller.
    pub fn in_order(&self) -> Batches {
        let pass = self.pass(self.shared.kept.clone(), None);
        let end = self.len().div_ceil(self.shared.config.batch_size);
        Batches::new(pass, 0, end)
    }

    fn pass(&self, order: Vec<usize>, epoch: Option<u64>) -> Pass {
        Pass { shared: Arc::clone(&self.shared), order, epoch, stop: AtomicBool::new(false) }
    }
}

//! The largest batches that training can take without swapping.

use std::fmt;

use einthoven_corpus::Loader;
use einthoven_nn::Parameters;
use einthoven_random::Streams;
use serde::Serialize;

use super::{MemoryEstimate, largest, show, system, usable};
use crate::config::{EncoderConfig, TrainConfig};
use crate::objective::Objective;
use crate::schedule::{Decay, ScheduleConfig, Span};
use crate::trainer::{Length, Stepper, in_threads};
use crate::{Error, Result};

/// Records of the step that [`find_batch_size`] measures.
pub const MEASURED_BATCH: usize = 4;

/// The largest batches that training can take without swapping.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BatchSizes {
    /// Bytes that this process can have without swapping, control groups' limits respected.
    pub available: u64,
    /// Bytes of them that training may take; the loader, validation and the system need the others.
    pub usable: u64,
    /// What a step took in fact; none where the system does not say, or where the estimate leaves no room to try.
    pub measured: Option<MeasuredStep>,
    /// The largest batch whose records are all contrasted with each other; none if nothing fits.
    pub plain: Option<BatchSize>,
    /// The largest `train.batch_size` with the experiment's `train.contrastive_batch`; none without one or if nothing fits.
    pub cached: Option<BatchSize>,
}

/// A batch size, and the memory it is expected to need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BatchSize {
    /// `train.batch_size`.
    pub batch_size: usize,
    /// `train.contrastive_batch`.
    pub contrastive_batch: Option<usize>,
    /// The memory of training with it.
    pub memory: MemoryEstimate,
}

/// What a training step took in fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MeasuredStep {
    /// Records of the step.
    pub records: usize,
    /// Bytes beside the weights.
    pub taken: u64,
    /// Bytes that were expected.
    pub expected: u64,
}

impl MeasuredStep {
    /// What to multiply expectations by: at least 1.
    fn factor(&self) -> f64 {
        (self.taken as f64 / self.expected.max(1) as f64).max(1.0)
    }
}

/// Finds the largest batches that fit into the memory that is free, when the model's weights are there and nothing else is.
///
/// It tries none of them, so that the machine never swaps: it takes one step of [`MEASURED_BATCH`] records, which changes the weights,
/// and where that takes more than [estimated](MemoryEstimate), it raises the estimates of larger batches as much. `loader` hands out
/// batches of [`MEASURED_BATCH`] records.
///
/// # Errors
/// [`Error::UnknownMemory`] where the system does not say how much memory is free, and the errors of loading records and of the model.
pub fn find_batch_size<O: Objective>(
    objective: O,
    parameters: &Parameters,
    loader: &Loader,
    config: &TrainConfig,
    streams: Streams,
) -> Result<BatchSizes> {
    let available = system::available().ok_or(Error::UnknownMemory)?;
    let usable = usable(available);
    let input = [loader.contract().leads.len(), loader.contract().samples];
    let one = one_step(config);
    let expected = MemoryEstimate::new(&objective, parameters, &one, input).beside_weights(parameters);
    let (objective, taken) = if loader.batches_per_epoch() > 0 && expected <= usable / 2 {
        take_step(objective, parameters, loader, one, streams)?
    } else {
        (objective, None)
    };
    let measured = taken.map(|taken| MeasuredStep { records: MEASURED_BATCH, taken, expected });
    let factor = measured.map_or(1.0, |step| step.factor());

    let fitting = |batch_size, contrastive_batch| {
        let config = TrainConfig { batch_size, contrastive_batch, ..config.clone() };
        let memory = MemoryEstimate::new(&objective, parameters, &config, input);
        let fits = memory.beside_weights(parameters) as f64 * factor <= usable as f64;
        (fits && config.validate().is_ok()).then_some(BatchSize { batch_size, contrastive_batch, memory })
    };
    let plain = largest_plain(loader.len(), |records| fitting(records, None));
    let cached = config.contrastive_batch.and_then(|all| largest_part(all, |records| fitting(records, Some(all))));
    Ok(BatchSizes { available, usable, measured, plain, cached })
}

/// The largest of those that are `fitting`, with no more than `records`.
fn largest_plain<R>(records: usize, fitting: impl Fn(usize) -> Option<R>) -> Option<R> {
    // One of a single record counts as one of two, with nothing to contrast it with it may be none.
    let fits = |size: usize| size <= records && fitting(size.max(2)).is_some();
    largest(fits).and_then(&fitting)
}

/// The largest of those that are `fitting` and divide a contrastive batch of `all` records.
fn largest_part<R>(all: usize, fitting: impl Fn(usize) -> Option<R>) -> Option<R> {
    (1..=all).rev().filter(|&size| all.is_multiple_of(size)).find_map(fitting)
}

/// The configuration of a run of one step in which everything is trained.
fn one_step(config: &TrainConfig) -> TrainConfig {
    TrainConfig {
        steps: Some(1),
        epochs: None,
        batch_size: MEASURED_BATCH,
        contrastive_batch: None,
        accumulate: 1,
        unlock_text: None,
        encoder: config.encoder.map(|encoder| EncoderConfig { unlock: None, unlock_every: None, ..encoder }),
        trace: None,
        schedule: ScheduleConfig { kind: Decay::Constant, warmup: Span::Steps(0), ..ScheduleConfig::default() },
        ..config.clone()
    }
}

/// Takes a step, and gives the objective back with the bytes that optimiser and step took.
fn take_step<O: Objective>(
    objective: O,
    parameters: &Parameters,
    loader: &Loader,
    config: TrainConfig,
    streams: Streams,
) -> Result<(O, Option<u64>)> {
    let length = Length::new(&config, loader)?;
    let threads = config.threads;
    let step = || -> Result<O> {
        let mut stepper = Stepper::new(objective, parameters.clone(), config, length, streams)?;
        stepper.step(&mut loader.epoch(0, 0))?;
        Ok(stepper.into_objective())
    };
    let (objective, taken) = in_threads(threads, || system::rise(step))?;
    Ok((objective?, taken))
}

impl fmt::Display for BatchSizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { available, usable, measured, plain, cached } = self;
        writeln!(f, "{} are free, of which training may take {}", show(*available), show(*usable))?;
        match measured {
            Some(step) => {
                let (taken, expected) = (show(step.taken), show(step.expected));
                write!(f, "a step of {} records took {taken} beside the weights, estimated {expected}", step.records)?;
                if step.factor() > 1.0 {
                    write!(
                        f,
                        "; larger batches are taken to need {:.0} % more than estimated",
                        100.0 * (step.factor() - 1.0)
                    )?;
                }
                writeln!(f)?;
            }
            None => writeln!(f, "no step was measured")?,
        }
        if plain.is_none() && cached.is_none() {
            return write!(f, "no batch fits: take a smaller model or set train.checkpointing = true");
        }
        let sizes: Vec<String> = plain.iter().chain(cached).map(ToString::to_string).collect();
        write!(f, "{}", sizes.join("\n"))
    }
}

impl fmt::Display for BatchSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "train.batch_size = {}", self.batch_size)?;
        if let Some(records) = self.contrastive_batch {
            write!(f, " with train.contrastive_batch = {records}")?;
        }
        write!(f, ": {}", self.memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_that_fits_is_found() {
        let up_to = |limit: usize| move |size: usize| (size >= 2 && size <= limit).then_some(size);
        assert_eq!(largest_plain(1000, up_to(60)), Some(60));
        assert_eq!(largest_plain(40, up_to(60)), Some(40));
        assert_eq!(largest_plain(1000, up_to(2)), Some(2));
        assert_eq!(largest_plain(1000, up_to(1)), None);
        assert_eq!(largest_plain(1, up_to(60)), None);
        let up_to = |limit: usize| move |size: usize| (size <= limit).then_some(size);
        assert_eq!(largest_part(96, up_to(60)), Some(48));
        assert_eq!(largest_part(97, up_to(60)), Some(1));
        assert_eq!(largest_part(96, up_to(0)), None);
        // It ends soon however large the batch is.
        assert_eq!(largest_part(1 << 20, up_to(100)), Some(64));
    }

    #[test]
    fn it_is_told_in_words() {
        let memory = MemoryEstimate { parameters: 1 << 20, gradients: 0, optimizer: 0, recordings: 0, activations: 0 };
        let size = BatchSize { batch_size: 8, contrastive_batch: Some(16), memory };
        let sizes = BatchSizes {
            available: 80 << 20,
            usable: 70 << 20,
            measured: Some(MeasuredStep { records: 4, taken: 15 << 20, expected: 10 << 20 }),
            plain: None,
            cached: Some(size),
        };
        let told = format!(
            "80 MiB are free, of which training may take 70 MiB\na step of 4 records took 15 MiB beside the weights, estimated 10 \
             MiB; larger batches are taken to need 50 % more than estimated\ntrain.batch_size = 8 with train.contrastive_batch = \
             16: {memory}"
        );
        assert_eq!(sizes.to_string(), told);
        let nothing = BatchSizes { measured: None, cached: None, ..sizes };
        assert!(
            nothing.to_string().ends_with(
                "no step was measured\nno batch fits: take a smaller model or set train.checkpointing = true"
            )
        );
    }
}

//! One optimiser step.

use std::collections::BTreeMap;
use std::time::Instant;

use candle_core::Tensor;
use einthoven_corpus::{Batch, Batches};
use einthoven_nn::{Gradients, Parameters};
use einthoven_random::Streams;

use super::average::Average;
use super::clock::{Clock, Phase};
use super::length::Length;
use super::optimizer::Optimizer;
use super::precision::Rounding;
use super::trace::Trace;
use crate::checkpoint::Checkpoint;
use crate::config::TrainConfig;
use crate::memory::MemoryEstimate;
use crate::objective::{Objective, Round, Tower};
use crate::schedule::Schedule;
use crate::{Error, Result};

/// Takes optimiser steps and counts them.
pub(crate) struct Stepper<O> {
    objective: O,
    parameters: Parameters,
    optimizer: Optimizer,
    average: Option<Average>,
    schedule: Schedule,
    config: TrainConfig,
    streams: Streams,
    done: u64,
    clock: Clock,
}

impl<O: Objective> Stepper<O> {
    pub(crate) fn new(
        objective: O,
        parameters: Parameters,
        config: TrainConfig,
        length: Length,
        streams: Streams,
    ) -> Result<Self> {
        // A processor that cannot is found out before the first step.
        Rounding::to(config.precision)?;
        let schedule = Schedule::new(&config.schedule, length.total, length.steps_per_epoch)?;
        let optimizer = Optimizer::new(&objective, &parameters, &config, length)?;
        let average = config.ema.as_ref().map(|ema| Average::new(ema, &parameters)).transpose()?;
        let clock = Clock::new(config.trace.map(Trace::new));
        Ok(Self { objective, parameters, optimizer, average, schedule, config, streams, done: 0, clock })
    }

    /// The memory that training on recordings of `[leads, samples]` needs, in batches of `batch_size`.
    pub(super) fn memory(&self, batch_size: usize, input: [usize; 2]) -> MemoryEstimate {
        let contrastive_batch = self.config.contrastive_batch.map(|records| records.next_multiple_of(batch_size));
        let config = TrainConfig { batch_size, contrastive_batch, ..self.config.clone() };
        MemoryEstimate::new(&self.objective, &self.parameters, &config, input)
    }

    /// Steps done since the start of the run.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    pub(super) fn objective(&self) -> &O {
        &self.objective
    }

    pub(crate) fn into_objective(self) -> O {
        self.objective
    }

    pub(super) fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// What `judge` makes of the model, which has its averaged weights meanwhile if an average is kept.
    pub(super) fn judged<R>(&mut self, judge: impl FnOnce(&O::Model) -> R) -> Result<R> {
        self.exchange()?;
        let judgement = judge(self.objective.model());
        self.exchange()?;
        Ok(judgement)
    }

    fn exchange(&mut self) -> Result<()> {
        self.average.as_mut().map_or(Ok(()), |average| average.exchange(&self.parameters))
    }

    /// The model's parameters and buffers; if an average is kept, it, and the parameters and buffers themselves.
    pub(super) fn weights(&self) -> (BTreeMap<String, Tensor>, Option<BTreeMap<String, Tensor>>) {
        let weights = self.parameters.tensors();
        match &self.average {
            None => (weights, None),
            Some(average) => (average.tensors(&self.parameters), Some(weights)),
        }
    }

    pub(super) fn seed(&self) -> u64 {
        self.streams.seed()
    }

    pub(super) fn optimizer_state(&self) -> Result<BTreeMap<String, Tensor>> {
        self.optimizer.state()
    }

    /// Goes on from a checkpoint.
    pub(super) fn restore(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let device = self.parameters.device();
        self.parameters.load(&checkpoint.model_tensors(device)?)?;
        if let Some(average) = &mut self.average {
            average.exchange(&self.parameters)?;
            self.parameters.load(&checkpoint.raw_model_tensors(device)?)?;
        }
        self.optimizer.load_state(&checkpoint.optimizer_tensors(device)?)?;
        self.done = checkpoint.state().step;
        Ok(())
    }

    /// The speed and phases of the steps since the last call, for the metric log.
    pub(super) fn take_times(&mut self) -> BTreeMap<String, f64> {
        self.clock.take_figures()
    }

    /// The trace that was asked for as JSON, once, when its last step is done or the run is over.
    pub(super) fn take_trace(&mut self, is_over: bool) -> Option<String> {
        self.clock.take_trace(is_over)
    }

    /// Takes the next batches and updates the parameters; returns what there is to log.
    pub(crate) fn step(&mut self, batches: &mut Batches) -> Result<BTreeMap<String, f64>> {
        let _rounding = Rounding::to(self.config.precision)?;
        self.clock.begin_step(self.done + 1);
        let (gradients, mut values, ids) = self.gradients(batches)?;
        let learning_rate = self.config.learning_rate * self.schedule.factor(self.done);
        let update = Instant::now();
        let norm = self.update(gradients, learning_rate)?;
        self.clock.add(Phase::Optimizer, update);
        if !norm.is_finite() {
            return Err(Error::NotFinite { step: self.done + 1, quantity: "gradient norm", value: norm, ids });
        }
        self.done += 1;
        self.clock.end_step(ids.len());
        values.insert("lr".to_owned(), learning_rate);
        values.insert("grad_norm".to_owned(), norm);
        values.extend(self.objective.figures()?.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Ok(values)
    }

    /// Updates the weights and their average, and returns the gradient's norm before clipping; nothing is updated unless
    /// that is finite.
    fn update(&mut self, mut gradients: Gradients, learning_rate: f64) -> Result<f64> {
        let variables = self.optimizer.variables();
        let norm = match self.config.clip_norm {
            Some(limit) => gradients.clip_to_norm(variables, limit)?,
            None => gradients.norm(variables)?,
        };
        if norm.is_finite() {
            self.optimizer.step(&gradients, learning_rate)?;
            self.objective.constrain()?;
            if let Some(average) = &mut self.average {
                average.update(&self.parameters, self.done)?;
            }
        }
        Ok(norm)
    }

    /// The mean gradients and losses of a step's batches, and the ids of their records.
    fn gradients(&mut self, batches: &mut Batches) -> Result<(Gradients, BTreeMap<String, f64>, Vec<String>)> {
        let count = self.config.accumulate;
        let together = self.config.batches_together();
        let mut sum = Gradients::default();
        let mut values = BTreeMap::new();
        let mut ids = Vec::new();
        for round in 0..count {
            let contrasted: Vec<Batch> =
                self.clock.time(Phase::Data, || batches.take(together).collect::<std::result::Result<_, _>>())?;
            if contrasted.is_empty() {
                break;
            }
            let round = Round {
                done: self.done,
                first: round * together,
                signal_layers: self.optimizer.learning_layers(Tower::Signal, self.done),
                text_layers: self.optimizer.learning_layers(Tower::Text, self.done),
                checkpointing: self.config.checkpointing,
                streams: self.streams,
            };
            let losses = self.objective.add_gradients(&contrasted, &round, &mut sum, &mut self.clock)?;
            let contrasted_ids = contrasted.into_iter().flat_map(|batch| batch.ids);
            for (quantity, value) in losses {
                if !value.is_finite() {
                    let ids = contrasted_ids.collect();
                    return Err(Error::NotFinite { step: self.done + 1, quantity, value, ids });
                }
                *values.entry(quantity.to_owned()).or_insert(0.0) += value / count as f64;
            }
            ids.extend(contrasted_ids);
        }
        if count > 1 {
            self.clock.time(Phase::Backward, || sum.scale(1.0 / count as f64))?;
        }
        Ok((sum, values, ids))
    }
}

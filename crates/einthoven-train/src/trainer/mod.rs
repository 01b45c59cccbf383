//! The trainer: from a model and a loader to checkpoints and logs.
//!
//! A step takes `accumulate` batches, or as many contrastive batches where `contrastive_batch` makes them larger, averages
//! their gradients, clips them and updates the parameters with AdamW; what is trained is the [`Objective`]'s affair. With
//! `train.ema`, validation judges and checkpoints hold the moving average of the weights, while training goes on from the
//! weights themselves. Every random draw is addressed by the step, so all that a run is can be found again from its last
//! checkpoint: killed at any moment and resumed, it gives the weights, optimiser state and metrics of a run that was never
//! interrupted, bit for bit and at any number of threads.

mod average;
pub(crate) mod clock;
mod length;
mod optimizer;
mod precision;
mod resume;
mod setup;
mod step;
mod trace;
mod unlock;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use einthoven_corpus::{Batches, Loader};
use einthoven_nn::{MatmulPrecision, without_gradients};

use crate::checkpoint::{Best, RunFolder, Snapshot};
use crate::memory::{self, MemoryEstimate};
use crate::metrics_log::{Entry, Kind, MetricsLog};
use crate::objective::Objective;
use crate::progress::{Progress, ProgressDisplay};
use crate::validation::Validator;
use crate::{Error, Result, files};
pub(crate) use length::Length;
pub use setup::{Setup, Summary};
pub(crate) use step::Stepper;

/// Trains a model.
pub struct Trainer<O: Objective> {
    stepper: Stepper<O>,
    loader: Loader,
    experiment: String,
    validator: Option<Box<dyn Validator<O::Model>>>,
    folder: RunFolder,
    stop: Arc<AtomicBool>,
    display: ProgressDisplay,
    length: Length,
    best: Option<Best>,
    last_validation: BTreeMap<String, f64>,
    /// Steps done when the newest checkpoint was saved.
    saved: Option<u64>,
}

impl<O: Objective> Trainer<O> {
    /// Prepares a run: checks its configuration, and goes back to the newest checkpoint if the folder has one.
    ///
    /// # Errors
    /// [`Error::Config`] for a value that cannot be used, also on this processor, [`Error::TooFewRecords`] when the data do not fill one step,
    /// [`Error::OtherExperiment`] when the folder's run was started differently, and the errors of reading a
    /// checkpoint.
    pub fn new(setup: Setup<O>) -> Result<Self> {
        let Setup { objective, parameters, loader, config, streams, folder, .. } = setup;
        config.validate()?;
        if setup.validator.is_none() && config.checkpoint.best.is_some() {
            let message = "needs a validation to choose by".to_owned();
            return Err(Error::Config { key: "checkpoint.best", message });
        }
        let length = Length::new(&config, &loader)?;
        if let Some(trace) = config.trace.filter(|trace| trace.first > length.total) {
            let message = format!("is {}, but the run has {} steps", trace.first, length.total);
            return Err(Error::Config { key: "trace.first", message });
        }
        let stepper = Stepper::new(objective, parameters, config, length, streams)?;
        let mut trainer = Self {
            stepper,
            loader,
            experiment: setup.experiment,
            validator: setup.validator,
            folder,
            stop: setup.stop,
            display: setup.display,
            length,
            best: None,
            last_validation: BTreeMap::new(),
            saved: None,
        };
        if let Some(checkpoint) = trainer.folder.last()? {
            trainer.restore(&checkpoint)?;
        }
        Ok(trainer)
    }

    /// Trains to the end, or until asked to stop.
    ///
    /// # Errors
    /// [`Error::NotFinite`] when a loss or gradient is not finite, [`Error::Save`] when a checkpoint cannot be
    /// written, and the errors of loading records, of the model and of validation. The newest checkpoint is intact then.
    pub fn run(mut self) -> Result<Summary> {
        in_threads(self.stepper.config().threads, || self.train())?
    }

    fn train(&mut self) -> Result<Summary> {
        let total = self.length.total;
        let mut log = MetricsLog::open(&self.folder, self.stepper.done())?;
        let records_per_step = self.stepper.config().batch_size * self.stepper.config().batches_per_step();
        let mut progress = Progress::start(self.display, self.stepper.done(), total, records_per_step);
        let batch_size = self.stepper.config().batch_size;
        progress.line(&self.memory(batch_size).to_string());
        if let Some(available) = memory::available() {
            progress.line(&memory::advice(available, batch_size, |batch_size| self.memory(batch_size)));
        }
        if self.stepper.config().precision == MatmulPrecision::Bf16 {
            progress.line("steps multiply in bf16 and add in f32; validation is in f32");
        }
        let mut batches: Option<Batches> = None;
        while self.stepper.done() < total && !self.is_stale() && !self.is_stopped() {
            let (epoch, batch) = self.length.position(self.stepper.done());
            let source = match &mut batches {
                Some(source) if batch > 0 => source,
                other => other.insert(self.loader.epoch(epoch, batch as usize)),
            };
            let values = self.stepper.step(source)?;
            self.write_trace(false)?;
            self.after_step(epoch, values, &mut log, &mut progress)?;
        }
        self.write_trace(true)?;
        if self.saved != Some(self.stepper.done()) {
            self.save(false, &log)?;
        }
        let is_cut_short = self.stepper.done() < total;
        let stopped_early = is_cut_short && self.is_stale();
        if stopped_early {
            progress.line(&format!("stopped early after step {}: validation improves no more", self.stepper.done()));
        }
        Ok(Summary {
            step: self.stepper.done(),
            total,
            interrupted: is_cut_short && !stopped_early,
            stopped_early,
            checkpoint: self.folder.last_path(),
            best: self.best.clone(),
            validation: self.last_validation.clone(),
        })
    }

    fn memory(&self, batch_size: usize) -> MemoryEstimate {
        let contract = self.loader.contract();
        self.stepper.memory(batch_size, [contract.leads.len(), contract.samples])
    }

    /// Writes the trace, if one was asked for, once it is whole or the run is over.
    fn write_trace(&mut self, is_over: bool) -> Result<()> {
        let trace = self.stepper.take_trace(is_over);
        trace.map_or(Ok(()), |json| files::replace(&self.folder.trace_path(), json.as_bytes()))
    }

    /// Whether the last `train.stop_after` validations brought nothing better. It follows from the step and the best
    /// result, so a resumed run comes to the same answer.
    fn is_stale(&self) -> bool {
        let config = self.stepper.config();
        let (Some(patience), Some(every)) = (config.stop_after, config.validate_every) else { return false };
        let improved = self.best.as_ref().map_or(0, |best| best.step);
        self.stepper.done() / every - improved / every >= patience
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Logs, validates and saves what is due.
    fn after_step(
        &mut self,
        epoch: u64,
        values: BTreeMap<String, f64>,
        log: &mut MetricsLog,
        progress: &mut Progress,
    ) -> Result<()> {
        let step = self.stepper.done();
        let config = self.stepper.config();
        let is_end = step == self.length.total;
        let is_due = |every: u64| is_end || step.is_multiple_of(every);
        let save_every = config.checkpoint.every.unwrap_or(self.length.steps_per_epoch);
        let (log_due, save_due) = (step == 1 || is_due(config.log_every), is_due(save_every));
        let validation_due = is_due(config.validate_every.unwrap_or(u64::MAX));

        progress.step(step, || describe(epoch, &values));
        if log_due {
            let mut timed: BTreeMap<_, _> = values.into_iter().chain(self.stepper.take_times()).collect();
            if step == 1 {
                timed.extend(
                    self.memory(self.stepper.config().batch_size)
                        .values()
                        .map(|(name, value)| (name.to_owned(), value)),
                );
            }
            log.write(&entry(Kind::Train, step, epoch, &timed))?;
        }
        let is_best = validation_due && self.validate(epoch, log, progress)?;
        if save_due || is_best {
            self.save(is_best, log)?;
        }
        Ok(())
    }

    /// Judges the model; returns whether it is the best so far.
    fn validate(&mut self, epoch: u64, log: &mut MetricsLog, progress: &Progress) -> Result<bool> {
        let Some(validator) = &mut self.validator else { return Ok(false) };
        let step = self.stepper.done();
        let metrics = self
            .stepper
            .judged(|model| without_gradients(|| validator.validate(model, step)))?
            .map_err(|source| Error::Validation { step, source })?;
        log.write(&entry(Kind::Validation, step, epoch, &metrics))?;
        let list: Vec<String> = metrics.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
        progress.line(&format!("validation after step {step}: {}", list.join(", ")));

        let Some(metric) = &self.stepper.config().checkpoint.best else {
            self.last_validation = metrics;
            return Ok(false);
        };
        let Some(&value) = metrics.get(metric) else {
            let available = metrics.into_keys().collect();
            return Err(Error::UnknownMetric { metric: metric.clone(), available });
        };
        self.last_validation = metrics;
        let is_best = !value.is_nan() && self.best.as_ref().is_none_or(|best| value > best.value);
        if is_best {
            self.best = Some(Best { metric: metric.clone(), value, step });
        }
        Ok(is_best)
    }

    /// Saves a checkpoint, after the log entries up to it are safe.
    fn save(&mut self, is_best: bool, log: &MetricsLog) -> Result<()> {
        log.sync()?;
        let step = self.stepper.done();
        let (model, raw_model) = self.stepper.weights();
        let snapshot = Snapshot {
            model: &model,
            raw_model: raw_model.as_ref(),
            optimizer: &self.stepper.optimizer_state()?,
            state: self.state(),
            config: &self.experiment,
            contract: self.loader.contract(),
            tokenizer: self.stepper.objective().tokenizer(),
        };
        self.folder.save(&snapshot, is_best, self.stepper.config().checkpoint.keep)?;
        self.saved = Some(step);
        Ok(())
    }
}

/// What `body` returns when it computes with so many threads, or with as many as there are cores.
pub(crate) fn in_threads<R: Send>(threads: Option<usize>, body: impl FnOnce() -> R + Send) -> Result<R> {
    let Some(threads) = threads else { return Ok(body()) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    Ok(pool.map_err(|source| Error::Threads { threads, source })?.install(body))
}

fn entry(kind: Kind, step: u64, epoch: u64, values: &BTreeMap<String, f64>) -> Entry {
    let defined = |value: f64| value.is_finite().then_some(value);
    let values = values.iter().map(|(name, &value)| (name.clone(), defined(value))).collect();
    Entry { kind, step, epoch, values }
}

/// The figures of a step that are worth a look while it runs.
fn describe(epoch: u64, values: &BTreeMap<String, f64>) -> String {
    let value = |name: &str| values.get(name).copied().unwrap_or(f64::NAN);
    format!("epoch {epoch}  loss {:.4}  lr {:.2e}", value("loss"), value("lr"))
}

//! The `[train]` part of an experiment.

use serde::{Deserialize, Serialize};

use crate::schedule::{ScheduleConfig, Span, check_fraction};
use crate::{Error, Result};

/// How a model is trained.
///
/// Everything has a default but the length of the run: exactly one of `epochs` and `steps` must be given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Length of the run in passes over the training records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<u64>,
    /// Length of the run in optimiser steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Records in a batch: what is contrasted with each other, and what has to fit into memory at once.
    pub batch_size: usize,
    /// Batches whose gradients are averaged into one step.
    pub accumulate: usize,
    /// AdamW's learning rate at the schedule's full height.
    pub learning_rate: f64,
    /// Factor on the learning rate of the text encoder; a pretrained one usually wants less than 1, and 0 freezes it.
    pub text_learning_rate_scale: f64,
    /// Layer-wise decay of the text encoder's learning rate (Clark et al. 2020, arXiv 2003.10555): its uppermost layer
    /// has the text encoder's rate, each one below this factor times the rate of the one above it, and the embeddings
    /// as if they were the layer below the first. Above 0, at most 1. Absent: one rate for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_layer_decay: Option<f64>,
    /// The part of the run before the text encoder learns, e.g. `{ epochs = 5 }`: it is locked until then, so that what
    /// it knows is not washed out by a signal encoder that knows nothing. Its moments, its count of updates and its
    /// weight decay begin when it is unlocked, and `clip_norm` does not see its gradient before; the schedule runs on
    /// meanwhile, and its dropout is in force throughout. Absent: it learns from the first step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlock_text: Option<Span>,
    /// AdamW's decay rates of the first and second moment.
    pub betas: [f64; 2],
    /// AdamW's ε.
    pub eps: f64,
    /// AdamW's decoupled weight decay. Norms, biases, embedding tables and the logit scale are not decayed, unless the
    /// model is in paper mode, where everything is.
    pub weight_decay: f64,
    /// Largest global L2 norm of the gradient; a longer one is scaled down to it. Absent: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// Caption tokens kept; the rest of a longer caption is cut off.
    pub max_tokens: usize,
    /// A line goes to the metric logs after every so many steps.
    pub log_every: u64,
    /// Validation runs after every so many steps, and at the end. Absent: at the end only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_every: Option<u64>,
    /// The run ends after so many validations in a row without a better value of `checkpoint.best`'s metric. Absent: it
    /// goes on to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_after: Option<u64>,
    /// Threads that compute. Absent: as many as the machine has cores. Results do not depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// Keeps a moving average of the weights. Absent: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema: Option<EmaConfig>,
    /// Steps to write a profile of. Absent: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceConfig>,
    /// How the learning rate changes over the run.
    pub schedule: ScheduleConfig,
    /// Weights of the losses.
    pub losses: LossConfig,
    /// When checkpoints are saved and which stay.
    pub checkpoint: CheckpointConfig,
}

/// The exponential moving average of the weights.
///
/// The average is what validation judges, what the best checkpoint is chosen by, and what `model.safetensors` holds.
/// Buffers, such as the running statistics of batch norm, are averaged as parameters are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmaConfig {
    /// The part of the average that a step keeps, below 1. After `t` steps it is at most `(1 + t) / (10 + t)`, so that
    /// a short run averages its last weights and not its first.
    pub decay: f64,
}

/// Steps whose phases are written to `trace.json` in the run folder, in the Trace Event Format, which Perfetto
/// (<https://ui.perfetto.dev>) opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceConfig {
    /// The first step, counted from 1. The very first steps of a run are slower than the rest.
    pub first: u64,
    /// How many.
    pub steps: u64,
}

/// The weight of each loss in the total; a loss of weight 0 teaches nothing but is still logged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LossConfig {
    /// Symmetric InfoNCE between signals and captions.
    pub contrastive: f64,
    /// Next-token cross-entropy of the caption given the signal.
    pub caption: f64,
}

/// When checkpoints are saved and which stay. One is always saved at the end of the run and on interruption.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointConfig {
    /// Steps between checkpoints. Absent: at the end of every epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// How many of the newest checkpoints stay; the best one stays besides.
    pub keep: usize,
    /// The validation metric, higher being better, that chooses the best checkpoint. Absent: none is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<String>,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: None,
            steps: None,
            batch_size: 16,
            accumulate: 1,
            learning_rate: 5e-5,
            text_learning_rate_scale: 1.0,
            text_layer_decay: None,
            unlock_text: None,
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: 0.01,
            clip_norm: None,
            max_tokens: 500,
            log_every: 10,
            validate_every: None,
            stop_after: None,
            threads: None,
            ema: None,
            trace: None,
            schedule: ScheduleConfig::default(),
            losses: LossConfig::default(),
            checkpoint: CheckpointConfig::default(),
        }
    }
}

impl Default for LossConfig {
    fn default() -> Self {
        Self { contrastive: 1.0, caption: 1.0 }
    }
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self { every: None, keep: 1, best: None }
    }
}

impl TrainConfig {
    /// Checks every value that can be checked without data.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first key that cannot be used and what it should hold.
    pub fn validate(&self) -> Result<()> {
        match (self.epochs, self.steps) {
            (None, None) => fail("epochs", "give the length of the run: epochs or steps"),
            (Some(_), Some(_)) => fail("epochs", "give epochs or steps, not both"),
            (Some(0), None) => fail("epochs", "must be at least 1"),
            (None, Some(0)) => fail("steps", "must be at least 1"),
            _ => Ok(()),
        }?;
        at_least_one("batch_size", self.batch_size as u64)?;
        at_least_one("accumulate", self.accumulate as u64)?;
        at_least_one("log_every", self.log_every)?;
        at_least_one("validate_every", self.validate_every.unwrap_or(1))?;
        at_least_one("stop_after", self.stop_after.unwrap_or(1))?;
        at_least_one("threads", self.threads.unwrap_or(1) as u64)?;
        at_least_one("trace.first", self.trace.map_or(1, |trace| trace.first))?;
        at_least_one("trace.steps", self.trace.map_or(1, |trace| trace.steps))?;
        at_least_one("checkpoint.every", self.checkpoint.every.unwrap_or(1))?;
        at_least_one("checkpoint.keep", self.checkpoint.keep as u64)?;
        positive("learning_rate", self.learning_rate)?;
        positive("eps", self.eps)?;
        positive("clip_norm", self.clip_norm.unwrap_or(1.0))?;
        not_negative("text_learning_rate_scale", self.text_learning_rate_scale)?;
        not_negative("weight_decay", self.weight_decay)?;
        not_negative("losses.contrastive", self.losses.contrastive)?;
        not_negative("losses.caption", self.losses.caption)?;
        if self.losses.contrastive + self.losses.caption == 0.0 {
            return fail("losses", "at least one loss needs a weight above 0, else nothing is learnt");
        }
        if !self.betas.iter().all(|beta| (0.0..1.0).contains(beta)) {
            return fail("betas", "both must be at least 0 and below 1");
        }
        if self.stop_after.is_some() && self.checkpoint.best.is_none() {
            return fail("stop_after", "needs checkpoint.best, the metric that has to improve");
        }
        if self.stop_after.is_some() && self.validate_every.is_none() {
            return fail("stop_after", "needs validate_every; by default validation runs at the end only");
        }
        if self.text_layer_decay.is_some_and(|decay| !(decay > 0.0 && decay <= 1.0)) {
            return fail("text_layer_decay", "must be above 0 and at most 1");
        }
        if let Some(span) = self.unlock_text {
            check_fraction("unlock_text", span)?;
            if self.text_learning_rate_scale == 0.0 {
                return fail(
                    "unlock_text",
                    "text_learning_rate_scale = 0 keeps the text encoder locked; give one of them",
                );
            }
        }
        if self.ema.is_some_and(|ema| !(0.0..1.0).contains(&ema.decay)) {
            return fail("ema.decay", "must be at least 0 and below 1");
        }
        // Two special tokens and something to predict.
        if self.max_tokens < 3 {
            return fail("max_tokens", "must be at least 3");
        }
        if self.losses.contrastive > 0.0 && self.batch_size < 2 {
            return fail("batch_size", "the contrastive loss needs at least 2 records to tell apart");
        }
        self.schedule.validate()
    }

    /// The number of optimiser steps of the run.
    pub fn total_steps(&self, steps_per_epoch: u64) -> u64 {
        match (self.steps, self.epochs) {
            (Some(steps), _) => steps,
            (None, epochs) => epochs.unwrap_or(0).saturating_mul(steps_per_epoch),
        }
    }
}

fn fail(key: &'static str, message: impl Into<String>) -> Result<()> {
    Err(Error::Config { key, message: message.into() })
}

fn at_least_one(key: &'static str, value: u64) -> Result<()> {
    match value {
        0 => fail(key, "must be at least 1"),
        _ => Ok(()),
    }
}

fn positive(key: &'static str, value: f64) -> Result<()> {
    if value.is_finite() && value > 0.0 { Ok(()) } else { fail(key, format!("must be a number above 0, is {value}")) }
}

fn not_negative(key: &'static str, value: f64) -> Result<()> {
    if value.is_finite() && value >= 0.0 { Ok(()) } else { fail(key, format!("must be 0 or more, is {value}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> TrainConfig {
        toml::from_str(text).unwrap()
    }

    fn refusal(text: &str) -> String {
        parse(text).validate().unwrap_err().to_string()
    }

    #[test]
    fn a_full_table_is_read_and_written_back() {
        let text = r#"
            epochs = 30
            batch_size = 48
            learning_rate = 1e-4
            clip_norm = 1.0
            ema = { decay = 0.999 }
            trace = { first = 10, steps = 3 }
            text_layer_decay = 0.9
            unlock_text = { epochs = 5 }
            schedule = { kind = "step", warmup = { epochs = 5 }, every = { epochs = 10 }, factor = 0.1 }
            losses = { caption = 0.5 }
            checkpoint = { every = 100, keep = 3, best = "zero_shot.auroc" }
        "#;
        let config = parse(text);
        config.validate().unwrap();
        assert_eq!(config.losses.contrastive, 1.0);
        assert_eq!(config.losses.caption, 0.5);
        assert_eq!(config.total_steps(7), 210);
        let written = toml::to_string(&config).unwrap();
        assert_eq!(parse(&written), config);
    }

    #[test]
    fn exactly_one_length_is_asked_for() {
        assert_eq!(refusal(""), "train.epochs: give the length of the run: epochs or steps");
        assert!(refusal("epochs = 1\nsteps = 1").ends_with("not both"));
        assert_eq!(parse("steps = 12").total_steps(5), 12);
    }

    #[test]
    fn a_value_out_of_range_is_refused_by_name() {
        for (text, key) in [
            ("steps = 0", "train.steps"),
            ("steps = 1\nbatch_size = 0", "train.batch_size"),
            ("steps = 1\nbatch_size = 1", "train.batch_size"),
            ("steps = 1\nlearning_rate = -1.0", "train.learning_rate"),
            ("steps = 1\nlearning_rate = nan", "train.learning_rate"),
            ("steps = 1\nbetas = [0.9, 1.0]", "train.betas"),
            ("steps = 1\nstop_after = 0", "train.stop_after"),
            ("steps = 1\nstop_after = 2\nvalidate_every = 1", "train.stop_after"),
            ("steps = 1\nstop_after = 2\ncheckpoint = { best = \"auroc\" }", "train.stop_after"),
            ("steps = 1\ntext_layer_decay = 1.1", "train.text_layer_decay"),
            ("steps = 1\nunlock_text = { fraction = 1.5 }", "train.unlock_text"),
            ("steps = 1\ntext_learning_rate_scale = 0.0\nunlock_text = { steps = 1 }", "train.unlock_text"),
            ("steps = 1\ntrace = { first = 0, steps = 1 }", "train.trace.first"),
            ("steps = 1\ntrace = { first = 1, steps = 0 }", "train.trace.steps"),
            ("steps = 1\nema = { decay = 1.0 }", "train.ema.decay"),
            ("steps = 1\nclip_norm = 0.0", "train.clip_norm"),
            ("steps = 1\ncheckpoint = { keep = 0 }", "train.checkpoint.keep"),
            ("steps = 1\nlosses = { contrastive = 0.0, caption = 0.0 }", "train.losses"),
        ] {
            let message = refusal(text);
            assert!(message.starts_with(&format!("{key}: ")), "{text}: {message}");
        }
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let error = toml::from_str::<TrainConfig>("step = 3").unwrap_err();
        assert!(error.to_string().contains("unknown field `step`"), "{error}");
    }
}

//! The `[train]` part of an experiment.

mod check;

use einthoven_nn::MatmulPrecision;
use serde::{Deserialize, Serialize};

use crate::schedule::{ScheduleConfig, Span};

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
    /// Records in a batch: what has to fit into memory at once, and what is contrasted with each other, unless
    /// `contrastive_batch` is given.
    pub batch_size: usize,
    /// Records that are contrasted with each other, a multiple of `batch_size` (GradCache: Gao et al. 2021, arXiv
    /// 2101.06983). The gradient is that of a batch of this size in the memory of one of `batch_size`, at the cost of a
    /// second forward pass: besides the recordings, only the embeddings of the others are kept. The caption loss is the
    /// mean over all its tokens. Dropout is drawn, and batch norm (an XResNet's) takes its statistics, for `batch_size`
    /// records at a time. Absent: `batch_size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contrastive_batch: Option<usize>,
    /// Batches, or contrastive batches, whose gradients are averaged into one step.
    pub accumulate: usize,
    /// Whether the activations within each stage of the signal encoder and each layer of text encoder and decoder are
    /// computed again in the backward pass and not kept. Saves most of the memory of a batch, costs up to a second forward
    /// pass and changes no number.
    pub checkpointing: bool,
    /// What the operands of matrix products are rounded to in training steps, `f32` or, on processors with AVX512-BF16, `bf16`. Weights,
    /// activations, sums and the optimiser stay `f32`, and so does validation, so that what a checkpoint is chosen by is what
    /// it gives later, on any machine.
    #[serde(skip_serializing_if = "is_default")]
    pub precision: MatmulPrecision,
    /// AdamW's learning rate at the schedule's full height.
    pub learning_rate: f64,
    /// Factor on the learning rate of the text encoder; a pretrained one usually wants less than 1, and 0 locks it
    /// for the whole run: it is asked about each caption once, without dropout, and what it says is kept.
    pub text_learning_rate_scale: f64,
    /// Layer-wise decay of the text encoder's learning rate (Clark et al. 2020, arXiv 2003.10555): its uppermost layer
    /// has the text encoder's rate, each one below this factor times the rate of the one above it, and the embeddings
    /// as if they were the layer below the first. Above 0, at most 1. Absent: one rate for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_layer_decay: Option<f64>,
    /// The part of the run before the text encoder learns, e.g. `{ epochs = 5 }`: it is locked until then, so that what
    /// it knows is not washed out by a signal encoder that knows nothing. Its moments, its count of updates and its
    /// weight decay begin when it is unlocked, and `clip_norm` does not see its gradient before; the schedule runs on
    /// meanwhile. A locked encoder has no dropout and is asked about each caption once. Absent: it learns from the first step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlock_text: Option<Span>,
    /// Whether the projection of texts into the space that they share with signals keeps the weights that it starts with, drawn
    /// or trained before. A drawn one keeps the distances of a pretrained text encoder (Johnson and Lindenstrauss 1984), and with them the
    /// place of words that no caption says, such as the name of a class, beside those of its members; one that learns from few
    /// texts forgets it. Signals learn to meet texts where these are (Zhai et al. 2022, arXiv 2111.07991).
    pub lock_text_projection: bool,
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
    /// How the signal encoder learns. Absent: as the rest of the model does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder: Option<EncoderConfig>,
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

/// How the signal encoder learns, in pretraining beside the text encoder and the projections of both, in a classifier beside a
/// head that is new.
///
/// While locked, its layers have no dropout, their batch norms keep their statistics, and the backward pass ends above them, so
/// that a step costs less. Their moments, their counts of updates and their weight decay begin when they are unlocked, and
/// `clip_norm` does not see their gradients before; the schedule runs on meanwhile. A layer is a stage of a convolutional network
/// or a block of a transformer; what comes before the first of them is one, too, but for a ConvNeXt's stem, which belongs to its first stage.
///
/// In pretraining, an encoder is locked where it has learnt before, in the run that this one starts from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EncoderConfig {
    /// Factor on its learning rate; 0 locks it for the whole run.
    pub learning_rate_scale: f64,
    /// Layer-wise decay of its learning rate (Clark et al. 2020, arXiv 2003.10555): its uppermost layer has the encoder's rate,
    /// each one below this factor times the rate of the one above it. Above 0, at most 1. Absent: one rate for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_decay: Option<f64>,
    /// The part of the run before it learns, e.g. `{ epochs = 5 }`. Absent: it learns from the first step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlock: Option<Span>,
    /// The part of the run from the unlocking of a layer to that of the one below it, e.g. `{ epochs = 1 }` (gradual unfreezing: Howard
    /// and Ruder 2018, arXiv 1801.06146): the uppermost is unlocked when `unlock` says, the lowest before the run ends. Absent: all
    /// layers are unlocked at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlock_every: Option<Span>,
}

impl Default for EncoderConfig {
    fn default() -> Self {
        Self { learning_rate_scale: 1.0, layer_decay: None, unlock: None, unlock_every: None }
    }
}

/// The weight of each loss in the total, a loss of weight 0 not being computed, and what is contrasted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LossConfig {
    /// The contrastive loss between signals and captions; `model.contrastive_loss` says which.
    pub contrastive: f64,
    /// Next-token cross-entropy of the caption given the signal.
    pub caption: f64,
    /// The contrastive loss between two views of each recording that dropout makes of its pooled embedding (MERL's uni-modal
    /// alignment: Liu et al. 2024, arXiv 2403.06659), beside the one between signals and captions. All other recordings of the
    /// batch are negatives, whatever their captions. MERL gives both the same weight.
    pub dropout_views: f64,
    /// Records whose texts' embeddings have a cosine above this, between 0 and 1, are not each other's negatives, as those
    /// whose captions are the same never are. For a text encoder that knows what texts mean: to a new one they are all
    /// alike. Absent: only captions that are the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub near_duplicate: Option<f64>,
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

/// Written files do not mention it, so that runs from before it was there can go on.
fn is_default(precision: &MatmulPrecision) -> bool {
    *precision == MatmulPrecision::default()
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: None,
            steps: None,
            batch_size: 16,
            contrastive_batch: None,
            accumulate: 1,
            checkpointing: false,
            precision: MatmulPrecision::F32,
            learning_rate: 5e-5,
            text_learning_rate_scale: 1.0,
            text_layer_decay: None,
            unlock_text: None,
            lock_text_projection: false,
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
            encoder: None,
            schedule: ScheduleConfig::default(),
            losses: LossConfig::default(),
            checkpoint: CheckpointConfig::default(),
        }
    }
}

impl Default for LossConfig {
    fn default() -> Self {
        Self { contrastive: 1.0, caption: 1.0, dropout_views: 0.0, near_duplicate: None }
    }
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self { every: None, keep: 1, best: None }
    }
}

impl TrainConfig {
    /// The number of optimiser steps of the run.
    pub fn total_steps(&self, steps_per_epoch: u64) -> u64 {
        match (self.steps, self.epochs) {
            (Some(steps), _) => steps,
            (None, epochs) => epochs.unwrap_or(0).saturating_mul(steps_per_epoch),
        }
    }

    /// Batches that are contrasted as one.
    pub(crate) fn batches_together(&self) -> usize {
        self.contrastive_batch.map_or(1, |records| records / self.batch_size)
    }

    /// Batches that an optimiser step takes.
    pub(crate) fn batches_per_step(&self) -> usize {
        self.accumulate * self.batches_together()
    }
}

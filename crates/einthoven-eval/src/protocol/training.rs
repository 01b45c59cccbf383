//! How classifiers are fine-tuned.

use einthoven_models::HeadConfig;
use einthoven_train::TrainConfig;
use einthoven_train::config::{CheckpointConfig, EncoderConfig};
use einthoven_train::schedule::ScheduleConfig;
use serde::{Deserialize, Serialize};

/// The validation metric that chooses the weights.
const CHOOSES: &str = "auroc";

/// How a classifier is trained, the same for every subject: AdamW with moments of 0.9 and 0.999 and ε = 1e-8 on the mean binary
/// cross-entropy of the classes, recordings whole and not varied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Passes over the records.
    pub epochs: u64,
    /// Records in a batch; all of them where they are fewer. Those that fill no batch wait for the next epoch's order.
    pub batch_size: usize,
    /// The head's learning rate at the schedule's full height.
    pub learning_rate: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Largest global L2 norm of the gradient. Absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// How the learning rate changes.
    #[serde(default)]
    pub schedule: ScheduleConfig,
    /// How the encoder learns beside the head, which is new.
    #[serde(default)]
    pub encoder: EncoderConfig,
    /// The head; by default one linear layer.
    #[serde(default)]
    pub head: HeadConfig,
}

impl Training {
    /// The trainer's table for `records` records, the weights chosen by a validation after each epoch or, unless `is_chosen`, the last.
    pub fn config(&self, records: usize, is_chosen: bool) -> TrainConfig {
        let batch_size = self.batch_size.min(records);
        let steps_per_epoch = (records / batch_size.max(1)).max(1) as u64;
        TrainConfig {
            epochs: Some(self.epochs),
            batch_size,
            learning_rate: self.learning_rate,
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: self.weight_decay,
            clip_norm: self.clip_norm,
            validate_every: is_chosen.then_some(steps_per_epoch),
            encoder: Some(self.encoder),
            schedule: self.schedule.clone(),
            checkpoint: CheckpointConfig {
                // Nothing is resumed: only the weights that are judged are wanted.
                every: Some(self.epochs.saturating_mul(steps_per_epoch)),
                best: is_chosen.then(|| CHOOSES.to_owned()),
                ..CheckpointConfig::default()
            },
            ..TrainConfig::default()
        }
    }

    /// What cannot be carried out, in words.
    pub(super) fn check(&self) -> Result<(), String> {
        self.config(self.batch_size, false).validate().map_err(|error| error.to_string())
    }
}

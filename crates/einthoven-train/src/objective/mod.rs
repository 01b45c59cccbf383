//! What is minimised: batches go in, named losses and the gradient of their weighted sum come out.

mod cached;
mod classifier;
mod esi;

use candle_core::Tensor;
use einthoven_corpus::Batch;
use einthoven_nn::{Gradients, Pass};
use einthoven_random::{Stream, Streams};

pub use classifier::ClassifierObjective;
pub use esi::EsiObjective;

use crate::Result;
use crate::config::{EncoderConfig, TrainConfig};
use crate::schedule::Span;
use crate::trainer::clock::Clock;

/// A model, and what of it is minimised: all that the [trainer](crate::Trainer) knows of what it trains.
pub trait Objective: Send {
    /// What a [`Validator`](crate::Validator) judges.
    type Model;

    /// The model.
    fn model(&self) -> &Self::Model;

    /// The parts of the model that can learn later and slower than the rest, if `config` says so.
    fn pretrained_parts(&self, config: &TrainConfig) -> Vec<PretrainedPart>;

    /// How many layers of its pretrained part lie above the one that the parameter `name` belongs to.
    fn layers_above(&self, name: &str) -> usize;

    /// Whether the parameter `name` stays as it is for the whole run.
    fn is_locked(&self, name: &str, config: &TrainConfig) -> bool {
        self.pretrained_parts(config).iter().any(|part| part.is_always_locked() && part.contains(name))
    }

    /// Whether weight decay acts on the parameter `name`.
    fn is_decayed(&self, name: &str) -> bool;

    /// Adds the gradient of the losses of `batches`, taken as one, to `sum`; returns the losses by their names in the metric log,
    /// the weighted sum as `loss`.
    ///
    /// # Errors
    /// [`Error::Model`](crate::Error::Model) when the model cannot take the batches.
    fn add_gradients(
        &mut self,
        batches: &[Batch],
        round: &Round,
        sum: &mut Gradients,
        clock: &mut Clock,
    ) -> Result<Vec<(&'static str, f64)>>;

    /// Brings back what an update has moved out of its range.
    ///
    /// # Errors
    /// Fails when the tensor library does.
    fn constrain(&self) -> Result<()> {
        Ok(())
    }

    /// Figures of the model for the metric log.
    ///
    /// # Errors
    /// Fails when the tensor library does.
    fn figures(&self) -> Result<Vec<(&'static str, f64)>> {
        Ok(Vec::new())
    }

    /// An estimate of the most values that a pass over recordings of so many samples has in memory at once, parameters and their
    /// gradients left out.
    fn activation_count(&self, config: &TrainConfig, samples: usize) -> usize;

    /// The content of `tokenizer.json`; none for a model that reads no texts.
    fn tokenizer(&self) -> Option<&str> {
        None
    }
}

/// One of the two encoders of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tower {
    /// That of recordings.
    Signal,
    /// That of texts.
    Text,
}

/// A part of a model that was trained before, or may have been: it can learn later and slower than the rest.
#[derive(Clone, Copy, Debug)]
pub struct PretrainedPart {
    /// Which part it is.
    pub tower: Tower,
    /// What the names of its parameters begin with.
    pub prefix: &'static str,
    /// Factor on its learning rate; 0 locks it for the whole run.
    pub learning_rate_scale: f64,
    /// Factor on the learning rate of a layer relative to the one above.
    pub layer_decay: Option<f64>,
    /// The part of the run before it learns.
    pub unlock: Option<Span>,
    /// The part of the run from the unlocking of a layer to that of the one below; none if all are unlocked at once.
    pub unlock_every: Option<Span>,
    /// The keys of `unlock` and `learning_rate_scale`.
    pub keys: [&'static str; 2],
}

impl PretrainedPart {
    /// The signal encoder, the names of whose parameters begin with `prefix`.
    fn signal_encoder(prefix: &'static str, config: &TrainConfig) -> Self {
        let EncoderConfig { learning_rate_scale, layer_decay, unlock, unlock_every } =
            config.encoder.unwrap_or_default();
        Self {
            tower: Tower::Signal,
            prefix,
            learning_rate_scale,
            layer_decay,
            unlock,
            unlock_every,
            keys: ["encoder.unlock", "encoder.learning_rate_scale"],
        }
    }

    /// Whether the parameter `name` is its.
    pub fn contains(&self, name: &str) -> bool {
        name.starts_with(self.prefix)
    }

    /// Whether it never learns.
    pub fn is_always_locked(&self) -> bool {
        self.learning_rate_scale == 0.0
    }
}

/// What an objective is told of the batches that it takes as one: their place in the run, from which all draws follow.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Steps done before this one.
    pub done: u64,
    /// Which of the step's batches is the first of these.
    pub first: usize,
    /// How many of the signal encoder's uppermost layers learn in this step, all if there are no more; 0 where it is locked.
    pub signal_layers: usize,
    /// Likewise, of the text encoder.
    pub text_layers: usize,
    /// Whether activations are computed again in the backward pass.
    pub checkpointing: bool,
    /// The random streams of the run.
    pub streams: Streams,
}

impl Round {
    /// The pass of the batch `index` of these, the same each time it is asked for.
    pub fn pass(&self, index: usize) -> Pass {
        Pass::train(self.stream("dropout", index)).with_checkpointing(self.checkpointing)
    }

    /// The pass of what is drawn for these batches of `size` records together. However a contrastive batch is cut into batches,
    /// it is the same.
    pub fn joint_pass(&self, name: &str, size: usize) -> Pass {
        Pass::train(self.streams.stream(name, &[self.done, (self.first * size) as u64]))
    }

    /// A stream of the batch `index` of these.
    pub fn stream(&self, name: &str, index: usize) -> Stream {
        self.streams.stream(name, &[self.done, (self.first + index) as u64])
    }
}

fn scalar(tensor: &Tensor) -> Result<f64> {
    Ok(tensor.to_dtype(candle_core::DType::F64)?.to_scalar()?)
}

//! Judging a model while it trains.

use std::collections::BTreeMap;

use einthoven_models::Esi;

/// Judges a model, by default ESI, every `train.validate_every` steps and at the end of a run.
pub trait Validator<M = Esi>: Send {
    /// Metrics of the model after `step` optimiser steps, by name; not a number where undefined.
    ///
    /// It runs without gradients. For exact resume its result may depend on nothing but the model and the step.
    ///
    /// # Errors
    /// Whatever keeps it from judging; the run stops with it.
    fn validate(
        &mut self,
        model: &M,
        step: u64,
    ) -> Result<BTreeMap<String, f64>, Box<dyn std::error::Error + Send + Sync>>;
}

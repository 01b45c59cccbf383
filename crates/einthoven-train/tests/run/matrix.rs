//! The determinism matrix: accumulation × cached contrastive batches × checkpointing × moving average × staged unlock of the text
//! encoder × locked signal encoder × threads (1 and 2), half of them with dropout views.
//!
//! Whatever the combination, a run is the same at 1 and 2 threads, and so is one that was killed or interrupted and
//! resumed at the other number of threads: every file of the last checkpoint and every line of the log.

use crate::resume::check;
use crate::support::Variant;
use einthoven_corpus::Statements;
use einthoven_train::TrainConfig;
use einthoven_train::config::{CheckpointConfig, EmaConfig, EncoderConfig, LossConfig};
use einthoven_train::schedule::Span;

/// In step 3 of 4 the killed run goes back to the checkpoint of step 2, where the text encoder is still locked; the
/// interrupted one goes on from step 3, where it has been updated once. Of the signal encoder's four layers, where it is not
/// locked for the whole run, each step unlocks one.
#[test]
fn every_combination_is_resumed_exactly() {
    for combination in 0u32..64 {
        let is_on = |bit: u32| combination >> bit & 1 == 1;
        // Each of these with half of the combinations, such that it goes together with each of the others switched on and off.
        let is_staged = (combination & 0b10101).count_ones() % 2 == 0;
        let lock = if is_staged {
            EncoderConfig { unlock_every: Some(Span::Steps(1)), ..EncoderConfig::default() }
        } else {
            EncoderConfig { learning_rate_scale: 0.0, ..EncoderConfig::default() }
        };
        let dropout_views = if combination.count_ones() % 2 == 1 { 0.5 } else { 0.0 };
        let train = TrainConfig {
            steps: Some(4),
            batch_size: 2,
            accumulate: if is_on(0) { 2 } else { 1 },
            contrastive_batch: is_on(1).then_some(4),
            checkpointing: is_on(2),
            ema: is_on(3).then_some(EmaConfig { decay: 0.8 }),
            unlock_text: is_on(4).then_some(Span::Steps(2)),
            encoder: is_on(5).then_some(lock),
            losses: LossConfig { dropout_views, ..LossConfig::default() },
            clip_norm: Some(0.5),
            validate_every: Some(1),
            checkpoint: CheckpointConfig { every: Some(2), keep: 1, best: None },
            ..Variant::default().train
        };
        println!("{train:?}");
        check(&Variant { dropout: 0.1, train, ..Variant::default() }, &[3]);
    }
}

/// Records are contrasted with other statements in each of the three epochs.
#[test]
fn texts_of_some_statements_are_resumed_exactly() {
    for (contrastive_batch, unlock_text) in [(None, None), (Some(4), None), (None, Some(Span::Steps(2)))] {
        let train = TrainConfig {
            steps: Some(6),
            batch_size: 2,
            contrastive_batch,
            unlock_text,
            validate_every: Some(1),
            checkpoint: CheckpointConfig { every: Some(2), keep: 1, best: None },
            ..Variant::default().train
        };
        check(&Variant { records: 4, statements: Statements::Sampled, train, ..Variant::default() }, &[3]);
    }
}

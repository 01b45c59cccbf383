//! The determinism matrix: accumulation × moving average × staged unlock × threads (1 and 2).
//!
//! Whatever the combination, a run is the same at 1 and 2 threads, and so is one that was killed or interrupted and
//! resumed at the other number of threads: every file of the last checkpoint and every line of the log.

use crate::resume::check;
use crate::support::Variant;
use einthoven_train::TrainConfig;
use einthoven_train::config::{CheckpointConfig, EmaConfig};
use einthoven_train::schedule::Span;

/// In step 3 of 4 the killed run goes back to the checkpoint of step 2, where the text encoder is still locked; the
/// interrupted one goes on from step 3, where it has been updated once.
#[test]
fn every_combination_is_resumed_exactly() {
    for accumulate in [1, 2] {
        for ema in [None, Some(EmaConfig { decay: 0.8 })] {
            for unlock_text in [None, Some(Span::Steps(2))] {
                println!("accumulate {accumulate}, {ema:?}, unlock_text {unlock_text:?}");
                let mut variant = Variant { dropout: 0.1, ..Variant::default() };
                variant.train = TrainConfig {
                    steps: Some(4),
                    accumulate,
                    ema,
                    unlock_text,
                    clip_norm: Some(0.5),
                    validate_every: Some(1),
                    checkpoint: CheckpointConfig { every: Some(2), keep: 1, best: None },
                    ..variant.train
                };
                check(&variant, &[3]);
            }
        }
    }
}

//! How much memory a run needs, told before it starts.

mod batch_size;
mod system;

use std::fmt;

use einthoven_nn::Parameters;
use serde::Serialize;

use crate::config::TrainConfig;
use crate::objective::Objective;
pub use batch_size::{BatchSize, BatchSizes, MEASURED_BATCH, MeasuredStep, find_batch_size};
pub(crate) use system::available;

/// An estimate of the memory of a run, in bytes, from sizes alone.
///
/// What the loader holds besides (its cache, and batches prepared ahead), what validation takes and what the program
/// itself takes are not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MemoryEstimate {
    /// Parameters and buffers, and their moving average if one is kept.
    parameters: u64,
    /// Gradients; twice where those of several batches are summed.
    gradients: u64,
    /// AdamW's two moments.
    optimizer: u64,
    /// The recordings of a contrastive batch.
    recordings: u64,
    /// What a pass keeps until it is over.
    activations: u64,
}

impl MemoryEstimate {
    /// The estimate for recordings of `leads` × `samples`.
    pub(crate) fn new(
        objective: &impl Objective,
        parameters: &Parameters,
        config: &TrainConfig,
        input: [usize; 2],
    ) -> Self {
        let bytes = |values: usize| (values * parameters.dtype().size_in_bytes()) as u64;
        let all: usize = parameters.tensors().values().map(|tensor| tensor.elem_count()).sum();
        let trained = parameters.trainable().into_iter().filter(|(name, _)| !objective.is_locked(name, config));
        let trained = trained.map(|(_, variable)| variable.elem_count()).sum();
        let [leads, samples] = input;
        let contrasted = config.batch_size * config.batches_together();
        let copies = if config.ema.is_some() { 2 } else { 1 };
        let sums = if config.batches_per_step() > 1 { 2 } else { 1 };
        Self {
            parameters: copies * bytes(all),
            gradients: sums * bytes(trained),
            optimizer: 2 * bytes(trained),
            recordings: (contrasted * leads * samples * size_of::<f32>()) as u64,
            activations: bytes(objective.activation_count(config, samples)),
        }
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        self.parameters + self.gradients + self.optimizer + self.recordings + self.activations
    }

    /// All of it but the weights.
    fn beside_weights(&self, parameters: &Parameters) -> u64 {
        let weights: usize = parameters.tensors().values().map(|tensor| tensor.elem_count()).sum();
        self.total().saturating_sub((weights * parameters.dtype().size_in_bytes()) as u64)
    }

    /// What is not yet allocated when training starts.
    fn to_come(self) -> u64 {
        self.gradients + self.recordings + self.activations
    }

    /// By name, in MiB, for the metric log.
    pub(crate) fn values(&self) -> [(&'static str, f64); 6] {
        let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        [
            ("memory_parameters_mib", mebibytes(self.parameters)),
            ("memory_gradients_mib", mebibytes(self.gradients)),
            ("memory_optimizer_mib", mebibytes(self.optimizer)),
            ("memory_recordings_mib", mebibytes(self.recordings)),
            ("memory_activations_mib", mebibytes(self.activations)),
            ("memory_mib", mebibytes(self.total())),
        ]
    }
}

impl fmt::Display for MemoryEstimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { parameters, gradients, optimizer, recordings, activations } = *self;
        write!(
            f,
            "about {} of memory: parameters {}, gradients {}, optimiser {}, recordings {}, activations {}",
            show(self.total()),
            show(parameters),
            show(gradients),
            show(optimizer),
            show(recordings),
            show(activations)
        )
    }
}

/// What training may take of so many bytes: the loader, validation and the system need some, too.
pub(crate) fn usable(available: u64) -> u64 {
    available - available / 8
}

/// What to say of the `batch_size` on a machine where so many bytes are `available`, from the estimate for a batch size: what size
/// would fit, and a warning if this one does not.
pub(crate) fn advice(available: u64, batch_size: usize, estimate: impl Fn(usize) -> MemoryEstimate) -> String {
    let fits = |batch_size| estimate(batch_size).to_come() <= usable(available);
    let free = show(available);
    match largest(fits) {
        Some(largest) if largest >= batch_size => {
            format!("{free} are free: train.batch_size could be {largest} without swapping")
        }
        largest => {
            let smaller = match largest {
                Some(largest) => {
                    format!("lower train.batch_size to {largest} (train.contrastive_batch keeps what is contrasted)")
                }
                None => "take a smaller model".to_owned(),
            };
            format!(
                "warning: training needs {} more, the loader and validation some besides, and only {free} are free, so the \
                 machine may swap or end the run: {smaller} or set train.checkpointing = true",
                show(estimate(batch_size).to_come()),
            )
        }
    }
}

/// The largest number that `fits`, if 1 does and all below one that fits do; no more than two million.
fn largest(fits: impl Fn(usize) -> bool) -> Option<usize> {
    let mut above = (0..=20).map(|power| 1usize << power).find(|&size| !fits(size)).unwrap_or(1 << 21);
    let mut below = above / 2;
    while above - below > 1 {
        let middle = below.midpoint(above);
        *(if fits(middle) { &mut below } else { &mut above }) = middle;
    }
    Some(below).filter(|&size| size > 0)
}

fn show(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes < 1024.0 { format!("{mebibytes:.0} MiB") } else { format!("{:.1} GiB", mebibytes / 1024.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ESTIMATE: MemoryEstimate = MemoryEstimate {
        parameters: 3 << 20,
        gradients: 3 << 20,
        optimizer: 6 << 20,
        recordings: 1 << 20,
        activations: 2 << 30,
    };

    #[test]
    fn it_is_told_in_words_and_numbers() {
        let told = "about 2.0 GiB of memory: parameters 3 MiB, gradients 3 MiB, optimiser 6 MiB, recordings 1 MiB, \
                    activations 2.0 GiB";
        assert_eq!(ESTIMATE.to_string(), told);
        assert_eq!(ESTIMATE.values()[5], ("memory_mib", 2061.0));
    }

    #[test]
    fn the_largest_batch_that_fits_is_found_and_one_that_does_not_is_warned_of() {
        let of = |batch_size: usize| MemoryEstimate { activations: (batch_size as u64) << 20, ..ESTIMATE };
        // 4 MiB of gradients and recordings come besides, and an eighth stays free.
        let advised = |available: u64, batch_size| advice(available << 20, batch_size, of);
        assert_eq!(advised(64, 16), "64 MiB are free: train.batch_size could be 52 without swapping");
        assert_eq!(advised(6, 1), "6 MiB are free: train.batch_size could be 1 without swapping");
        let warning = advised(64, 53);
        let start = "warning: training needs 57 MiB more, the loader and validation some besides, and only 64 MiB are free, so the \
                     machine may swap or end the run: lower train.batch_size to 52 ";
        assert!(warning.starts_with(start), "{warning}");
        assert!(advised(4, 1).contains("take a smaller model"));
        for limit in [1, 2, 3, 4, 5, 31, 32, 33, 1000] {
            assert_eq!(largest(|size| size <= limit), Some(limit));
        }
        assert_eq!(largest(|_| false), None);
        assert_eq!(largest(|_| true), Some((1 << 21) - 1));
    }
}

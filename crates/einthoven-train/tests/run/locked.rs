//! Signal encoders that are locked, for the whole run or until their layers' turn.

use std::collections::HashMap;
use std::process::Command;

use crate::resume;
use crate::support::{Encoder, Variant};
use candle_core::{Device, Tensor};
use einthoven_models::{Esi, Mode};
use einthoven_nn::{Pass, product_flops, without_gradients};
use einthoven_train::config::{CheckpointConfig, EmaConfig, EncoderConfig};
use einthoven_train::metrics_log;
use einthoven_train::schedule::{Decay, ScheduleConfig, Span};
use einthoven_train::{Checkpoint, Objective, RunFolder, TrainConfig, Trainer};

const ENCODER: &str = "img_encoder.";
const TEXT_ENCODER: &str = "pretrained_text_encoder.";

/// For the whole run.
fn always() -> Option<EncoderConfig> {
    Some(EncoderConfig { learning_rate_scale: 0.0, ..EncoderConfig::default() })
}

/// Until a step, and each layer below the uppermost so many steps longer.
fn until(step: u64, every: Option<u64>) -> Option<EncoderConfig> {
    let unlock_every = every.map(Span::Steps);
    Some(EncoderConfig { unlock: Some(Span::Steps(step)), unlock_every, ..EncoderConfig::default() })
}

/// A run at a constant learning rate without weight decay, so that what moves has a gradient, which keeps each step's checkpoint.
fn variant(encoder: Encoder, lock: Option<EncoderConfig>, steps: u64) -> Variant {
    let variant = Variant { encoder, ..Variant::default() };
    let train = TrainConfig {
        steps: Some(steps),
        weight_decay: 0.0,
        encoder: lock,
        schedule: ScheduleConfig { kind: Decay::Constant, warmup: Span::Steps(0), ..ScheduleConfig::default() },
        checkpoint: CheckpointConfig { every: Some(1), keep: 9, best: None },
        ..variant.train
    };
    Variant { train, ..variant }
}

type Weights = HashMap<String, Vec<f32>>;

fn values(tensors: impl IntoIterator<Item = (String, Tensor)>) -> Weights {
    let values = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1().unwrap();
    tensors.into_iter().map(|(name, tensor)| (name, values(tensor))).collect()
}

/// The weights that a run begins with, its folder, and the names of what has gradients.
fn run(variant: &Variant) -> (Weights, tempfile::TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let setup = variant.setup(RunFolder::create(folder.path()).unwrap());
    let start = values(setup.parameters.tensors());
    let trainable = setup.parameters.trainable().into_iter().map(|(name, _)| name).collect();
    Trainer::new(setup).unwrap().run().unwrap();
    (start, folder, trainable)
}

fn checkpoint(folder: &tempfile::TempDir, step: u64) -> Checkpoint {
    Checkpoint::open(&folder.path().join(format!("checkpoints/step-{step:08}"))).unwrap()
}

/// Not a bit of it changes, batch statistics included; it has no place in the optimiser; all else learns.
#[test]
fn a_locked_signal_encoder_stays_as_it_is() {
    let kinds = [
        (Encoder::ConvNext, Mode::Corrected, None, 1.0),
        (Encoder::XResNet, Mode::Corrected, Some(8), 1.0),
        (Encoder::XResNet, Mode::Paper, None, 1.0),
        (Encoder::ConvNext, Mode::Corrected, None, 0.0),
    ];
    for (encoder, mode, contrastive_batch, text_learning_rate_scale) in kinds {
        let mut variant = Variant { mode, ..variant(encoder, always(), 2) };
        let ema = Some(EmaConfig { decay: 0.5 });
        variant.train = TrainConfig { contrastive_batch, text_learning_rate_scale, ema, ..variant.train };
        let (start, folder, trainable) = run(&variant);
        let end = checkpoint(&folder, 2);
        let is_locked =
            |name: &str| name.starts_with(ENCODER) || text_learning_rate_scale == 0.0 && name.starts_with(TEXT_ENCODER);
        let state = end.optimizer_tensors(&Device::Cpu).unwrap();
        for weights in [end.model_tensors(&Device::Cpu).unwrap(), end.raw_model_tensors(&Device::Cpu).unwrap()] {
            let weights = values(weights);
            for (name, start) in &start {
                if is_locked(name) {
                    assert!(start == &weights[name], "{name}");
                } else if mode == Mode::Corrected && trainable.contains(name) {
                    assert!(start != &weights[name], "{name}");
                }
            }
        }
        for name in &trainable {
            assert_eq!(state.contains_key(&format!("{name}.step")), !is_locked(name), "{name}");
        }
        assert!(state.keys().all(|name| !is_locked(name)));
    }
}

/// While its layer is locked, a parameter and its optimiser state rest, and so do batch statistics; then they begin anew.
#[test]
fn layers_rest_until_their_turn() {
    // Four layers of a ConvNeXt, a stem and four stages of an XResNet. Of that, a block's last gain begins at 0, so that a first
    // update is needed to open the block to gradients.
    let kinds = [
        (Encoder::ConvNext, until(1, Some(1)), 5, 1),
        (Encoder::XResNet, until(1, Some(1)), 7, 2),
        (Encoder::XResNet, until(2, None), 4, 2),
    ];
    for (encoder, lock, steps, opening) in kinds {
        let (start, folder, trainable) = run(&variant(encoder, lock, steps));
        let setup = variant(encoder, lock, steps).setup(RunFolder::resume(folder.path()).unwrap());
        let lock = lock.unwrap();
        let [unlock, every] = [lock.unlock, lock.unlock_every].map(|span| match span {
            Some(Span::Steps(steps)) => steps,
            _ => 0,
        });
        let locked_steps = |name: &str| match name.starts_with(ENCODER) {
            true => unlock + every * setup.objective.layers_above(name) as u64,
            false => 0,
        };
        assert_eq!(start.keys().map(|name| locked_steps(name)).max(), Some(steps - opening));
        for step in 1..=steps {
            let checkpoint = checkpoint(&folder, step);
            let weights = values(checkpoint.model_tensors(&Device::Cpu).unwrap());
            for (name, start) in &start {
                let updates = step.saturating_sub(locked_steps(name));
                if updates == 0 || updates >= opening {
                    assert_eq!(start != &weights[name], updates > 0, "{name} after step {step}");
                }
                assert!(weights[name].iter().all(|value| value.is_finite()), "{name} after step {step}");
            }
            let state = checkpoint.optimizer_tensors(&Device::Cpu).unwrap();
            for name in &trainable {
                let updates = state[&format!("{name}.step")].to_scalar::<i64>().unwrap() as u64;
                assert_eq!(updates, step.saturating_sub(locked_steps(name)), "{name} after step {step}");
                let moments: Vec<f32> = state[&format!("{name}.exp_avg")].flatten_all().unwrap().to_vec1().unwrap();
                if updates == 0 || updates >= opening {
                    assert_eq!(moments.iter().any(|&value| value != 0.0), updates > 0, "{name} after step {step}");
                }
            }
        }
    }
}

/// The losses are those of a free encoder, as long as nothing has moved; the gradient is a part of its.
#[test]
fn locking_changes_no_loss_and_leaves_out_gradients() {
    let first = |lock| {
        let (_, folder, _) = run(&variant(Encoder::ConvNext, lock, 4));
        let log = metrics_log::read(&folder.path().join("metrics.jsonl")).unwrap();
        ["loss", "grad_norm"].map(|name| log[0].values[name].unwrap())
    };
    let [free, locked, upper] = [None, always(), until(2, None)].map(first);
    assert_eq!(free[0], locked[0]);
    assert_eq!(locked, upper);
    assert!(locked[1] < free[1], "{locked:?} {free:?}");
    let [loss, norm] = first(until(0, Some(1)));
    assert!(loss == free[0] && locked[1] < norm && norm < free[1], "{norm}");
}

/// Batch statistics, the moving average, gradient caching and checkpointing, disturbed before, between and after unlocks.
#[test]
fn a_run_disturbed_around_an_unlock_ends_as_an_undisturbed_one() {
    let kinds = [
        (Encoder::ConvNext, always(), None, 4, &[1, 3][..]),
        (Encoder::XResNet, until(1, Some(1)), Some(8), 6, &[1, 3, 6][..]),
        (Encoder::XResNet, until(2, None), None, 4, &[2, 3][..]),
    ];
    for (encoder, lock, contrastive_batch, steps, at) in kinds {
        let mut variant = Variant { dropout: 0.1, ..variant(encoder, lock, steps) };
        variant.train = TrainConfig {
            contrastive_batch,
            checkpointing: contrastive_batch.is_some(),
            ema: Some(EmaConfig { decay: 0.8 }),
            clip_norm: Some(0.5),
            weight_decay: 0.01,
            validate_every: Some(1),
            checkpoint: CheckpointConfig { every: Some(2), keep: 1, best: None },
            ..variant.train
        };
        resume::check(&variant, at);
    }
}

/// Operations of the matrix products of a run's steps, by the whole process.
fn operations(lock: Option<EncoderConfig>, checkpointing: bool) -> u64 {
    let mut variant = variant(Encoder::ConvNext, lock, 4);
    variant.train.checkpointing = checkpointing;
    let before = product_flops();
    run(&variant);
    product_flops() - before
}

/// Operations of one pass of a batch through the signal encoder.
fn of_encoder(model: &Esi) -> u64 {
    let signals = Tensor::zeros((4, 12, 500), candle_core::DType::F32, &Device::Cpu).unwrap();
    let before = product_flops();
    without_gradients(|| model.features(&signals, None, usize::MAX, &Pass::evaluate())).unwrap();
    product_flops() - before
}

/// What is counted is the process's, so this test must be alone in it; the one below runs it.
#[test]
#[ignore = "must be alone in its process"]
fn operations_of_locked_and_free_encoders() {
    let folder = tempfile::tempdir().unwrap();
    let setup = variant(Encoder::ConvNext, None, 4).setup(RunFolder::create(folder.path()).unwrap());
    let passes = 4 * of_encoder(setup.objective.model());
    for checkpointing in [false, true] {
        let [free, locked] = [None, always()].map(|lock| operations(lock, checkpointing));
        // The backward pass of a layer has two products for one of the forward pass, but for the stem, whose input is no
        // variable; a checkpointed one has the forward pass once more.
        let spared = (free - locked) as f64 / passes as f64;
        println!("checkpointing {checkpointing}: free {free}, locked {locked}, spared {spared:.2} forward passes");
        let more = if checkpointing { 1.0 } else { 0.0 };
        assert!(spared > 1.5 + more && spared <= 2.0 + more, "{spared}");
        // Unlocked for the last of four steps, or one layer more in each of them.
        let late = operations(until(3, None), checkpointing);
        assert_eq!(late - locked, (free - locked) / 4);
        let staged = operations(until(0, Some(1)), checkpointing);
        assert!(late < staged && staged < free, "{late} {staged} {free}");
    }
}

#[test]
fn the_backward_pass_of_what_is_locked_is_not_run() {
    let mut alone = Command::new(std::env::current_exe().unwrap());
    alone.args(["--exact", "locked::operations_of_locked_and_free_encoders", "--ignored", "--nocapture"]);
    let output = alone.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}{}", String::from_utf8_lossy(&output.stderr));
    println!("{told}");
}

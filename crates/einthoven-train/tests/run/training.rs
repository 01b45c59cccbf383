//! The trainer learns, stops when it must, and says why.

use std::collections::HashMap;

use crate::support::{Action, Encoder, Probe, Variant};
use candle_core::{Device, Tensor};
use einthoven_models::Mode;
use einthoven_train::config::{CheckpointConfig, EmaConfig, EncoderConfig, LossConfig, TraceConfig};
use einthoven_train::metrics_log::{self, Entry, Kind};
use einthoven_train::schedule::{Decay, ScheduleConfig, Span};
use einthoven_train::{
    Checkpoint, Error, EsiObjective, Objective, RunFolder, Setup, Summary, TrainConfig, Trainer, Validator,
};

/// Trains `variant`; gives its summary, its log and the final parameters.
pub fn train(variant: &Variant) -> (Summary, Vec<Entry>, HashMap<String, Tensor>) {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = variant.setup(RunFolder::create(folder.path()).unwrap());
    setup.validator = Some(Box::new(Probe { at: 0, action: Action::Nothing }));
    let summary = Trainer::new(setup).unwrap().run().unwrap();
    let log = metrics_log::read(&folder.path().join("metrics.jsonl")).unwrap();
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    (summary, log, checkpoint.model_tensors(&Device::Cpu).unwrap())
}

pub fn training_entries(log: &[Entry]) -> Vec<&Entry> {
    log.iter().filter(|entry| entry.kind == Kind::Train).collect()
}

pub fn value(entry: &Entry, name: &str) -> f64 {
    entry.values[name].unwrap()
}

/// Eight records can be told apart and described by heart. The scale of e that paper mode starts with keeps the
/// contrastive loss of eight pairs above ln(1 + 7 exp(-8 e / 7)) = 0.27.
#[test]
fn a_small_cohort_is_learnt_by_heart() {
    for (mode, contrastive, caption) in [(Mode::Corrected, 0.02, 0.3), (Mode::Paper, 1.0, 0.3)] {
        let mut variant = Variant { mode, records: 8, ..Variant::default() };
        variant.train = TrainConfig { steps: Some(200), batch_size: 8, learning_rate: 5e-3, ..variant.train };
        let (_, log, _) = train(&variant);
        let entries = training_entries(&log);
        let (first, last) = (entries[0], entries[entries.len() - 1]);
        assert!(value(first, "loss") > 5.0, "{mode:?}: {first:?}");
        assert!(value(last, "loss_contrastive") < contrastive, "{mode:?}: {last:?}");
        assert!(value(last, "loss_caption") < caption, "{mode:?}: {last:?}");
    }
}

/// At a learning rate that changes nothing, a step of two batches has the mean of their losses and gradients.
#[test]
fn accumulation_averages_losses_and_gradients() {
    let logged = |steps, accumulate| {
        let mut variant = Variant::default();
        variant.train = TrainConfig { steps: Some(steps), accumulate, learning_rate: 1e-30, ..variant.train };
        train(&variant).1
    };
    let (single, double) = (logged(2, 1), logged(1, 2));
    let (first, second, both) = (&single[0], &single[1], &double[0]);
    for name in ["loss", "loss_contrastive", "loss_caption"] {
        let mean = (value(first, name) + value(second, name)) / 2.0;
        assert!((value(both, name) - mean).abs() < 1e-12, "{name}");
    }
    let norms = [first, second, both].map(|entry| value(entry, "grad_norm"));
    assert!(norms[2] <= (norms[0] + norms[1]) / 2.0, "{norms:?}");
    assert!(norms[2] > (norms[0] + norms[1]) / 8.0, "{norms:?}");
}

/// At a learning rate that changes nothing, the losses and the gradient are those of one large batch.
#[test]
fn a_contrastive_batch_of_several_batches_is_one_large_batch() {
    let logged = |batch_size, contrastive_batch, accumulate| {
        let mut variant = Variant::default();
        variant.train = TrainConfig {
            epochs: Some(1),
            steps: None,
            batch_size,
            contrastive_batch,
            accumulate,
            learning_rate: 1e-30,
            losses: LossConfig { dropout_views: 0.5, ..LossConfig::default() },
            ..variant.train
        };
        train(&variant).1
    };
    for accumulate in [1, 2] {
        let (whole, cached) = (logged(10, None, accumulate), logged(2, Some(10), accumulate));
        let (whole, cached) = (training_entries(&whole), training_entries(&cached));
        assert_eq!((whole.len(), cached.len()), (2 / accumulate, 2 / accumulate));
        for (whole, cached) in whole.into_iter().zip(cached) {
            for name in ["loss", "loss_contrastive", "loss_dropout_views", "loss_caption", "grad_norm"] {
                let (whole, cached) = (value(whole, name), value(cached, name));
                assert!((whole - cached).abs() < 1e-5 * whole, "{name}: {whole}, {cached}");
            }
        }
    }
}

/// Texts of a new encoder are all alike: nothing is a negative, and nothing is left to tell apart.
#[test]
fn captions_that_are_nearly_the_same_are_no_negatives() {
    let loss = |near_duplicate, contrastive_batch| {
        let mut variant = Variant::default();
        let losses = LossConfig { near_duplicate, ..LossConfig::default() };
        variant.train = TrainConfig { steps: Some(1), contrastive_batch, losses, ..variant.train };
        value(training_entries(&train(&variant).1)[0], "loss_contrastive")
    };
    for contrastive_batch in [None, Some(8)] {
        assert!(loss(None, contrastive_batch) > 0.5);
        assert!(loss(Some(0.999_999), contrastive_batch) > 0.5);
        let alike = loss(Some(1e-6), contrastive_batch);
        assert!(alike < loss(None, contrastive_batch), "{alike}");
    }
}

/// The sigmoid loss learns to tell records apart too, in one batch or several.
#[test]
fn siglip_learns() {
    for contrastive_batch in [None, Some(8)] {
        let mut variant = Variant { sigmoid: true, records: 8, ..Variant::default() };
        let batch_size = if contrastive_batch.is_some() { 4 } else { 8 };
        let losses = LossConfig { caption: 0.0, ..LossConfig::default() };
        variant.train = TrainConfig {
            steps: Some(100),
            batch_size,
            contrastive_batch,
            losses,
            learning_rate: 5e-3,
            ..variant.train
        };
        let (_, log, weights) = train(&variant);
        let entries = training_entries(&log);
        let (first, last) = (entries[0], entries[entries.len() - 1]);
        assert!(value(last, "loss_contrastive") < 0.5 * value(first, "loss_contrastive"), "{first:?} {last:?}");
        assert_ne!(values(&weights["logit_bias"]), [-10.0]);
    }
}

#[test]
fn checkpointing_changes_no_number() {
    for contrastive_batch in [None, Some(8)] {
        let end = |checkpointing| {
            let mut variant = Variant { dropout: 0.2, encoder: Encoder::XResNet, ..Variant::default() };
            variant.train = TrainConfig { steps: Some(2), contrastive_batch, checkpointing, ..variant.train };
            let (summary, _, weights) = train(&variant);
            let weights = weights.into_iter().map(|(name, tensor)| (name, values(&tensor)));
            (summary.validation, weights.collect::<HashMap<_, _>>())
        };
        assert!(end(true) == end(false));
    }
}

#[test]
fn weights_of_losses_schedule_and_epochs_are_logged() {
    let mut variant = Variant::default();
    variant.train = TrainConfig {
        epochs: Some(2),
        steps: None,
        log_every: 2,
        validate_every: Some(5),
        losses: LossConfig { contrastive: 2.0, caption: 0.5, dropout_views: 0.25, near_duplicate: None },
        schedule: ScheduleConfig { kind: Decay::Linear, warmup: Span::Steps(2), ..ScheduleConfig::published_linear() },
        ..variant.train
    };
    let (summary, log, _) = train(&variant);
    assert_eq!((summary.step, summary.total, summary.interrupted), (10, 10, false));
    let steps: Vec<(Kind, u64, u64)> = log.iter().map(|entry| (entry.kind, entry.step, entry.epoch)).collect();
    let (train, validation) = (Kind::Train, Kind::Validation);
    let expected = [
        (train, 1, 0),
        (train, 2, 0),
        (train, 4, 0),
        (validation, 5, 0),
        (train, 6, 1),
        (train, 8, 1),
        (train, 10, 1),
        (validation, 10, 1),
    ];
    assert_eq!(steps, expected);
    assert_eq!(summary.validation["probe"], log[7].values["probe"].unwrap());
    let rates: Vec<f64> = training_entries(&log).iter().map(|entry| value(entry, "lr")).collect();
    assert_eq!(rates, [0.0, 0.5, 7.0 / 8.0, 5.0 / 8.0, 3.0 / 8.0, 1.0 / 8.0].map(|factor| 1e-3 * factor));
    for entry in training_entries(&log) {
        let views = 0.25 * value(entry, "loss_dropout_views");
        let sum = 2.0 * value(entry, "loss_contrastive") + 0.5 * value(entry, "loss_caption") + views;
        assert!((value(entry, "loss") - sum).abs() < 1e-5 * sum, "{entry:?}");
    }
}

#[test]
fn what_is_locked_stays_and_the_rest_moves() {
    let encoder: &[&str] = &["pretrained_text_encoder."];
    let projection: &[&str] = &["text_cls_norm.", "text_to_latents."];
    let both = [encoder, projection].concat();
    let kinds = [(0.0, false, encoder), (1.0, true, projection), (0.0, true, &both)];
    for (text_learning_rate_scale, lock_text_projection, locked) in kinds {
        let mut variant = Variant::default();
        variant.train = TrainConfig { steps: Some(2), text_learning_rate_scale, lock_text_projection, ..variant.train };
        let folder = tempfile::tempdir().unwrap();
        let start = variant.setup(RunFolder::create(folder.path()).unwrap()).parameters.tensors();
        let (_, _, end) = train(&variant);
        for (name, tensor) in start {
            let moved = values(&tensor) != values(&end[&name]);
            assert_eq!(moved, !locked.iter().any(|part| name.starts_with(part)), "{name}");
        }
    }
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn an_average_is_judged_and_saved_and_training_does_not_notice() {
    let mut variant = Variant { encoder: Encoder::XResNet, ..Variant::default() };
    variant.train = TrainConfig { steps: Some(3), validate_every: Some(2), ..variant.train };
    let (without, _, weights) = train(&variant);
    variant.train.ema = Some(EmaConfig { decay: 0.5 });
    let folder = tempfile::tempdir().unwrap();
    let mut setup = variant.setup(RunFolder::create(folder.path()).unwrap());
    let start = setup.parameters.tensors().into_iter().map(|(name, tensor)| (name, values(&tensor)));
    let start: HashMap<_, _> = start.collect();
    setup.validator = Some(Box::new(Probe { at: 0, action: Action::Nothing }));
    let summary = Trainer::new(setup).unwrap().run().unwrap();
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let (average, raw) =
        (checkpoint.model_tensors(&Device::Cpu).unwrap(), checkpoint.raw_model_tensors(&Device::Cpu).unwrap());
    assert_eq!(average.len(), weights.len());
    for (name, weights) in &weights {
        assert_eq!(values(&raw[name]), values(weights), "{name}");
        let moved = values(weights) != start[name];
        assert_eq!(values(&average[name]) != values(weights), moved, "{name}");
    }

    let elsewhere = tempfile::tempdir().unwrap();
    let setup = variant.setup(RunFolder::create(elsewhere.path()).unwrap());
    setup.parameters.load(&average).unwrap();
    let judged = Probe { at: 0, action: Action::Nothing }.validate(setup.objective.model(), 3).unwrap();
    assert_eq!(summary.validation, judged);
    assert_ne!(summary.validation, without.validation);
}

/// While locked, the text encoder and its optimiser state rest; then both begin anew.
#[test]
fn a_locked_text_encoder_rests_until_it_is_unlocked() {
    let mut variant = Variant::default();
    let schedule = ScheduleConfig { kind: Decay::Constant, warmup: Span::Steps(0), ..ScheduleConfig::default() };
    variant.train = TrainConfig { steps: Some(3), weight_decay: 0.0, schedule, ..variant.train };
    let (_, free, _) = train(&variant);
    variant.train.unlock_text = Some(Span::Steps(2));
    variant.train.checkpoint = CheckpointConfig { every: Some(1), keep: 9, best: None };
    let folder = tempfile::tempdir().unwrap();
    let setup = variant.setup(RunFolder::create(folder.path()).unwrap());
    let start: HashMap<_, _> =
        setup.parameters.tensors().into_iter().map(|(name, tensor)| (name, values(&tensor))).collect();
    Trainer::new(setup).unwrap().run().unwrap();

    let is_text = |name: &str| name.starts_with("pretrained_text_encoder.");
    for step in 1..=3 {
        let path = folder.path().join(format!("checkpoints/step-{step:08}"));
        let checkpoint = Checkpoint::open(&path).unwrap();
        for (name, tensor) in checkpoint.model_tensors(&Device::Cpu).unwrap() {
            let moved = values(&tensor) != start[&name];
            assert_eq!(moved, !is_text(&name) || step == 3, "{name} after step {step}");
        }
        for (name, tensor) in checkpoint.optimizer_tensors(&Device::Cpu).unwrap() {
            let rests = is_text(&name) && step < 3;
            if name.ends_with(".step") {
                let updates = if is_text(&name) { i64::from(step == 3) } else { step };
                assert_eq!(tensor.to_scalar::<i64>().unwrap(), updates, "{name} after step {step}");
            } else {
                assert_eq!(values(&tensor).iter().all(|&value| value == 0.0), rests, "{name} after step {step}");
            }
        }
    }
    // The first update of AdamW moves every value by the learning rate, give or take ε.
    let name = "pretrained_text_encoder.encoder.layer.0.output.dense.weight";
    let end = Checkpoint::open(folder.path()).unwrap().model_tensors(&Device::Cpu).unwrap();
    let mut moves: Vec<f32> =
        values(&end[name]).iter().zip(&start[name]).map(|(end, start)| (end - start).abs()).collect();
    moves.sort_by(f32::total_cmp);
    assert!((moves[moves.len() / 2] - 1e-3).abs() < 1e-5, "{moves:?}");

    // Its gradient does not count before.
    let log = metrics_log::read(&folder.path().join("metrics.jsonl")).unwrap();
    let (locked, free) = (training_entries(&log)[0], training_entries(&free)[0]);
    assert_eq!(value(locked, "loss"), value(free, "loss"));
    assert!(value(locked, "grad_norm") < value(free, "grad_norm"));
}

/// The first update of AdamW moves every value by its learning rate, give or take ε.
#[test]
fn lower_text_layers_move_less() {
    let mut variant = Variant::default();
    let schedule = ScheduleConfig { kind: Decay::Constant, warmup: Span::Steps(0), ..ScheduleConfig::default() };
    variant.train = TrainConfig {
        steps: Some(1),
        weight_decay: 0.0,
        text_learning_rate_scale: 0.5,
        text_layer_decay: Some(0.1),
        schedule,
        ..variant.train
    };
    let folder = tempfile::tempdir().unwrap();
    let start = variant.setup(RunFolder::create(folder.path()).unwrap()).parameters.tensors();
    let (_, _, end) = train(&variant);
    for (name, rate) in [
        ("img_token_head.weight", 1e-3),
        ("pretrained_text_encoder.encoder.layer.0.output.dense.weight", 0.5e-3),
        ("pretrained_text_encoder.embeddings.position_embeddings.weight", 0.05e-3),
    ] {
        let moves = values(&start[name]).into_iter().zip(values(&end[name])).map(|(from, to)| (to - from).abs());
        let largest = moves.fold(0.0, f32::max);
        assert!((largest - rate).abs() < 0.01 * rate, "{name}: {largest}");
    }
}

/// The error of training `setup`, which must not have saved anything.
fn refusal(change: impl Fn(&mut Setup<EsiObjective>)) -> Error {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = Variant::default().setup(RunFolder::create(folder.path()).unwrap());
    change(&mut setup);
    let error = Trainer::new(setup).and_then(Trainer::run).unwrap_err();
    assert!(!folder.path().join("checkpoints.json").exists());
    error
}

#[test]
fn an_infinite_loss_stops_the_run_and_names_the_records() {
    let error = refusal(|setup| setup.config.learning_rate = 1e38);
    let Error::NotFinite { step, ids, .. } = &error else { panic!("{error}") };
    assert_eq!((*step, ids.len()), (2, 4));
    let message = error.to_string();
    assert!(message.contains(&format!("records of the step: {}", ids.join(", "))), "{message}");
    assert!(message.contains("lower train.learning_rate"), "{message}");
}

#[test]
fn what_cannot_work_is_refused_before_training() {
    let no_length = refusal(|setup| setup.config.steps = None);
    assert!(matches!(no_length, Error::Config { key: "epochs", .. }), "{no_length}");

    let too_few = refusal(|setup| setup.config.accumulate = 6);
    let expected = "an epoch gives 5 batches of 4 records, but a step takes 6";
    assert!(too_few.to_string().starts_with(expected), "{too_few}");

    let late = refusal(|setup| setup.config.trace = Some(TraceConfig { first: 10, steps: 1 }));
    assert_eq!(late.to_string(), "train.trace.first: is 10, but the run has 9 steps");

    let folder = tempfile::tempdir().unwrap();
    let deaf = |change: &dyn Fn(&mut Variant)| {
        let mut variant = Variant::default();
        change(&mut variant);
        variant.try_setup(RunFolder::resume(folder.path()).unwrap()).err().unwrap()
    };
    let paper = deaf(&|variant| {
        variant.mode = Mode::Paper;
        variant.train.losses.near_duplicate = Some(0.9);
    });
    assert!(matches!(paper, Error::Config { key: "losses.near_duplicate", .. }), "{paper}");

    let never = refusal(|setup| setup.config.unlock_text = Some(Span::Epochs(3)));
    assert!(never.to_string().starts_with("train.unlock_text: is 15 steps of a run of 9"), "{never}");

    let encoder = EncoderConfig { unlock_every: Some(Span::Steps(3)), ..EncoderConfig::default() };
    let slow = refusal(|setup| setup.config.encoder = Some(encoder));
    let expected = "train.encoder.unlock_every: unlocks the lowest of 4 layers after 9 steps of a run of 9; shorten it";
    assert_eq!(slow.to_string(), expected);

    let best = |metric: &str| CheckpointConfig { best: Some(metric.to_owned()), ..CheckpointConfig::default() };
    let blind = refusal(|setup| setup.config.checkpoint = best("probe"));
    assert!(matches!(blind, Error::Config { key: "checkpoint.best", .. }), "{blind}");

    let misspelt = refusal(|setup| {
        setup.config.checkpoint = best("prob");
        setup.config.steps = Some(1);
        setup.validator = Some(Box::new(Probe { at: 0, action: Action::Nothing }));
    });
    assert!(misspelt.to_string().contains("gives no `prob`, only probe"), "{misspelt}");
}

//! Exact resume: killed or interrupted at any step and resumed, a run ends like one that was never disturbed, bit for
//! bit, at any number of threads.

use std::path::Path;

use crate::support::{Action, Encoder, Probe, Variant, files, timeless_log};
use einthoven_corpus::AugmentConfig;
use einthoven_models::Mode;
use einthoven_train::config::{CheckpointConfig, EmaConfig};
use einthoven_train::{Error, RunFolder, Summary, TrainConfig, Trainer};

/// Runs `variant` in `folder`, disturbed at step `at`.
fn run(variant: &Variant, folder: RunFolder, threads: usize, at: u64, action: Action) -> Result<Summary, Error> {
    let mut setup = variant.setup(folder);
    setup.config.threads = Some(threads);
    if let Action::Stop(stop) = &action {
        setup.stop = stop.clone();
    }
    setup.validator = Some(Box::new(Probe { at, action }));
    Trainer::new(setup)?.run()
}

/// The end of a run: its newest checkpoint and its log.
fn end(run: &Path) -> (std::collections::BTreeMap<String, Vec<u8>>, Vec<String>) {
    let folder = RunFolder::resume(run).unwrap();
    (files(&folder.last_path().unwrap()), timeless_log(&folder.metrics_path()))
}

/// Disturbs `variant` at every one of `steps`, and compares with the undisturbed run.
pub fn check(variant: &Variant, steps: &[u64]) {
    check_runs(variant.train.steps.unwrap(), steps, |folder, threads, at, action| {
        run(variant, folder, threads, at, action)
    });
}

/// Disturbs a run of `total` steps at every one of `steps`, and compares with the undisturbed run. `run` makes it in a folder, at
/// so many threads, disturbed at a step.
pub fn check_runs(total: u64, steps: &[u64], run: impl Fn(RunFolder, usize, u64, Action) -> Result<Summary, Error>) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);

    let create = |name: &str| RunFolder::create(&at(name)).unwrap();
    let whole = run(create("whole"), 1, 0, Action::Nothing).unwrap();
    assert_eq!((whole.step, whole.interrupted), (total, false));
    let expected = end(&at("whole"));

    run(create("threads"), 2, 0, Action::Nothing).unwrap();
    assert!(end(&at("threads")) == expected, "2 threads differ from 1");

    for &step in steps {
        let name = format!("killed-{step}");
        let killed = run(create(&name), 1, step, Action::Die).unwrap_err();
        assert!(matches!(killed, Error::Validation { step: at, .. } if at == step), "{killed}");
        let folder = RunFolder::resume(&at(&name)).unwrap();
        let resumed = run(folder, 2, 0, Action::Nothing).unwrap();
        assert_eq!(resumed.best, whole.best);
        assert!(end(&at(&name)) == expected, "killed in step {step}");

        let name = format!("stopped-{step}");
        let stop = Action::Stop(Default::default());
        let stopped = run(create(&name), 2, step, stop).unwrap();
        assert_eq!((stopped.step, stopped.interrupted), (step, step < total));
        assert!(stopped.checkpoint.unwrap().ends_with(format!("step-{step:08}")));
        let folder = RunFolder::resume(&at(&name)).unwrap();
        run(folder, 1, 0, Action::Nothing).unwrap();
        assert!(end(&at(&name)) == expected, "stopped in step {step}");
    }
}

fn checkpoints(every: u64) -> CheckpointConfig {
    CheckpointConfig { every: Some(every), keep: 2, best: Some("probe".to_owned()) }
}

/// Five steps an epoch, checkpoints within epochs, dropout and augmentation.
#[test]
fn with_dropout_and_augmentation() {
    let mut variant = Variant { dropout: 0.2, augment: AugmentConfig::default(), ..Variant::default() };
    variant.train =
        TrainConfig { steps: Some(9), validate_every: Some(1), checkpoint: checkpoints(4), ..variant.train };
    check(&variant, &[1, 3, 4, 6, 9]);
}

/// Two batches a step, of which an epoch has two and a batch left over; clipping; no checkpoint but an epoch's.
#[test]
fn with_accumulation_and_clipping() {
    let mut variant = Variant { dropout: 0.1, ..Variant::default() };
    variant.train = TrainConfig {
        steps: Some(5),
        accumulate: 2,
        clip_norm: Some(0.5),
        text_learning_rate_scale: 0.1,
        text_layer_decay: Some(0.5),
        validate_every: Some(1),
        checkpoint: CheckpointConfig { every: None, ..checkpoints(1) },
        ..variant.train
    };
    check(&variant, &[1, 2, 3]);
}

/// Batch statistics are part of the state, and of the average; a batch that is computed twice moves them once.
#[test]
fn with_batch_norm_in_paper_mode() {
    for (ema, contrastive_batch) in [(None, None), (Some(EmaConfig { decay: 0.9 }), Some(8))] {
        let mut variant = Variant { mode: Mode::Paper, encoder: Encoder::XResNet, records: 8, ..Variant::default() };
        variant.train =
            TrainConfig { steps: Some(4), validate_every: Some(1), checkpoint: checkpoints(2), ema, ..variant.train };
        variant.train.contrastive_batch = contrastive_batch;
        check(&variant, &[3]);
    }
}

/// Large enough that every operation shares its work among the threads.
#[test]
fn at_a_published_size() {
    let mut variant = Variant { encoder: Encoder::Atto, width: 256, dropout: 0.1, ..Variant::default() };
    variant.train = TrainConfig { steps: Some(2), batch_size: 8, checkpoint: checkpoints(2), ..variant.train };
    check(&variant, &[]);
}

#[test]
fn a_finished_run_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut variant = Variant::default();
    variant.train.steps = Some(2);
    let first = run(&variant, RunFolder::create(folder.path()).unwrap(), 1, 0, Action::Nothing).unwrap();
    let before = end(folder.path());
    let again = run(&variant, RunFolder::resume(folder.path()).unwrap(), 1, 0, Action::Nothing).unwrap();
    assert_eq!((again.step, again.checkpoint), (first.step, first.checkpoint));
    assert!(end(folder.path()) == before);
}

#[test]
fn another_experiment_or_other_data_are_not_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let mut variant = Variant::default();
    variant.train.steps = Some(1);
    run(&variant, RunFolder::create(folder.path()).unwrap(), 1, 0, Action::Nothing).unwrap();
    let before = end(folder.path());

    let resume = || RunFolder::resume(folder.path()).unwrap();
    let mut setup = variant.setup(resume());
    setup.experiment = "name = \"tiny\"\nseed = 2\n".to_owned();
    let message = Trainer::new(setup).err().unwrap().to_string();
    assert!(message.contains("it said nothing, now says `seed = 2`"), "{message}");

    let more = Variant { records: 40, ..variant };
    let message = Trainer::new(more.setup(resume())).err().unwrap().to_string();
    assert!(message.contains("5 batches an epoch, now give 10"), "{message}");
    assert!(end(folder.path()) == before);
}

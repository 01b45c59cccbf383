//! What a run takes of memory.

use std::fs;

use crate::support::{Encoder, Variant};
use einthoven_train::config::EncoderConfig;
use einthoven_train::metrics_log;
use einthoven_train::{Error, MEASURED_BATCH, RunFolder, Setup, TrainConfig, Trainer, find_batch_size};

/// Trains two steps; gives the expected memory by name, in MiB.
fn expected(change: impl FnOnce(&mut TrainConfig)) -> impl Fn(&str) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let mut variant = Variant::default();
    variant.train.steps = Some(2);
    change(&mut variant.train);
    Trainer::new(variant.setup(RunFolder::create(folder.path()).unwrap())).unwrap().run().unwrap();
    let log = metrics_log::read(&folder.path().join("metrics.jsonl")).unwrap();
    let later = &log[1].values;
    assert!(!later.contains_key("memory_mib"));
    let values = log[0].values.clone();
    move |name| values[&format!("memory{name}_mib")].unwrap()
}

#[test]
fn the_first_log_entry_says_what_memory_was_expected() {
    let plain = expected(|_| {});
    let parts = ["_parameters", "_gradients", "_optimizer", "_recordings", "_activations"];
    assert!((plain("") - parts.iter().map(|part| plain(part)).sum::<f64>()).abs() < 1e-9);
    assert_eq!(plain("_optimizer"), 2.0 * plain("_parameters"));
    assert_eq!(plain("_recordings"), (4 * 12 * 500 * 4) as f64 / f64::from(1 << 20));

    let checkpointed = expected(|train| train.checkpointing = true);
    assert!(checkpointed("_activations") < plain("_activations"));
    let cached = expected(|train| (train.batch_size, train.contrastive_batch) = (2, Some(4)));
    assert!(cached("_activations") < plain("_activations"));
    assert_eq!(cached("_recordings"), plain("_recordings"));
    assert_eq!(cached("_gradients"), 2.0 * plain("_gradients"));
    let locked = expected(|train| train.text_learning_rate_scale = 0.0);
    assert!(locked("_optimizer") < plain("_optimizer") && locked("_activations") < plain("_activations"));
    let signal = expected(|train| {
        train.encoder = Some(EncoderConfig { learning_rate_scale: 0.0, ..EncoderConfig::default() });
    });
    assert!(signal("_optimizer") < plain("_optimizer") && signal("_activations") < plain("_activations"));
    let projection = expected(|train| train.lock_text_projection = true);
    assert!(projection("_optimizer") < plain("_optimizer") && projection("_optimizer") > locked("_optimizer"));
}

#[test]
fn the_largest_batches_that_fit_are_found() {
    let find = |contrastive_batch| {
        let folder = tempfile::tempdir().unwrap();
        let mut variant = Variant::default();
        variant.train.batch_size = MEASURED_BATCH;
        let setup = variant.setup(RunFolder::create(folder.path()).unwrap());
        let Setup { objective, parameters, loader, mut config, streams, .. } = setup;
        config.contrastive_batch = contrastive_batch;
        find_batch_size(objective, &parameters, &loader, &config, streams)
    };
    if !cfg!(target_os = "linux") {
        assert!(matches!(find(None), Err(Error::UnknownMemory)));
        return;
    }
    // So small a model leaves room for all twenty records, and for all of a contrastive batch.
    let sizes = find(None).unwrap();
    let plain = sizes.plain.unwrap();
    assert_eq!((plain.batch_size, plain.contrastive_batch, sizes.cached), (20, None, None));
    assert!(sizes.usable < sizes.available && plain.memory.total() < sizes.usable);
    let step = sizes.measured.unwrap();
    assert!(step.records == MEASURED_BATCH && step.expected < plain.memory.total(), "{step:?}");
    let cached = find(Some(12)).unwrap().cached.unwrap();
    assert_eq!((cached.batch_size, cached.contrastive_batch), (12, Some(12)));
}

/// Contrasts 4096 recordings of 12 × 1000 with the atto encoder, 64 at a time. The peak is the process's, so this test must
/// be alone in it: `cargo test -p einthoven-train --test run -- --ignored --exact memory::a_contrastive_batch_of_4096`.
#[test]
#[ignore = "takes minutes, and measures the whole process"]
fn a_contrastive_batch_of_4096() {
    let folder = tempfile::tempdir().unwrap();
    let mut variant = Variant { encoder: Encoder::Atto, width: 256, records: 4096, seconds: 10, ..Variant::default() };
    variant.train = TrainConfig {
        steps: Some(2),
        batch_size: 64,
        contrastive_batch: Some(4096),
        threads: Some(2),
        ..variant.train
    };
    Trainer::new(variant.setup(RunFolder::create(folder.path()).unwrap())).unwrap().run().unwrap();
    let log = metrics_log::read(&folder.path().join("metrics.jsonl")).unwrap();
    for entry in &log {
        println!("{:?}", entry.values);
    }
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim();
    println!("VmHWM {peak}");
    let kibibytes: u64 = peak.strip_suffix("kB").unwrap().trim().parse().unwrap();
    assert!(kibibytes < 4 << 20, "{peak}");
}

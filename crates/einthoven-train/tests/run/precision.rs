//! Steps whose matrix products are in bf16.

use std::process::Command;

use crate::resume::check;
use crate::support::{Encoder, Variant};
use crate::training::{train, training_entries, value};
use einthoven_nn::{MatmulPrecision, matmul_precision, set_matmul_precision};
use einthoven_train::TrainConfig;
use einthoven_train::config::CheckpointConfig;

/// In the environment of the process that is all the test's own.
const OWN: &str = "EINTHOVEN_TEST_OWN_PROCESS";

/// The precision is set for the whole process, in which other tests run beside this one.
#[test]
fn bf16_learns_and_is_resumed_exactly() {
    if std::env::var_os(OWN).is_some() {
        return in_own_process();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "precision::bf16_learns_and_is_resumed_exactly", "--nocapture"]);
    let output = command.env(OWN, "1").output().unwrap();
    let printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    println!("{printed}");
    assert!(output.status.success() && printed.contains("1 passed"));
}

fn in_own_process() {
    let with = |precision, variant: Variant| Variant { train: TrainConfig { precision, ..variant.train }, ..variant };
    let mut wide = Variant { width: 32, records: 8, ..Variant::default() };
    wide.train = TrainConfig { steps: Some(60), batch_size: 8, learning_rate: 2e-3, ..wide.train };
    if let Err(error) = set_matmul_precision(MatmulPrecision::Bf16) {
        println!("skipped: {error}");
        let folder = tempfile::tempdir().unwrap();
        let setup = with(MatmulPrecision::Bf16, wide).setup(einthoven_train::RunFolder::create(folder.path()).unwrap());
        let message = einthoven_train::Trainer::new(setup).err().unwrap().to_string();
        assert!(message.starts_with("train.precision: ") && message.ends_with("choose f32"), "{message}");
        return;
    }
    set_matmul_precision(MatmulPrecision::F32).unwrap();

    let losses = |precision| -> Vec<f64> {
        let (_, log, _) = train(&with(precision, wide.clone()));
        training_entries(&log).into_iter().map(|entry| value(entry, "loss")).collect()
    };
    let [exact, rounded] = [MatmulPrecision::F32, MatmulPrecision::Bf16].map(losses);
    assert_eq!(matmul_precision(), MatmulPrecision::F32, "after a run");
    assert_ne!(exact, rounded);
    println!("{exact:?}\n{rounded:?}");
    let first = exact[0];
    assert!(exact[59] < 0.5 * first, "{exact:?}");
    for (exact, rounded) in exact.iter().zip(&rounded) {
        assert!((exact - rounded).abs() < 0.005 * first, "{rounded} where f32 has {exact}, at first {first}");
    }

    let mut atto = Variant { encoder: Encoder::Atto, width: 64, dropout: 0.1, ..Variant::default() };
    let checkpoint = CheckpointConfig { every: Some(2), keep: 1, best: None };
    atto.train = TrainConfig { steps: Some(4), validate_every: Some(1), checkpoint, ..atto.train };
    check(&with(MatmulPrecision::Bf16, atto), &[3]);
}

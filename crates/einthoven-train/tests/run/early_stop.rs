//! A run ends when its validation improves no more, whether it was disturbed before or not.

use std::collections::BTreeMap;

use crate::support::{Variant, files, timeless_log};
use einthoven_models::Esi;
use einthoven_train::config::CheckpointConfig;
use einthoven_train::{Error, RunFolder, Summary, TrainConfig, Trainer, Validator};

/// Gives the value of the step, as if it had judged.
struct Script {
    values: &'static [f64],
    dies_at: u64,
}

impl Validator for Script {
    fn validate(
        &mut self,
        _: &Esi,
        step: u64,
    ) -> Result<BTreeMap<String, f64>, Box<dyn std::error::Error + Send + Sync>> {
        if step == self.dies_at {
            return Err("killed".into());
        }
        Ok([("auroc".to_owned(), self.values[step as usize / 2 - 1])].into())
    }
}

/// Validates every second step of twelve, and saves after every third.
fn run(folder: RunFolder, values: &'static [f64], stop_after: u64, dies_at: u64) -> Result<Summary, Error> {
    let mut variant = Variant::default();
    variant.train = TrainConfig {
        steps: Some(12),
        validate_every: Some(2),
        stop_after: Some(stop_after),
        checkpoint: CheckpointConfig { every: Some(3), keep: 1, best: Some("auroc".to_owned()) },
        ..variant.train
    };
    let mut setup = variant.setup(folder);
    setup.validator = Some(Box::new(Script { values, dies_at }));
    Trainer::new(setup)?.run()
}

#[test]
fn a_run_ends_after_so_many_validations_without_a_better_one() {
    for (values, stop_after, end, best) in [
        (&[0.5, 0.7, 0.6, 0.7, 0.9, 0.9][..], 2, 8, Some(4)),
        (&[0.5, 0.7, 0.6, 0.7, 0.9, 0.9][..], 3, 12, Some(10)),
        (&[0.5, 0.4, 0.9, 0.8, 0.7, 0.6][..], 1, 4, Some(2)),
        (&[f64::NAN; 6][..], 3, 6, None),
        // Without a better one at the very end, it is at its end.
        (&[0.1, 0.2, 0.3, 0.4, 0.5, 0.0][..], 1, 12, Some(10)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let summary = run(RunFolder::create(folder.path()).unwrap(), values, stop_after, 0).unwrap();
        assert_eq!((summary.step, summary.stopped_early), (end, end < 12), "{values:?}");
        assert!(!summary.interrupted);
        assert_eq!(summary.best.map(|best| best.step), best);
        assert!(summary.checkpoint.unwrap().ends_with(format!("step-{end:08}")));
    }
}

#[test]
fn a_resumed_run_ends_at_the_same_step() {
    const VALUES: &[f64] = &[0.5, 0.7, 0.6, 0.7, 0.9, 0.9];
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let end = |name: &str| {
        let run = RunFolder::resume(&at(name)).unwrap();
        (files(&run.last_path().unwrap()), timeless_log(&run.metrics_path()))
    };
    let whole = run(RunFolder::create(&at("whole")).unwrap(), VALUES, 2, 0).unwrap();
    let expected = end("whole");
    for dies_at in [4, 6, 8] {
        let name = format!("killed-{dies_at}");
        run(RunFolder::create(&at(&name)).unwrap(), VALUES, 2, dies_at).unwrap_err();
        let resumed = run(RunFolder::resume(&at(&name)).unwrap(), VALUES, 2, 0).unwrap();
        assert_eq!((resumed.step, resumed.best), (whole.step, whole.best.clone()));
        assert!(end(&name) == expected, "killed in step {dies_at}");
    }
    // Resumed after its end, it stays there.
    let again = run(RunFolder::resume(&at("whole")).unwrap(), VALUES, 2, 0).unwrap();
    assert_eq!((again.step, again.stopped_early), (8, true));
    assert!(end("whole") == expected);
}

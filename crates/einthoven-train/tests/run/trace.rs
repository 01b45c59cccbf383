//! The profile of chosen steps.

use std::fs;

use crate::support::Variant;
use einthoven_train::config::TraceConfig;
use einthoven_train::{RunFolder, TrainConfig, Trainer};
use serde_json::Value;

/// The complete events of the trace of a run of 4 steps: step, name, beginning and end in nanoseconds.
fn trace(config: TraceConfig, accumulate: usize) -> Vec<(u64, String, u64, u64)> {
    let folder = tempfile::tempdir().unwrap();
    let mut variant = Variant::default();
    variant.train = TrainConfig { steps: Some(4), accumulate, trace: Some(config), ..variant.train };
    let run = RunFolder::create(folder.path()).unwrap();
    let path = run.trace_path();
    Trainer::new(variant.setup(run)).unwrap().run().unwrap();
    let trace: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let complete = events.iter().filter(|event| event["ph"] == "X").map(|event| {
        assert_eq!((&event["pid"], &event["tid"]), (&1.into(), &1.into()));
        let nanoseconds = |name: &str| (1e3 * event[name].as_f64().unwrap()).round() as u64;
        let (start, duration) = (nanoseconds("ts"), nanoseconds("dur"));
        let name = event["name"].as_str().unwrap().to_owned();
        (event["args"]["step"].as_u64().unwrap(), name, start, start + duration)
    });
    complete.collect()
}

#[test]
fn the_phases_of_the_chosen_steps_follow_each_other_within_their_step() {
    let events = trace(TraceConfig { first: 2, steps: 2 }, 2);
    // Two batches, then their gradients are averaged.
    let batch = ["data", "forward", "backward"];
    let expected = [&batch[..], &batch, &["backward", "optimizer", "step"]].concat();
    assert_eq!(events.len(), 2 * expected.len());
    let mut last_end = 0;
    for (step, events) in [2, 3].into_iter().zip(events.chunks(expected.len())) {
        let names: Vec<&str> = events.iter().map(|event| event.1.as_str()).collect();
        assert_eq!(names, expected);
        assert!(events.iter().all(|event| event.0 == step));
        let (phases, &[(_, _, start, end)]) = events.split_at(events.len() - 1) else { panic!("{events:?}") };
        assert!(last_end <= start && start <= phases[0].2);
        for &(_, ref name, from, to) in phases {
            assert!(last_end <= from && from <= to, "{name}");
            last_end = to;
        }
        assert!(last_end <= end);
    }
}

#[test]
fn a_trace_that_outlasts_the_run_ends_with_it() {
    let events = trace(TraceConfig { first: 4, steps: 9 }, 1);
    let names: Vec<&str> = events.iter().map(|event| event.1.as_str()).collect();
    assert_eq!(names, ["data", "forward", "backward", "optimizer", "step"]);
}

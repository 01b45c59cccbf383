//! Bootstrap intervals: what they are of, that they repeat, that they cover.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Instant;

use einthoven_eval::bootstrap::{BootstrapConfig, Estimated, estimate, percentile_interval};
use einthoven_eval::metrics::Ranking;
use einthoven_random::Streams;
use rand::RngExt;

/// Rankings of `classes` whose positives (one in `rarity`) score higher by `shift`.
fn rankings(seed: u64, records: usize, classes: u64, rarity: u32, shift: f64) -> Vec<Ranking> {
    (0..classes)
        .map(|class| {
            let mut stream = Streams::new(seed).stream("rankings", &[class]);
            let targets: Vec<bool> = (0..records).map(|_| stream.random_range(0..rarity) == 0).collect();
            let scores: Vec<f64> =
                targets.iter().map(|&target| stream.random::<f64>() + if target { shift } else { 0.0 }).collect();
            Ranking::new(&targets, &scores).unwrap()
        })
        .collect()
}

fn with_threads(threads: usize, rankings: &[Ranking]) -> Estimated {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(|| estimate(rankings, &BootstrapConfig::default(), &Streams::new(7)).unwrap())
}

#[test]
fn intervals_are_the_same_at_any_thread_count_and_differ_by_seed() {
    let rankings = rankings(1, 300, 4, 6, 0.3);
    let one = with_threads(1, &rankings);
    assert_eq!(one, with_threads(2, &rankings));
    assert_eq!(one, with_threads(5, &rankings));
    let other = estimate(&rankings, &BootstrapConfig::default(), &Streams::new(8)).unwrap();
    assert_ne!(one, other);
}

#[test]
fn a_resample_counts_a_record_as_often_as_it_is_drawn() {
    let targets = [true, false, true, false, false, true];
    let scores = [0.9, 0.8, 0.8, 0.1, 0.5, 0.3];
    let times = [2u32, 0, 1, 3, 1, 1];
    let repeated = |values: &dyn Fn(usize) -> f64| -> Vec<f64> {
        (0..6).flat_map(|i| std::iter::repeat_n(values(i), times[i] as usize)).collect()
    };
    let repeated_targets: Vec<bool> = repeated(&|i| f64::from(u8::from(targets[i]))).iter().map(|&t| t > 0.0).collect();
    let written_out = Ranking::new(&repeated_targets, &repeated(&|i| scores[i])).unwrap();
    let resampled = Ranking::new(&targets, &scores).unwrap().metrics_resampled(&times).unwrap();
    assert_eq!(resampled, written_out.metrics());
}

#[test]
fn a_rare_class_is_skipped_where_a_resample_lacks_it_and_counted() {
    let scores: Vec<f64> = (0..100).map(f64::from).collect();
    let rare: Vec<bool> = (0..100).map(|record| record == 80).collect();
    let common: Vec<bool> = (0..100).map(|record| record % 2 == 0).collect();
    let never = vec![false; 100];
    let rankings: Vec<Ranking> = [rare, common, never].iter().map(|t| Ranking::new(t, &scores).unwrap()).collect();
    let found = estimate(&rankings, &BootstrapConfig::default(), &Streams::new(3)).unwrap();
    // A record is missing from a resample of 100 with probability 0.366.
    let skipped = found.classes[0].auroc.interval.unwrap().skipped;
    assert!((310..420).contains(&skipped), "{skipped}");
    assert_eq!(found.classes[1].auroc.interval.unwrap().skipped, 0);
    assert_eq!(found.classes[2].auroc.value, None);
    assert_eq!(found.classes[2].auroc.interval, None);
    assert_eq!(found.r#macro.auroc.interval.unwrap().skipped, 0);
    let mean = (found.classes[0].auroc.value.unwrap() + found.classes[1].auroc.value.unwrap()) / 2.0;
    assert_eq!(found.r#macro.auroc.value, Some(mean));
}

#[test]
fn percentiles_interpolate_between_order_statistics() {
    let values = (0..=100).rev().map(|value| Some(f64::from(value)));
    let interval = percentile_interval(values.chain([None]), 0.95).unwrap();
    assert!((interval.low - 2.5).abs() < 1e-9 && (interval.high - 97.5).abs() < 1e-9);
    assert_eq!(interval.skipped, 1);
    assert!(percentile_interval([None, None], 0.95).is_none());
}

#[test]
fn intervals_cover_the_true_value_about_as_often_as_they_say() {
    // Positives are uniform on [0.3, 1.3], negatives on [0, 1]: the true AUROC is 1 − 0.7² / 2.
    let truth = 1.0 - 0.7f64.powi(2) / 2.0;
    let config = BootstrapConfig { resamples: 400, level: 0.95 };
    let trials = 200;
    let covered = (0..trials)
        .filter(|&trial| {
            let found = estimate(&rankings(100 + trial, 200, 1, 3, 0.3), &config, &Streams::new(trial));
            let interval = found.unwrap().classes[0].auroc.interval.unwrap();
            (interval.low..=interval.high).contains(&truth)
        })
        .count();
    assert!((180..=199).contains(&covered), "{covered} of {trials}");
}

#[test]
fn a_thousand_resamples_of_five_classes_and_two_thousand_records_take_no_time_to_speak_of() {
    let rankings = rankings(2, 2000, 5, 8, 0.2);
    let start = Instant::now();
    estimate(&rankings, &BootstrapConfig::default(), &Streams::new(1)).unwrap();
    println!("{:?}", start.elapsed());
    assert!(start.elapsed().as_secs() < 5);
}

#[test]
fn an_impossible_level_is_refused() {
    let config = BootstrapConfig { resamples: 10, level: 95.0 };
    let error = estimate(&rankings(1, 10, 1, 2, 0.0), &config, &Streams::new(1)).unwrap_err();
    assert_eq!(error.to_string(), "an interval's level must lie between 0 and 1, found 95");
}

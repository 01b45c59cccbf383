//! Bootstrap intervals: what they are of, that they repeat, that they cover.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Instant;

use einthoven_eval::bootstrap::{BootstrapConfig, Estimated, Scored, estimate, percentile_interval};
use einthoven_eval::metrics::Ranking;
use einthoven_random::Streams;
use rand::RngExt;

/// One run of scores that only rank.
fn one_run(ranking: Ranking) -> Vec<Scored> {
    vec![ranking.into()]
}

/// Rankings of `classes` whose positives (one in `rarity`) score higher by `shift`.
fn rankings(seed: u64, records: usize, classes: u64, rarity: u32, shift: f64) -> Vec<Vec<Scored>> {
    (0..classes)
        .map(|class| {
            let mut stream = Streams::new(seed).stream("rankings", &[class]);
            let targets: Vec<bool> = (0..records).map(|_| stream.random_range(0..rarity) == 0).collect();
            let scores: Vec<f64> =
                targets.iter().map(|&target| stream.random::<f64>() + if target { shift } else { 0.0 }).collect();
            one_run(Ranking::new(&targets, &scores).unwrap())
        })
        .collect()
}

fn with_threads(threads: usize, rankings: &[Vec<Scored>]) -> Estimated {
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
fn a_rare_class_keeps_its_positives_and_one_without_records_of_its_own_is_skipped_and_counted() {
    let scores: Vec<f64> = (0..100).map(f64::from).collect();
    let class = |has: &dyn Fn(usize) -> bool| {
        let targets: Vec<bool> = (0..100).map(has).collect();
        one_run(Ranking::new(&targets, &scores).unwrap())
    };
    let rare = class(&|record| record == 80);
    let never = class(&|_| false);
    let pairs: Vec<Vec<Scored>> = [0, 2, 4].map(|first| class(&|record| record == first || record == first + 1)).into();
    // Each of its records has a rarer class, too.
    let shared = class(&|record| [0, 2, 4].contains(&record));
    let classes = [vec![rare, shared, never], pairs].concat();
    let found = estimate(&classes, &BootstrapConfig::default(), &Streams::new(3)).unwrap();
    let skipped = |class: usize| found.classes[class].auroc.interval.map(|interval| interval.skipped);
    assert_eq!((skipped(0), skipped(2), skipped(3)), (Some(0), None, Some(0)));
    // A pair is drawn without its first record with probability 1/4, all three so with 1/64: 15.6 of 1000, with a deviation of 3.9.
    assert!((1..=31).contains(&skipped(1).unwrap()), "{:?}", skipped(1));
    assert_eq!(found.classes[2].auroc.value, None);
    assert_eq!(found.r#macro.auroc.interval.unwrap().skipped, 0);
    let values: Vec<f64> = found.classes.iter().filter_map(|class| class.auroc.value).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    assert!((found.r#macro.auroc.value.unwrap() - mean).abs() < 1e-15);
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

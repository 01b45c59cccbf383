//! Metrics, DeLong variances and resampled intervals against scikit-learn and the definitions written out in Python
//! (`scripts/metrics-fixture.py`), on random cases with ties, rare classes and columns of a single class.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use einthoven_eval::Error;
use einthoven_eval::bootstrap::{BootstrapConfig, estimate_stratified, percentile_interval};
use einthoven_eval::metrics::{
    Calibration, RankMetrics, Ranking, auroc, average_precision, brier, delong, delong_difference, f1_max,
};
use einthoven_random::Streams;
use serde_json::Value;

/// What another order of the same additions may change.
const TOLERANCE: f64 = 1e-9;

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/metrics.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

fn targets(value: &Value) -> Vec<bool> {
    numbers(value).iter().map(|&value| value > 0.5).collect()
}

fn close(place: &str, found: Option<f64>, expected: Option<f64>) {
    let equal = match (found, expected) {
        (Some(found), Some(expected)) => (found - expected).abs() <= TOLERANCE,
        (found, expected) => found == expected,
    };
    assert!(equal, "{place}: found {found:?}, expected {expected:?}");
}

#[test]
fn every_metric_equals_the_independent_one() {
    let fixture = fixture();
    for case in fixture["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let (targets, first, second) = (targets(&case["targets"]), numbers(&case["first"]), numbers(&case["second"]));
        let check =
            |metric: &str, found, expected: &Value| close(&format!("{name}: {metric}"), found, expected.as_f64());

        let ranking = &case["ranking"];
        check("AUROC", auroc(&targets, &first).unwrap(), &ranking["auroc"]);
        check("AUPRC", average_precision(&targets, &first).unwrap(), &ranking["average_precision"]);
        check("F1 max", f1_max(&targets, &first).unwrap().map(|best| best.value), &ranking["f1_max"]);
        check("Brier", brier(&targets, &first).unwrap(), &case["brier"]);

        let calibration = Calibration::new(&targets, &first, fixture["bins"].as_u64().unwrap() as usize).unwrap();
        let calibration = calibration.unwrap();
        check("ECE", Some(calibration.expected_error), &case["calibration"]["expected_error"]);
        check("MCE", Some(calibration.maximum_error), &case["calibration"]["maximum_error"]);
        assert_eq!(calibration.bins.iter().map(|bin| bin.records).sum::<usize>(), targets.len());

        let (alone, pair) = (delong(&targets, &first).unwrap(), delong_difference(&targets, &first, &second).unwrap());
        let expected = &case["delong"];
        assert_eq!(alone.is_none(), expected.is_null(), "{name}: DeLong");
        if let (Some(alone), Some(pair)) = (alone, pair) {
            check("DeLong AUROC", Some(alone.auroc), &expected["auroc"]);
            check("DeLong variance", Some(alone.variance), &expected["variance"]);
            check("difference", Some(pair.difference), &expected["difference"]);
            check("variance of the difference", Some(pair.variance), &expected["difference_variance"]);
            check("z", pair.z, &expected["z"]);
            check("p", pair.p, &expected["p"]);
        }
    }
}

#[test]
fn intervals_of_given_resamples_equal_the_independent_ones() {
    let case = &fixture()["bootstrap"];
    let (targets, scores) = (targets(&case["targets"]), numbers(&case["scores"]));
    let ranking = Ranking::new(&targets, &scores).unwrap();
    let draws: Vec<Vec<usize>> = serde_json::from_value(case["draws"].clone()).unwrap();
    let resamples: Vec<RankMetrics> = draws
        .iter()
        .map(|draw| {
            let mut times = vec![0; targets.len()];
            draw.iter().for_each(|&record| times[record] += 1);
            ranking.metrics_resampled(&times).unwrap()
        })
        .collect();
    let level = case["level"].as_f64().unwrap();
    let auroc = |metrics: &RankMetrics| metrics.auroc;
    let average_precision = |metrics: &RankMetrics| metrics.average_precision;
    let f1_max = |metrics: &RankMetrics| metrics.f1_max;
    let values = |metric: &dyn Fn(&RankMetrics) -> Option<f64>| resamples.iter().map(metric).collect::<Vec<_>>();
    for (name, values) in
        [("auroc", values(&auroc)), ("average_precision", values(&average_precision)), ("f1_max", values(&f1_max))]
    {
        let interval = percentile_interval(values, level).unwrap();
        let expected = numbers(&case["intervals"][name]);
        close(name, Some(interval.low), Some(expected[0]));
        close(name, Some(interval.high), Some(expected[1]));
    }
}

#[test]
fn a_stratified_bootstrap_never_lacks_a_class_and_agrees_with_delong() {
    let fixture = fixture();
    let rare = fixture["cases"].as_array().unwrap().iter().find(|case| case["name"] == "rare positives").unwrap();
    let (targets, scores) = (targets(&rare["targets"]), numbers(&rare["first"]));
    let ranking = Ranking::new(&targets, &scores).unwrap();
    let config = BootstrapConfig { resamples: 4000, level: 0.95 };
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| estimate_stratified(&ranking, &config, &Streams::new(3)).unwrap())
    };
    let estimates = run(1);
    assert_eq!(estimates, run(3));
    let interval = estimates.auroc.interval.unwrap();
    assert_eq!(interval.skipped, 0);

    let smooth = &fixture["cases"][0];
    let (targets, scores) = (self::targets(&smooth["targets"]), numbers(&smooth["first"]));
    let ranking = Ranking::new(&targets, &scores).unwrap();
    let interval = estimate_stratified(&ranking, &config, &Streams::new(3)).unwrap().auroc.interval.unwrap();
    let width = 2.0 * 1.959_964 * delong(&targets, &scores).unwrap().unwrap().variance.sqrt();
    let ratio = (interval.high - interval.low) / width;
    assert!((0.9..1.1).contains(&ratio), "bootstrap interval / DeLong interval = {ratio}");
}

#[test]
fn what_is_no_score_or_probability_is_refused() {
    let nan = [0.1, f64::NAN, 0.3, 0.4];
    let targets = [true, false, true, false];
    assert!(matches!(delong(&targets, &nan), Err(Error::NotANumber { .. })));
    assert!(matches!(delong_difference(&targets, &[0.1; 4], &nan), Err(Error::NotANumber { .. })));
    assert!(matches!(Calibration::new(&targets, &nan, 10), Err(Error::NotANumber { .. })));
    assert!(matches!(brier(&targets, &[0.1, 0.2]), Err(Error::Length { .. })));
    let error = brier(&targets, &[0.1, 0.2, 1.5, 0.3]).unwrap_err();
    assert!(error.to_string().starts_with("1.5 of record 2"), "{error}");
    assert!(Calibration::new(&targets, &[0.1, -0.2, 0.5, 0.3], 10).is_err());
    assert_eq!(Calibration::new(&[], &[], 10).unwrap(), None);
    assert_eq!(delong(&[true, false, false], &[0.2, 0.1, 0.3]).unwrap(), None);
    let alike = delong_difference(&targets, &[0.1, 0.2, 0.3, 0.4], &[0.1, 0.2, 0.3, 0.4]).unwrap().unwrap();
    assert_eq!((alike.difference, alike.variance, alike.z, alike.p), (0.0, 0.0, None, None));
}

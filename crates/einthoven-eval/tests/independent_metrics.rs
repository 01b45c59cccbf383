//! Metrics, DeLong variances and resampled intervals against scikit-learn and the definitions written out in Python
//! (`scripts/metrics-fixture.py`), on random cases with ties, rare classes and columns of a single class; metrics of captions,
//! identification and principal components against the packages that `scripts/judging-fixture.py` names.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use einthoven_caption::KnowledgeBase;
use einthoven_eval::bootstrap::{BootstrapConfig, Estimate, Estimates, Scored, estimate, percentile_interval};
use einthoven_eval::captioning::{Captions, agreement, cider_d, concepts, meteor, words};
use einthoven_eval::identification::identify;
use einthoven_eval::map::pca;
use einthoven_eval::metrics::{
    Calibration, RankMetrics, Ranking, auroc, average_precision, brier, delong, delong_difference, f1_max,
};
use einthoven_eval::{Embeddings, Error};
use einthoven_random::Streams;
use serde_json::Value;

/// What another order of the same additions may change.
const TOLERANCE: f64 = 1e-9;

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/metrics.json")).unwrap()
}

fn judging() -> Value {
    serde_json::from_str(include_str!("fixtures/judging.json")).unwrap()
}

fn strings(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap()
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
    let class = [vec![Scored::from(Ranking::new(&targets, &scores).unwrap())]];
    let config = BootstrapConfig { resamples: 4000, level: 0.95 };
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| estimate(&class, &config, &Streams::new(3)).unwrap().classes[0])
    };
    let estimates = run(1);
    assert_eq!(estimates, run(3));
    let interval = estimates.auroc.interval.unwrap();
    assert_eq!(interval.skipped, 0);

    let smooth = &fixture["cases"][0];
    let (targets, scores) = (self::targets(&smooth["targets"]), numbers(&smooth["first"]));
    let class = [vec![Scored::from(Ranking::new(&targets, &scores).unwrap())]];
    let interval = estimate(&class, &config, &Streams::new(3)).unwrap().classes[0].auroc.interval.unwrap();
    let width = 2.0 * 1.959_964 * delong(&targets, &scores).unwrap().unwrap().variance.sqrt();
    let ratio = (interval.high - interval.low) / width;
    assert!((0.9..1.1).contains(&ratio), "bootstrap interval / DeLong interval = {ratio}");
}

#[test]
fn intervals_of_several_classes_and_their_mean_agree_with_numpys() {
    let case = &fixture()["classes"];
    let targets: Vec<Vec<bool>> = case["targets"].as_array().unwrap().iter().map(targets).collect();
    let scores: Vec<Vec<f64>> = serde_json::from_value(case["scores"].clone()).unwrap();
    let scored = targets.iter().zip(&scores).map(|(targets, scores)| {
        let squares = targets.iter().zip(scores).map(|(&target, score)| (score - f64::from(u8::from(target))).powi(2));
        vec![Scored { ranking: Ranking::new(targets, scores).unwrap(), squares: squares.collect() }]
    });
    let level = case["level"].as_f64().unwrap();
    let config = BootstrapConfig { resamples: 20_000, level };
    let found = estimate(&scored.collect::<Vec<_>>(), &config, &Streams::new(3)).unwrap();
    let check = |name: &str, found: &Estimates, expected: &Value| {
        let metrics = [("auroc", found.auroc), ("average_precision", found.auprc), ("f1_max", found.f1_max)];
        for (metric, estimate) in metrics.into_iter().chain([("brier", found.brier.unwrap())]) {
            let [value, low, high] = numbers(&expected[metric])[..] else { panic!("{name}: {metric}") };
            close(&format!("{name}: {metric}"), estimate.value, Some(value));
            let interval = estimate.interval.unwrap();
            // Both ends are of 20,000 draws: known to about a fiftieth of a standard deviation, which is a quarter of the width. F1-max
            // of few positives moves in steps of up to a tenth of one: there they may be a step apart.
            let steps = if metric == "f1_max" { 2.0 } else { 1.0 };
            let tolerance = (high - low) / 4.0 * 0.1 * steps;
            let off = f64::max((interval.low - low).abs(), (interval.high - high).abs());
            assert!(off < tolerance, "{name}: {metric}: {interval:?}, expected {low} to {high}");
            assert_eq!(interval.skipped, 0, "{name}: {metric}");
        }
    };
    for (class, found) in found.classes.iter().enumerate() {
        check(&format!("class {class}"), found, &case["classes"][class]);
    }
    check("mean", &found.r#macro, &case["mean"]);
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

#[test]
fn metrics_of_captions_equal_the_independent_ones() {
    let base = KnowledgeBase::built_in().unwrap();
    let all = |values: &[f64], expected: &Value, metric: &str| {
        let expected = numbers(expected);
        assert_eq!(values.len(), expected.len());
        for (record, (found, expected)) in values.iter().zip(expected).enumerate() {
            close(&format!("{metric} of record {record}"), Some(*found), Some(expected));
        }
    };
    for case in judging()["captioning"].as_array().unwrap() {
        let generated = strings(&case["generated"]);
        let references: Vec<Vec<String>> = case["references"].as_array().unwrap().iter().map(strings).collect();
        let captions = Captions::new(&generated, &references, &base).unwrap();
        let config = BootstrapConfig { resamples: 200, ..BootstrapConfig::default() };
        let result = captions.judge(&config, &Streams::new(1)).unwrap();
        let scores = captions.scores();
        close("BLEU-4", result.bleu_4.value, case["bleu_4"].as_f64());
        all(&scores.iter().map(|scores| scores.rouge_l).collect::<Vec<_>>(), &case["rouge_l"], "ROUGE-L");
        all(&scores.iter().map(|scores| scores.cider_d).collect::<Vec<_>>(), &case["cider_d"], "CIDEr-D");

        let split = |text: &String| words(text);
        let pairs = generated.iter().zip(&references);
        let plain = pairs.map(|(text, others)| meteor(&split(text), &others.iter().map(split).collect::<Vec<_>>()));
        all(&plain.collect::<Vec<_>>(), &case["meteor"], "METEOR without synonyms");
        // Names of concepts are spelt out, so that no word is lost by another way to say it.
        assert!(
            result.meteor.value.unwrap()
                >= numbers(&case["meteor"]).iter().sum::<f64>() / generated.len() as f64 - 0.02
        );
        for Estimate { value, interval } in [result.bleu_4, result.rouge_l, result.cider_d, result.concept_f1_micro] {
            let (value, interval) = (value.unwrap(), interval.unwrap());
            assert!(interval.low < value && value < interval.high, "{value} {interval:?}");
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        assert_eq!(pool.install(|| captions.judge(&config, &Streams::new(1)).unwrap()), result);
    }
    let (one, none) = (vec![words("sinus rhythm with a block")], vec![vec![words("sinus rhythm with a block")]]);
    assert_eq!(cider_d(&one, &none), [0.0]);
}

#[test]
fn agreement_on_concepts_equals_the_independent_one() {
    let case = &judging()["concepts"];
    let sets = |value: &Value| -> Vec<BTreeSet<String>> {
        let rows: Vec<Vec<usize>> = serde_json::from_value(value.clone()).unwrap();
        rows.iter().map(|row| row.iter().map(usize::to_string).collect()).collect()
    };
    let (named, expected) = (sets(&case["named"]), sets(&case["expected"]));
    let found = agreement(&named, &expected, &vec![1; named.len()]).unwrap();
    for (name, found) in [
        ("micro_precision", found.micro.precision),
        ("micro_recall", found.micro.recall),
        ("micro_f1", found.micro.f1),
        ("macro_f1", found.macro_f1),
    ] {
        close(name, Some(found), case[name].as_f64());
    }
    // A record counted twice is a record that is there twice.
    let mut times = vec![1; named.len()];
    times[3] = 2;
    let again = |sets: &[BTreeSet<String>]| [sets, &sets[3..4]].concat();
    let twice = agreement(&again(&named), &again(&expected), &vec![1; named.len() + 1]);
    assert_eq!(agreement(&named, &expected, &times), twice);
    assert_eq!(agreement(&[], &[], &[]), None);
}

#[test]
fn concepts_are_those_that_a_text_affirms() {
    let base = KnowledgeBase::built_in().unwrap();
    let found = |text| concepts(&base, text).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(
        found("Atrial fibrillation. No ST elevation of 2.5 mm; left axis deviation"),
        "atrial-fibrillation left-axis-deviation"
    );
    assert_eq!(found("AF"), "atrial-fibrillation");
    assert_eq!(found("no atrial fibrillation"), "");
    assert_eq!(found("Sinus rhythm\npossible inferior infarct"), "inferior-myocardial-infarction sinus-rhythm");
    assert_eq!(found(""), "");

    let judge = |generated: &str, reference: &str| {
        let captions = Captions::new(&[generated.to_owned()], &[vec![reference.to_owned()]], &base).unwrap();
        let config = BootstrapConfig { resamples: 0, ..BootstrapConfig::default() };
        captions.judge(&config, &Streams::new(1)).unwrap()
    };
    let denied = judge("no atrial fibrillation", "atrial fibrillation");
    assert_eq!((denied.concept_f1_micro.value, denied.concept_recall.value), (Some(0.0), Some(0.0)));
    let synonym = judge("AF with LBBB", "atrial fibrillation with left bundle branch block");
    assert_eq!(synonym.concept_f1_micro.value, Some(1.0));
    let (meteor, rouge) = (synonym.meteor.value.unwrap(), synonym.rouge_l.value.unwrap());
    assert!(meteor > 0.6 && rouge < 0.4, "{meteor} {rouge}");
    assert!(matches!(Captions::new(&["a".into()], &[vec![]], &base), Err(Error::NoReference { record: 0 })));
    assert!(matches!(Captions::new(&["a".into()], &[], &base), Err(Error::Length { .. })));
}

#[test]
fn identification_equals_the_independent_one() {
    for case in judging()["identification"].as_array().unwrap() {
        let rows: Vec<Vec<f64>> = serde_json::from_value(case["rows"].clone()).unwrap();
        let data = rows.concat().into_iter().map(|value| value as f32).collect();
        let embeddings = Embeddings::new(rows.len(), rows[0].len(), data).unwrap();
        let patients: Vec<String> = numbers(&case["patients"]).iter().map(f64::to_string).collect();
        let config = BootstrapConfig { resamples: 300, ..BootstrapConfig::default() };
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| identify(&embeddings, &patients, &config, &Streams::new(5)).unwrap())
        };
        let result = run(1);
        assert_eq!(run(3), result);
        assert_eq!(Some(result.probes as u64), case["probes"].as_u64());
        close("rank-1", result.rank_1.value, case["rank_1"].as_f64());
        close("rank-5", result.rank_5.value, case["rank_5"].as_f64());
        close("equal error rate", result.equal_error_rate.value, case["equal_error_rate"].as_f64());
        let (rate, interval) = (result.equal_error_rate.value.unwrap(), result.equal_error_rate.interval.unwrap());
        assert!(interval.low < rate && rate < interval.high && interval.skipped == 0);
    }
    let patients = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let judge = |data: Vec<f32>, names: &[&str]| {
        let embeddings = Embeddings::new(names.len(), 2, data).unwrap();
        identify(&embeddings, &patients(names), &BootstrapConfig::default(), &Streams::new(1))
    };
    // Everything alike: nobody is recognised, and the errors are chance.
    let alike = judge([1.0, 0.0].repeat(6), &["a", "b", "a", "b", "c", "c"]).unwrap();
    assert_eq!((alike.rank_1.value, alike.equal_error_rate.value), (Some(0.0), Some(0.5)));
    assert_eq!((alike.gallery, alike.probes, alike.probed_patients), (3, 3, 3));
    let perfect = judge(vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0], &["a", "b", "a", "b"]).unwrap();
    assert_eq!((perfect.rank_1.value, perfect.equal_error_rate.value), (Some(1.0), Some(0.0)));
    assert!(matches!(judge(vec![1.0; 4], &["a", "b"]), Err(Error::NoProbe { recordings: 2, patients: 2 })));
    assert!(matches!(judge(vec![1.0; 4], &["a", "a"]), Err(Error::NoProbe { recordings: 2, patients: 1 })));
    assert!(matches!(judge(vec![f32::NAN; 6], &["a", "a", "b"]), Err(Error::NotANumber { .. })));
}

#[test]
fn principal_components_equal_the_independent_ones() {
    let case = &judging()["components"];
    let values: Vec<Vec<f64>> = serde_json::from_value(case["values"].clone()).unwrap();
    let scores: Vec<Vec<f64>> = serde_json::from_value(case["scores"].clone()).unwrap();
    let found = pca(&values.concat(), values[0].len(), 3);
    for (place, (found, expected)) in found.scores.iter().zip(scores.concat()).enumerate() {
        close(&format!("score {place}"), Some(*found), Some(expected));
    }
    for (found, expected) in found.variances.iter().zip(numbers(&case["variances"])) {
        close("variance", Some(*found), Some(expected));
    }
    close("explained", Some(found.explained), case["explained"].as_f64());
    assert_eq!((pca(&[1.0; 6], 2, 50).count, pca(&[1.0; 6], 2, 50).explained, pca(&[], 3, 2).count), (2, 1.0, 0));
}

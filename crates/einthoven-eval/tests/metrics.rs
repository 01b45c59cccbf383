//! Metrics on inputs small enough to work out by hand, and on bad ones.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use einthoven_eval::Error;
use einthoven_eval::metrics::retrieval::{Ties, rank};
use einthoven_eval::metrics::{
    Ranking, RocCurve, ScoreTable, auroc, average_precision, brier, f1_max, macro_average, weighted_average,
};

const TARGETS: [bool; 4] = [false, false, true, true];
const SCORES: [f64; 4] = [0.1, 0.4, 0.35, 0.8];

#[test]
fn the_textbook_example() {
    assert_eq!(auroc(&TARGETS, &SCORES).unwrap(), Some(0.75));
    let expected = 0.5 * 1.0 + 0.5 * (2.0 / 3.0);
    assert!((average_precision(&TARGETS, &SCORES).unwrap().unwrap() - expected).abs() < 1e-15);
    let best = f1_max(&TARGETS, &SCORES).unwrap().unwrap();
    assert_eq!((best.value, best.threshold), (0.8, 0.35));
}

#[test]
fn curves_start_and_end_where_they_must() {
    let ranking = Ranking::new(&TARGETS, &SCORES).unwrap();
    let roc = ranking.roc_curve().unwrap();
    assert_eq!(roc.fpr, [0.0, 0.0, 0.5, 0.5, 1.0]);
    assert_eq!(roc.tpr, [0.0, 0.5, 0.5, 1.0, 1.0]);
    assert_eq!(roc.thresholds, [f64::INFINITY, 0.8, 0.4, 0.35, 0.1]);
    let pr = ranking.pr_curve().unwrap();
    assert_eq!(pr.precision, [0.5, 2.0 / 3.0, 0.5, 1.0, 1.0]);
    assert_eq!(pr.recall, [1.0, 1.0, 0.5, 0.5, 0.0]);
    assert_eq!(pr.thresholds, [0.1, 0.35, 0.4, 0.8]);
    let json = serde_json::to_string(&roc).unwrap();
    assert!(json.contains("[null,0.8,"), "{json}");
    assert_eq!(serde_json::from_str::<RocCurve>(&json).unwrap(), roc);
}

#[test]
fn what_is_undefined_is_none() {
    assert_eq!(auroc(&[true, true], &[0.1, 0.2]).unwrap(), None);
    assert_eq!(auroc(&[false, false], &[0.1, 0.2]).unwrap(), None);
    assert_eq!(average_precision(&[false], &[0.1]).unwrap(), None);
    assert_eq!(f1_max(&[false], &[0.1]).unwrap(), None);
    assert_eq!(auroc(&[], &[]).unwrap(), None);
    assert_eq!(brier(&[], &[]).unwrap(), None);
    assert_eq!(Ranking::new(&[true], &[0.1]).unwrap().roc_curve(), None);
    assert_eq!(macro_average([None, Some(0.5), None, Some(0.7)]), Some(0.6));
    assert_eq!(macro_average([None]), None);
    assert_eq!(weighted_average([(Some(1.0), 3.0), (None, 9.0), (Some(0.0), 1.0)]), Some(0.75));
}

#[test]
fn negative_zero_ties_with_zero() {
    assert_eq!(auroc(&[true, false], &[-0.0, 0.0]).unwrap(), Some(0.5));
}

#[test]
fn a_nan_score_is_an_error_that_names_its_place() {
    assert!(matches!(auroc(&[true, false], &[0.1, f64::NAN]), Err(Error::NotANumber { .. })));
    let names = |names: &[&str]| names.iter().map(|&name| name.into()).collect::<Vec<String>>();
    let error =
        ScoreTable::new(names(&["00001", "00002"]), names(&["NORM", "MI"]), vec![0.1, 0.2, 0.3, f64::NAN]).unwrap_err();
    assert!(error.to_string().starts_with("the score of 00002 for MI is not a number"), "{error}");
    assert!(rank(&[0.1, f64::NAN], |item| item == 0, Ties::Average).is_err());
    assert!(auroc(&[true], &[0.1, 0.2]).is_err());
}

#[test]
fn a_model_that_scores_everything_alike_is_not_perfect_when_ties_count_against_it() {
    let alike = [0.5; 4];
    let ranked = |ties| rank(&alike, |item| item == 2, ties).unwrap().unwrap();
    assert_eq!(ranked(Ties::Optimistic), 1.0);
    assert_eq!(ranked(Ties::Average), 2.5);
    assert_eq!(ranked(Ties::Pessimistic), 4.0);
    assert_eq!(rank(&alike, |_| false, Ties::Average).unwrap(), None);
}

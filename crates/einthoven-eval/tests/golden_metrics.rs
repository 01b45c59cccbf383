//! Every metric against scikit-learn, the PTB-XL benchmark and brute-force ranks, over every
//! `metrics*` folder of the golden directory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Golden, close, option, table};
use einthoven_eval::metrics::retrieval::{self, Ties};
use einthoven_eval::metrics::{
    Confusion, Ranking, apply_thresholds, brier, f_g_beta, g_beta_threshold, macro_average, weighted_average,
};
use serde_json::Value;

#[test]
fn multilabel_metrics_equal_the_references() {
    for golden in Golden::folders("metrics") {
        for (name, case) in golden.json["multilabel"].as_object().unwrap() {
            let place = format!("{} {name}", golden.name);
            let targets: Vec<Vec<bool>> =
                table(&case["y_true"]).iter().map(|row| row.iter().map(|&value| value > 0.5).collect()).collect();
            check_multilabel(&place, &targets, &table(&case["y_score"]), &case["expected"]);
        }
    }
}

fn check_multilabel(place: &str, targets: &[Vec<bool>], scores: &[Vec<f64>], expected: &Value) {
    let classes = expected["per_class"].as_array().unwrap();
    let target = |class: usize| -> Vec<bool> { targets.iter().map(|row| row[class]).collect() };
    let score = |class: usize| -> Vec<f64> { scores.iter().map(|row| row[class]).collect() };
    let rankings: Vec<Ranking> = (0..classes.len()).map(|c| Ranking::new(&target(c), &score(c)).unwrap()).collect();

    for (class, expected) in classes.iter().enumerate() {
        let place = format!("{place} class {class}");
        let (target, score, ranking) = (target(class), score(class), &rankings[class]);
        let metrics = ranking.metrics();
        let check = |key: &str, found: Option<f64>| {
            if let Some(expected) = expected.get(key) {
                close(&format!("{place} {key}"), found, option(expected));
            }
        };
        assert_eq!(ranking.positives() as u64, expected["positives"].as_u64().unwrap(), "{place}");
        check("auroc", metrics.auroc);
        check("auprc", metrics.average_precision);
        check("f1_max", metrics.f1_max);
        check("f1_max", ranking.f1_max().map(|best| best.value));
        check("f1_max_threshold", ranking.f1_max().map(|best| best.threshold));
        check("brier", brier(&target, &score).unwrap());
        let at_half = Confusion::at_least(&target, &score, 0.5).unwrap();
        check("f1_at_0.5", at_half.f1());
        check("youden_threshold", ranking.roc_curve().map(|curve| curve.youden_threshold()));
        if let Some(best) = ranking.f1_max() {
            let at_least = Confusion::at_least(&target, &score, best.threshold).unwrap();
            check("accuracy_at_f1_max_ge", at_least.accuracy());
            let above = Confusion::above(&target, &score, best.threshold).unwrap();
            check("accuracy_at_f1_max_gt", above.accuracy());
        }
    }

    let metrics: Vec<_> = rankings.iter().map(Ranking::metrics).collect();
    let check = |key: &str, found: Option<f64>| {
        close(&format!("{place} {key}"), found, option(&expected[key]));
    };
    check("macro_auroc_defined", macro_average(metrics.iter().map(|m| m.auroc)));
    check("macro_auprc_defined", macro_average(metrics.iter().map(|m| m.average_precision)));
    check("macro_f1_max_defined", macro_average(metrics.iter().map(|m| m.f1_max)));
    let weighted = rankings.iter().map(|r| (r.metrics().auroc, r.positives() as f64));
    check("weighted_auroc_defined", weighted_average(weighted));
    let undefined: Vec<usize> = (0..metrics.len()).filter(|&class| metrics[class].auroc.is_none()).collect();
    assert_eq!(serde_json::json!(undefined), expected["undefined_auroc_classes"], "{place}");

    let (all_targets, all_scores) = (targets.concat(), scores.concat());
    let micro = Ranking::new(&all_targets, &all_scores).unwrap().metrics();
    check("micro_auroc", micro.auroc);
    check("micro_auprc", micro.average_precision);
    let micro_f1 = Confusion::at_least(&all_targets, &all_scores, 0.5).unwrap().f1();
    check("micro_f1_at_0.5", micro_f1);
    let f1s = (0..classes.len())
        .map(|class| Confusion::at_least(&target(class), &score(class), 0.5).unwrap().f1())
        .map(|f1| Some(f1.unwrap_or(0.0)));
    check("macro_f1_at_0.5_all_classes_zero_division_0", macro_average(f1s));

    check_benchmark(place, targets, scores, &expected["ptbxl_benchmark"]);
}

fn check_benchmark(place: &str, targets: &[Vec<bool>], scores: &[Vec<f64>], expected: &Value) {
    let used: Vec<usize> = serde_json::from_value(expected["classes_used"].clone()).unwrap();
    let rows: Vec<usize> = (0..targets.len()).filter(|&row| used.iter().any(|&class| targets[row][class])).collect();
    match &expected["rows_used"] {
        Value::String(all) => assert_eq!(all, "all"),
        given => assert_eq!(&serde_json::json!(rows), given, "{place} rows"),
    }
    let targets: Vec<Vec<bool>> =
        rows.iter().map(|&row| used.iter().map(|&class| targets[row][class]).collect()).collect();
    let scores: Vec<Vec<f64>> =
        rows.iter().map(|&row| used.iter().map(|&class| scores[row][class]).collect()).collect();

    let check = |key: &str, thresholds: &[f64]| {
        let decisions = apply_thresholds(&scores, thresholds).unwrap();
        let found = f_g_beta(&targets, &decisions, 2.0).unwrap().unwrap();
        let expected = &expected[key];
        let place = format!("{place} {key}");
        close(&place, Some(found.f_beta), option(&expected["F_beta2_macro"]));
        close(&place, Some(found.g_beta), option(&expected["G_beta2_macro"]));
    };
    check("at_0.5", &vec![0.5; used.len()]);
    let thresholds: Vec<f64> = (0..used.len())
        .map(|class| {
            let target: Vec<bool> = targets.iter().map(|row| row[class]).collect();
            let score: Vec<f64> = scores.iter().map(|row| row[class]).collect();
            g_beta_threshold(&target, &score, 2.0).unwrap()
        })
        .collect();
    for (found, expected) in thresholds.iter().zip(expected["gbeta_thresholds"].as_array().unwrap()) {
        close(&format!("{place} threshold"), Some(*found), option(expected));
    }
    check("at_gbeta_thresholds", &thresholds);
}

#[test]
fn retrieval_metrics_equal_the_references() {
    for golden in Golden::folders("metrics") {
        let section = &golden.json["retrieval"];
        for name in ["untied", "tied"] {
            let similarity = table(&section[name]["similarity"]);
            for (ties_name, ties) in
                [("optimistic", Ties::Optimistic), ("pessimistic", Ties::Pessimistic), ("average", Ties::Average)]
            {
                let expected = |direction: &str| &section[name]["expected"][direction][ties_name];
                let place = format!("{} {name} {ties_name}", golden.name);
                check_ranks(&place, &similarity, None, ties, expected("row_to_column"));
                let turned = transposed(&similarity);
                check_ranks(&place, &turned, None, ties, expected("column_to_row"));
            }
        }
        let multi = &section["multi_positive"];
        let similarity = table(&section[multi["similarity"].as_str().unwrap()]["similarity"]);
        let groups: Vec<u32> = serde_json::from_value(multi["groups"].clone()).unwrap();
        let place = format!("{} multi_positive", golden.name);
        let expected = &multi["expected"];
        let (groups, ties) = (Some(groups.as_slice()), Ties::Optimistic);
        check_ranks(&place, &similarity, groups, ties, &expected["row_to_column"]);
        check_ranks(&place, &transposed(&similarity), groups, ties, &expected["column_to_row"]);
    }
}

fn transposed(matrix: &[Vec<f64>]) -> Vec<Vec<f64>> {
    (0..matrix.len()).map(|column| matrix.iter().map(|row| row[column]).collect()).collect()
}

fn check_ranks(place: &str, similarity: &[Vec<f64>], groups: Option<&[u32]>, ties: Ties, expected: &Value) {
    let ranks = retrieval::ranks(similarity, groups, ties).unwrap();
    let given: Vec<f64> = serde_json::from_value(expected["ranks"].clone()).unwrap();
    assert_eq!(ranks, given, "{place}");
    for (key, value) in expected.as_object().unwrap() {
        let found = match key.as_str() {
            "ranks" => continue,
            "median_rank" => retrieval::median_rank(&ranks),
            "mean_rank" => macro_average(ranks.iter().map(|&rank| Some(rank))),
            "mrr" => retrieval::mean_reciprocal_rank(&ranks),
            recall => {
                let k = recall.strip_prefix("R@").unwrap().parse().unwrap();
                retrieval::recall_at(&ranks, k)
            }
        };
        close(&format!("{place} {key}"), found, option(value));
    }
}

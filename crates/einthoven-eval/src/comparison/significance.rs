//! Whether two subjects differ on the same records.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::metrics::influences;
use crate::protocol::Scores;

/// The difference of two AUROCs on the same records, tested against zero.
///
/// For a class this is the test of DeLong, DeLong & Clarke-Pearson (Biometrics 1988). The mean over classes is tested likewise: a
/// record's influence on it is the mean of its influences on the classes, so that what classes share is counted. Where a task was run
/// several times, AUROC and influence are means over the runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// The first subject.
    pub first: String,
    /// The second subject.
    pub second: String,
    /// The class; `None` for the mean over the classes.
    pub class: Option<String>,
    /// Records that both scored.
    pub records: usize,
    /// AUROC of the first − AUROC of the second.
    pub difference: f64,
    /// The probability of a difference at least as great if the two were alike (two-sided); `None` where it does not vary.
    pub p: Option<f64>,
    /// The same after Holm's correction over the table: over all pairs of subjects for means, over all pairs and classes for classes.
    pub p_holm: Option<f64>,
}

/// Tests a pair of subjects: the mean over classes first, then each class that has two positives and two negatives.
pub(super) fn pair(first: (&str, &Scores), second: (&str, &Scores)) -> Result<Vec<Test>> {
    let places: HashMap<&str, usize> =
        second.1.records.iter().enumerate().map(|(place, record)| (record.id.as_str(), place)).collect();
    let both: Vec<(usize, usize)> = first
        .1
        .records
        .iter()
        .enumerate()
        .filter_map(|(place, record)| Some((place, *places.get(record.id.as_str())?)))
        .collect();
    let (of_first, of_second): (Vec<usize>, Vec<usize>) = both.into_iter().unzip();
    let mut classes = Vec::new();
    for (class, code) in first.1.classes.iter().enumerate() {
        let Some(other) = second.1.classes.iter().position(|other| other == code) else { continue };
        let (Some(a), Some(b)) = (of_class(first.1, class, &of_first)?, of_class(second.1, other, &of_second)?) else {
            continue;
        };
        let influence: Vec<f64> = a.1.iter().zip(&b.1).map(|(a, b)| a - b).collect();
        classes.push((code.clone(), a.0 - b.0, influence));
    }
    let test = |class: Option<String>, difference: f64, influence: &[f64]| {
        let variance: f64 = influence.iter().map(|value| value * value).sum();
        let z = (variance > 0.0).then(|| difference / variance.sqrt());
        Test {
            first: first.0.to_owned(),
            second: second.0.to_owned(),
            class,
            records: of_first.len(),
            difference,
            p: z.map(|z| libm::erfc(z.abs() / std::f64::consts::SQRT_2)),
            p_holm: None,
        }
    };
    if classes.is_empty() {
        return Ok(Vec::new());
    }
    let count = classes.len() as f64;
    let difference = classes.iter().map(|class| class.1).sum::<f64>() / count;
    let influence: Vec<f64> =
        (0..of_first.len()).map(|record| classes.iter().map(|class| class.2[record]).sum::<f64>() / count).collect();
    let mut tests = vec![test(None, difference, &influence)];
    tests.extend(classes.into_iter().map(|(code, difference, influence)| test(Some(code), difference, &influence)));
    Ok(tests)
}

/// Mean AUROC and influences of a class over the runs.
fn of_class(scores: &Scores, class: usize, records: &[usize]) -> Result<Option<(f64, Vec<f64>)>> {
    let targets = scores.targets(class, records);
    let (mut auroc, mut mean) = (0.0, vec![0.0; records.len()]);
    for run in 0..scores.runs {
        let Some(found) = influences(&targets, &scores.column(run, class, records))? else { return Ok(None) };
        auroc += found.0 / scores.runs as f64;
        mean.iter_mut().zip(found.1).for_each(|(sum, value)| *sum += value / scores.runs as f64);
    }
    Ok(Some((auroc, mean)))
}

/// p-values after Holm's step-down correction (Scandinavian Journal of Statistics 1979), in their order.
pub fn holm(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut corrected = vec![0.0; values.len()];
    let mut greatest = 0.0_f64;
    for (place, &index) in order.iter().enumerate() {
        greatest = greatest.max((values[index] * (values.len() - place) as f64).min(1.0));
        corrected[index] = greatest;
    }
    corrected
}

/// Corrects the tests of a table, those of means and those of classes apart.
pub(super) fn correct(tests: &mut [Test]) {
    for of_mean in [true, false] {
        let mut family: Vec<&mut Test> =
            tests.iter_mut().filter(|test| test.class.is_none() == of_mean && test.p.is_some()).collect();
        let values: Vec<f64> = family.iter().filter_map(|test| test.p).collect();
        for (test, corrected) in family.iter_mut().zip(holm(&values)) {
            test.p_holm = Some(corrected);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::delong_difference;
    use crate::protocol::{RecordScores, Scale};

    /// Scores of one run from `[record][class]`, record `i` having the classes of `labels[i]`.
    fn scores(classes: &[&str], rows: &[(Vec<&str>, Vec<f32>)]) -> Scores {
        Scores {
            classes: classes.iter().map(|&class| class.to_owned()).collect(),
            runs: 1,
            scale: Scale::Cosine,
            records: rows.iter().enumerate().map(|(index, (labels, row))| record(index, labels, row)).collect(),
        }
    }

    fn record(index: usize, labels: &[&str], row: &[f32]) -> RecordScores {
        RecordScores {
            id: index.to_string(),
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            scores: vec![row.to_vec()],
        }
    }

    fn pair_of(rows: usize) -> (Scores, Scores) {
        let labels = |i: usize| {
            let mut labels = Vec::new();
            if i.is_multiple_of(3) {
                labels.push("A");
            }
            if i % 5 < 2 {
                labels.push("B");
            }
            labels
        };
        let score = |i: usize, phase: f32| {
            let noise = |k: f32| (i as f32 * k + phase).sin();
            vec![
                noise(0.7) + f32::from(u8::from(i.is_multiple_of(3))),
                noise(1.9) + f32::from(u8::from(i % 5 < 2)) * phase,
            ]
        };
        let of = |phase: f32| {
            let rows: Vec<_> = (0..rows).map(|i| (labels(i), score(i, phase))).collect();
            scores(&["A", "B"], &rows)
        };
        (of(0.3), of(1.1))
    }

    #[test]
    fn a_class_is_tested_as_delong_has_it() {
        let (a, b) = pair_of(60);
        let tests = pair(("a", &a), ("b", &b)).unwrap();
        assert_eq!(tests.len(), 3);
        let all: Vec<usize> = (0..60).collect();
        for (class, test) in tests[1..].iter().enumerate() {
            let targets = a.targets(class, &all);
            let expected =
                delong_difference(&targets, &a.column(0, class, &all), &b.column(0, class, &all)).unwrap().unwrap();
            assert!((test.difference - expected.difference).abs() < 1e-12);
            assert!((test.p.unwrap() - expected.p.unwrap()).abs() < 1e-12, "{test:?} {expected:?}");
        }
        assert!((tests[0].difference - (tests[1].difference + tests[2].difference) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_mean_over_one_class_twice_is_that_class() {
        let (mut a, mut b) = pair_of(60);
        for scores in [&mut a, &mut b] {
            for record in &mut scores.records {
                record.labels = if record.labels.contains(&"A".to_owned()) {
                    vec!["A".to_owned(), "B".to_owned()]
                } else {
                    Vec::new()
                };
                record.scores[0][1] = record.scores[0][0];
            }
        }
        let tests = pair(("a", &a), ("b", &b)).unwrap();
        // Not half its variance: the two are the same records.
        assert!((tests[0].p.unwrap() - tests[1].p.unwrap()).abs() < 1e-12);
    }

    #[test]
    fn records_of_both_alone_are_compared_and_equals_do_not_differ() {
        let (a, mut b) = pair_of(60);
        b.records.reverse();
        b.records.pop();
        let tests = pair(("a", &a), ("b", &b)).unwrap();
        assert_eq!(tests[0].records, 59);
        let same = pair(("a", &a), ("a", &a)).unwrap();
        assert_eq!((same[0].difference, same[0].p), (0.0, None));
    }

    #[test]
    fn holm_is_what_r_gives() {
        // p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
        let corrected = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in corrected.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-15, "{corrected:?}");
        }
        assert_eq!(holm(&[0.6, 0.7]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }
}

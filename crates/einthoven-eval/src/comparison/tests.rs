use std::collections::BTreeMap;

use einthoven_caption::KnowledgeBase;
use einthoven_random::Streams;

use super::*;
use crate::captioning::Captions;
use crate::identification::identify;
use crate::protocol::toy::{Toy, protocol};
use crate::protocol::{Outcome, Records, TaskResult, judge};
use crate::{Embeddings, retrieval};

fn results() -> Vec<SubjectResult> {
    let protocol = protocol();
    let records = Records::open(&protocol, None).unwrap();
    let subjects =
        [Toy { has_texts: true, ..Toy::new("with_words & more") }, Toy { sharpness: 0.0, ..Toy::new("blunt") }];
    subjects.iter().map(|toy| judge(&protocol, &records, toy, &Default::default(), |_| {}).unwrap()).collect()
}

#[test]
fn page_csv_json_and_latex_show_the_same_numbers() {
    let comparison = Comparison::new([results()]).unwrap();
    let json: Comparison = serde_json::from_str(&comparison.to_json().unwrap()).unwrap();
    assert_eq!(json.protocols, comparison.protocols);
    let csv = comparison.to_csv().unwrap();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let mut values: BTreeMap<Vec<String>, [String; 3]> = BTreeMap::new();
    let mut tests = 0;
    let mut not_applicable = 0;
    for row in reader.records().map(|row| row.unwrap()) {
        let cell = |place: usize| row[place].to_owned();
        tests += usize::from(&row[7] == "test");
        not_applicable += usize::from(row[8].starts_with("not applicable") || row[10].starts_with("not judged"));
        let key = [3, 4, 5, 6, 7, 8, 10].map(cell).into();
        assert!(values.insert(key, [11, 12, 13].map(cell)).is_none(), "{row:?} comes twice");
    }
    let latex = comparison.to_latex();
    let html = comparison.to_html().unwrap();
    let mut cells = 0;
    for table in &comparison.protocols[0].tables {
        for line in &table.lines {
            let (scope, part) = match &line.scope {
                Scope::All => ("all", String::new()),
                Scope::Class(code) => ("class", code.clone()),
                Scope::Part(part) => ("part", part.clone()),
            };
            for (metric, cell) in table.metrics.iter().zip(&line.cells) {
                let Some(cell) = cell else { continue };
                cells += 1;
                let optional = |text: &Option<String>| text.clone().unwrap_or_default();
                let key = vec![
                    table.task.clone(),
                    optional(&table.labels),
                    optional(&table.variation),
                    line.subject.clone(),
                    scope.to_owned(),
                    part.clone(),
                    metric.clone(),
                ];
                let found = &values[&key];
                assert_eq!(found[0].parse::<f64>().unwrap(), cell.value, "{key:?}");
                assert_eq!(found[1].parse::<f64>().ok(), cell.low, "{key:?}");
                assert_eq!(found[2].parse::<f64>().ok(), cell.high, "{key:?}");
                let shown = format!("{:.3}", cell.value);
                if line.scope == Scope::All {
                    let interval = cell.low.zip(cell.high);
                    let in_latex = interval
                        .map_or(shown.clone(), |(low, high)| format!("{shown} {{\\scriptsize({low:.3}--{high:.3})}}"));
                    assert!(latex.contains(&in_latex), "{in_latex}");
                    if table.variation.is_none() || metric == "AUROC" {
                        assert!(html.contains(&shown), "{key:?}");
                        let in_html = interval.map_or(String::new(), |(low, high)| format!("{low:.3}–{high:.3}"));
                        assert!(html.contains(&in_html), "{key:?} {in_html}");
                    }
                } else if table.variation.is_none() && metric == "AUROC" {
                    assert!(html.contains(&shown), "{key:?}");
                }
            }
        }
    }
    let expected: usize = comparison.protocols[0].tables.iter().map(|table| table.tests.len()).sum();
    assert_eq!(tests, expected);
    assert_eq!(values.len(), cells + tests + not_applicable);
    assert!(latex.contains("with\\_words \\& more") && html.contains("with_words &amp; more"));
    assert!(html.contains("not applicable: it has no text tower"));
    assert!(html.contains("<polyline") && !html.contains("NaN"));
}

/// What is left of a comparison if subjects were asked but one thing.
fn comparison_of(outcome: impl Fn(usize) -> Outcome) -> Comparison {
    let mut results = results();
    for (place, result) in results.iter_mut().enumerate() {
        let outcome = outcome(place);
        result.tasks = vec![TaskResult { task: "asked".into(), labels: None, variation: None, outcome }];
    }
    Comparison::new([results]).unwrap()
}

#[test]
fn every_task_is_worded_by_its_own_measure_and_interval() {
    let (config, streams) = (BootstrapConfig { resamples: 20, level: 0.95 }, Streams::new(0));
    let embeddings = Embeddings::new(4, 2, vec![1.0, 0.0, 0.0, 1.0, 0.8, 0.6, 0.6, 0.8]).unwrap();
    let names: Vec<String> = ["a", "b", "a", "b"].map(str::to_owned).into();
    let captions: Vec<String> = ["atrial fibrillation", "sinus rhythm"].map(str::to_owned).into();
    let references: Vec<Vec<String>> = captions.iter().map(|caption| vec![caption.clone()]).collect();
    let retrieval = |_| Outcome::Retrieval(Box::new(retrieval::judge(&embeddings, &embeddings, &names).unwrap()));
    let identification =
        |_| Outcome::Identification(Box::new(identify(&embeddings, &names, &config, &streams).unwrap()));
    let captioning = |_| {
        let captions = Captions::new(&captions, &references, &KnowledgeBase::built_in().unwrap()).unwrap();
        Outcome::Captioning(Box::new(captions.judge(&config, &streams).unwrap()))
    };
    let none = |_| Outcome::NotApplicable { reason: "it cannot".into() };
    for (comparison, kind, words) in [
        (comparison_of(retrieval), Some(Kind::Retrieval), "Recall: Wilson&#x27;s score interval"),
        (comparison_of(identification), Some(Kind::Identification), "bootstrap resamples of the patients"),
        (comparison_of(captioning), Some(Kind::Captioning), "bootstrap resamples of the records"),
        (comparison_of(none), None, "it cannot"),
    ] {
        assert_eq!(comparison.protocols[0].tables[0].kind, kind);
        let (page, latex) = (comparison.to_html().unwrap(), comparison.to_latex());
        assert!(page.contains(words), "{words}");
        for foreign in ["AUROC", "DeLong", "Brier", "stratified"] {
            assert!(!page.contains(foreign) && !latex.contains(foreign), "{foreign} of {kind:?}");
        }
        assert_eq!(page.contains("bootstrap"), words.contains("bootstrap"), "{kind:?}");
    }
}

#[test]
fn the_better_subject_is_best_and_the_other_marked_below() {
    let comparison = Comparison::new([results()]).unwrap();
    let probe = &comparison.protocols[0].tables[3];
    assert_eq!(probe.standing("with_words & more"), Some(table::Standing::Best));
    assert_eq!(probe.standing("blunt"), Some(table::Standing::Below));
    let test = &probe.tests[0];
    assert!(test.class.is_none() && test.difference > 0.0 && test.p_holm.unwrap() < 0.05, "{test:?}");
    assert_eq!(comparison.protocols[0].tables[0].standing("blunt"), None);
}

#[test]
fn results_of_other_protocols_or_records_are_not_compared() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("toy");
    assert!(Comparison::load(folder.path()).unwrap_err().to_string().contains("holds no results"));
    std::fs::create_dir(&below).unwrap();
    let results = results();
    results[0].save(&below.join("a.json")).unwrap();
    results[1].save(&below.join("b.json")).unwrap();
    assert_eq!(Comparison::load(folder.path()).unwrap().protocols[0].subjects.len(), 2);
    assert_eq!(Comparison::load(&below).unwrap().protocols[0].subjects.len(), 2);
    let mut other = results[1].clone();
    other.hash.replace_range(..2, "zz");
    other.save(&below.join("b.json")).unwrap();
    let error = Comparison::load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("b.json") && error.contains("another version"), "{error}");
    let mut other = results[1].clone();
    other.records.judged += 1;
    other.save(&below.join("b.json")).unwrap();
    let error = Comparison::load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("other records"), "{error}");
    std::fs::write(below.join("b.json"), "{\"format\": 7}").unwrap();
    let error = Comparison::load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("format version 7"), "{error}");
}

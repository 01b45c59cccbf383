//! The report page from plain values.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use einthoven_eval::bootstrap::BootstrapConfig;
use einthoven_eval::metrics::ScoreTable;
use einthoven_eval::report::{Example, Facts, LeftOutRecords, LogEntry, Report, RetrievalSection, ZeroShotSection};
use einthoven_eval::retrieval::{self, Match};
use einthoven_eval::zero_shot::{PromptSet, judge, roc_curves};
use einthoven_eval::{Embeddings, Error};
use einthoven_random::Streams;
use rand::RngExt;

/// A report of everything, over made-up scores.
fn report() -> Report {
    let mut stream = Streams::new(11).stream("report", &[]);
    let prompts = PromptSet::open("simulated").unwrap();
    let classes: Vec<String> = prompts.labels.keys().cloned().chain(["AFLT".to_owned()]).collect();
    let prompts = PromptSet {
        labels: prompts.labels.into_iter().chain([("AFLT".into(), vec!["atrial flutter".into()])]).collect(),
        ..prompts
    };
    let targets: Vec<Vec<bool>> = (0..300)
        .map(|_| classes.iter().map(|code| code != "AFLT" && stream.random_range(0..10) == 0).collect())
        .collect();
    let values = targets.concat().iter().map(|&t| stream.random::<f64>() + if t { 0.5 } else { 0.0 }).collect();
    let records: Vec<String> = (0..300).map(|record| format!("{record:05}")).collect();
    let scores = ScoreTable::new(records, classes, values).unwrap();
    let streams = Streams::new(1);
    let result = judge("conditions", &prompts, &scores, &targets, &BootstrapConfig::default(), &streams).unwrap();

    let captions: Vec<String> = (0..60).map(|index| format!("ECG Findings: finding {}.", index % 40)).collect();
    let unit = |stream: &mut einthoven_random::Stream| {
        let angle = stream.random_range(0.0..std::f32::consts::TAU);
        [angle.cos(), angle.sin()]
    };
    let data: Vec<f32> = (0..60).flat_map(|_| unit(&mut stream)).collect();
    let signals = Embeddings::new(60, 2, data.clone()).unwrap();
    let texts = Embeddings::new(60, 2, data).unwrap();
    let log = (1..=800u64).flat_map(|step| {
        let noise = stream.random::<f64>();
        let decay = (-(step as f64) / 200.0).exp();
        let mut lines = vec![format!(
            "{{\"kind\":\"train\",\"step\":{step},\"epoch\":0,\"loss\":{},\"loss_contrastive\":{},\"loss_caption\":{},\"lr\":{},\
             \"grad_norm\":{},\"logit_scale\":{}}}",
            5.0 * decay + 0.5 * noise + 1.0,
            2.5 * decay + 0.3 * noise + 0.6,
            2.5 * decay + 0.2 * noise + 0.4,
            2e-4 * (step as f64 / 80.0).min(1.0),
            1.0 + noise,
            14.3 + step as f64 / 100.0,
        )];
        if step % 100 == 0 {
            let value = 0.95 - 0.45 * decay;
            lines.push(format!(
                "{{\"kind\":\"validation\",\"step\":{step},\"epoch\":0,\"macro_auroc\":{value},\"macro_auprc\":{},\"loss\":null}}",
                value * 0.8
            ));
        }
        lines
    });
    let log = LogEntry::parse_log(&log.collect::<Vec<_>>().join("\n"), Path::new("metrics.jsonl")).unwrap();
    Report {
        title: "quickstart".into(),
        subtitle: "ESI, corrected mode, pretrained on the simulated cohort".into(),
        summary: vec![
            Facts {
                title: "Run".into(),
                facts: [("seed", "1"), ("steps", "800"), ("batch size", "16"), ("duration", "3 min 12 s")]
                    .map(|(name, value)| (name.into(), value.into()))
                    .into(),
            },
            Facts {
                title: "Data".into(),
                facts: [("training records", "1600"), ("validation records", "200"), ("test records", "300")]
                    .map(|(name, value)| (name.into(), value.into()))
                    .into(),
            },
        ],
        left_out: vec![LeftOutRecords { dataset: "simulated".into(), reason: "no statement".into(), count: 3 }],
        log,
        zero_shot: vec![ZeroShotSection {
            split: "simulated fold 10".into(),
            result,
            curves: roc_curves(&scores, &targets).unwrap(),
        }],
        retrieval: Some(RetrievalSection {
            split: "simulated fold 10".into(),
            result: retrieval::judge(&signals, &texts, &captions).unwrap(),
        }),
        examples: vec![Example {
            record: "simulated/00042".into(),
            drawing: "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 300 200\"><rect width=\"300\" height=\"200\" fill=\"#fdecea\"/></svg>".into(),
            caption: "This patient is a 63 year-old male. ECG Findings: atrial fibrillation, left ventricular hypertrophy.".into(),
            generated: Some("atrial fibrillation".into()),
            matches: vec![
                Match { text: "ECG Findings: atrial fibrillation <script>.".into(), cosine: 0.7312, right: true },
                Match { text: "sinus rhythm. ".repeat(60), cosine: 0.411, right: false },
            ],
        }],
        config: "[model]\nmode = \"corrected\"\n".into(),
    }
}

#[test]
fn the_page_holds_everything_and_nothing_from_outside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let report = report();
    report.save(&path).unwrap();
    if let Some(copy) = std::env::var_os("EINTHOVEN_REPORT_COPY") {
        std::fs::copy(&path, copy).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap();
    for part in [
        "<title>quickstart</title>",
        "left ventricular hypertrophy",
        "AFLT (0 of 300)",
        "Training loss",
        "Validation scores",
        "ROC curves",
        "Recall@10",
        "data:image/svg+xml,%3Csvg",
        "mode = ",
        "simulated fold 10",
        "no statement",
        "its own",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let auroc = report.zero_shot[0].result.r#macro.auroc.value.unwrap();
    assert!(page.contains(&format!("{auroc:.3}")));
    for outside in ["<script", "<link", "src=\"http", "href=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(!page.contains("NaN") && !page.contains("{{") && !page.contains("{%"));
    // One for each class that can be judged, and one for their mean.
    let classes = report.zero_shot[0].result.classes.len();
    assert!(classes > 10);
    assert_eq!(page.matches("class=\"roc\"").count(), classes);
    assert_eq!(page.matches("class=\"whisker\"").count(), classes + 1);
}

#[test]
fn two_pages_of_one_report_are_equal() {
    let report = report();
    assert_eq!(report.to_html().unwrap(), report.to_html().unwrap());
}

#[test]
fn an_empty_report_is_a_page_without_sections() {
    let page = Report { title: "nothing".into(), ..Report::default() }.to_html().unwrap();
    assert!(page.contains("<h1>nothing</h1>"));
    assert!(!page.contains("<h2>") && !page.contains("<svg"));
}

#[test]
fn a_report_survives_json() {
    let report = report();
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
}

#[test]
fn a_broken_log_names_the_line() {
    let log = "{\"kind\":\"train\",\"step\":1,\"epoch\":0,\"loss\":1.5}\n\n{\"kind\":\"train\",\"st";
    let error = LogEntry::parse_log(log, Path::new("runs/a/metrics.jsonl")).unwrap_err();
    assert!(matches!(error, Error::Log { line: 3, .. }));
    assert_eq!(error.to_string(), "line 3 of runs/a/metrics.jsonl is no entry of a log");
}

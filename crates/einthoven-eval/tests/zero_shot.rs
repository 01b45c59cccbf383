//! Zero-shot classification, retrieval and queries on embeddings made by hand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use einthoven_eval::bootstrap::BootstrapConfig;
use einthoven_eval::query::query;
use einthoven_eval::zero_shot::{PromptSet, ZeroShotResult, class_embeddings, judge, roc_curves, scores};
use einthoven_eval::{Embeddings, Error, ReferenceSet, retrieval};
use einthoven_random::Streams;
use rand::RngExt;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn prompts() -> PromptSet {
    let text = r#"
        name = "toy"
        about = ""
        templates = ["{}", "ECG: {}."]
        [labels]
        A = ["first", "uno"]
        B = ["second"]
        C = ["third", "first"]
    "#;
    PromptSet::parse(text, Path::new("toy.toml")).unwrap()
}

/// Unit vectors, the `axes` of a four-dimensional space.
fn axes(axes: &[usize]) -> Embeddings {
    let data = axes.iter().flat_map(|&axis| (0..4).map(move |i| if i == axis { 1.0 } else { 0.0 }));
    Embeddings::new(axes.len(), 4, data.collect()).unwrap()
}

#[test]
fn a_class_is_the_mean_of_its_texts_and_no_text_is_embedded_twice() {
    let classes = class_embeddings(&prompts(), &names(&["C", "A"]), |texts| {
        assert_eq!(texts, ["third", "ECG: third.", "first", "ECG: first.", "uno", "ECG: uno."]);
        Ok(axes(&[0, 0, 1, 1, 2, 3]))
    })
    .unwrap();
    let near = |row: &[f32], expected: [f64; 4]| {
        for (found, expected) in row.iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-7, "{row:?}");
        }
    };
    let half = 0.5f64.sqrt();
    near(classes.row(0), [half, half, 0.0, 0.0]);
    let sixth = 6.0f64.sqrt();
    near(classes.row(1), [0.0, 2.0 / sixth, 1.0 / sixth, 1.0 / sixth]);
}

#[test]
fn missing_and_meaningless_prompts_are_errors() {
    let missing = class_embeddings(&prompts(), &names(&["A", "D"]), |_| unreachable!()).unwrap_err();
    assert!(matches!(missing, Error::MissingPrompt { code, .. } if code == "D"));
    let opposite = class_embeddings(&prompts(), &names(&["B"]), |_| Embeddings::new(2, 1, vec![1.0, -1.0]));
    assert!(matches!(opposite.unwrap_err(), Error::NoDirection { code } if code == "B"));
}

#[test]
fn classes_that_cannot_be_judged_are_listed_and_not_averaged() {
    let records = names(&["1", "2", "3", "4"]);
    let table = scores(records, &axes(&[0, 1, 0, 1]), names(&["A", "B", "C"]), &axes(&[0, 1, 2])).unwrap();
    let targets: Vec<Vec<bool>> =
        [[true, false, true], [false, false, true], [true, false, true], [true, false, true]].map(Vec::from).into();
    let config = BootstrapConfig { resamples: 200, level: 0.95 };
    let result = judge("toy", &prompts(), &table, &targets, &config, &Streams::new(5)).unwrap();
    assert_eq!(result.classes.len(), 1);
    assert_eq!(result.classes[0].words, "first");
    assert_eq!(result.classes[0].metrics.auroc.value, Some(5.0 / 6.0));
    assert_eq!(result.classes[0].f1_threshold, Some(0.0));
    assert_eq!(result.r#macro.auroc.value, Some(5.0 / 6.0));
    let left_out: Vec<_> =
        result.left_out.iter().map(|class| (class.code.as_str(), class.positives, class.negatives)).collect();
    assert_eq!(left_out, [("B", 0, 4), ("C", 4, 0)]);
    assert_eq!(roc_curves(&table, &targets).unwrap().len(), 1);

    let json = serde_json::to_string(&result).unwrap();
    assert!(json.contains("\"macro\""), "{json}");
    assert_eq!(serde_json::from_str::<ZeroShotResult>(&json).unwrap(), result);
    assert!(judge("toy", &prompts(), &table, &targets[1..], &config, &Streams::new(5)).is_err());
}

#[test]
fn a_broken_embedding_names_the_record_and_the_class() {
    let broken = Embeddings::new(1, 4, vec![f32::NAN; 4]).unwrap();
    let error = scores(names(&["00017"]), &broken, names(&["A"]), &axes(&[0])).unwrap_err();
    assert!(error.to_string().contains("00017") && error.to_string().contains("A"), "{error}");
}

#[test]
fn retrieval_takes_any_equal_caption_for_a_hit() {
    let captions = names(&["a", "b", "a", "c"]);
    // Signal 3 has been mistaken for b; the two recordings called a are on different axes.
    let signals = axes(&[0, 1, 2, 1]);
    let texts = axes(&[0, 1, 0, 3]);
    let result = retrieval::judge(&signals, &texts, &captions).unwrap();
    assert_eq!((result.pairs, result.distinct_captions), (4, 3));
    let values =
        |direction: &retrieval::Direction| direction.recall.iter().map(|r| r.value.unwrap()).collect::<Vec<_>>();
    // Signals 0 and 1 find theirs; signal 2 is as far from everything, so two wrong ones come first; signal 3 ranks behind
    // b, and behind both a at the same distance.
    assert_eq!(values(&result.signal_to_text), [0.5, 1.0, 1.0]);
    // Text b lies at two signals alike: a tie counts against it. Text c lies near no signal.
    assert_eq!(values(&result.text_to_signal), [0.5, 1.0, 1.0]);
    assert_eq!(result.signal_to_text.median_rank, Some(2.0));
    let chance = result.signal_to_text.recall[0].chance.unwrap();
    assert!((chance - (0.5 + 0.25 + 0.5 + 0.25) / 4.0).abs() < 1e-12);
    assert!((result.signal_to_text.recall[2].chance.unwrap() - 1.0).abs() < 1e-12);

    let best = retrieval::best_matches(signals.row(0), "a", &texts, &captions, 2).unwrap();
    assert_eq!((best[0].text.as_str(), best[0].cosine, best[0].right), ("a", 1.0, true));
    assert_eq!((best[1].text.as_str(), best[1].right), ("b", false));
}

#[test]
fn retrieval_without_pairs_has_no_figures() {
    let none = || Embeddings::new(0, 4, Vec::new()).unwrap();
    let result = retrieval::judge(&none(), &none(), &[]).unwrap();
    assert_eq!(result.signal_to_text.recall[0].value, None);
    assert_eq!(result.signal_to_text.recall[0].chance, None);
}

#[test]
fn a_percentile_is_the_fraction_of_the_reference_that_a_text_fits_less_well() {
    let mut stream = Streams::new(1).stream("reference", &[]);
    let angle = |angle: f32| [angle.cos(), angle.sin()];
    let data = (0..100).flat_map(|_| angle(stream.random_range(0.0..3.1))).collect();
    let reference = ReferenceSet { name: "toy fold 9".into(), embeddings: Embeddings::new(100, 2, data).unwrap() };
    let signals = Embeddings::new(3, 2, [angle(0.0), angle(3.1), angle(1.5)].concat()).unwrap();
    let texts = Embeddings::new(2, 2, [angle(0.0), angle(1.5)].concat()).unwrap();
    let ask = |reference| {
        let (records, questions) = (names(&["x", "y", "z"]), names(&["east", "north"]));
        query(records, &signals, questions, &texts, 10.0, reference).unwrap()
    };
    let found = ask(Some(&reference));
    assert_eq!(found.records[0].answers[0].percentile, Some(1.0));
    assert_eq!(found.records[1].answers[0].percentile, Some(0.0));
    let middle = found.records[2].answers[0].percentile.unwrap();
    let farther = (0..100).filter(|&row| reference.embeddings.row(row)[0] < signals.row(2)[0]).count();
    assert_eq!(middle, farther as f64 / 100.0);
    assert_eq!(found.records[2].ranked()[0].text, "north");
    assert_eq!(found.reference.as_ref().unwrap().records, 100);

    let answers = &found.records[0].answers;
    let total: f64 = answers.iter().map(|answer| answer.probability.unwrap()).sum();
    assert!((total - 1.0).abs() < 1e-12);
    let odds = answers[0].probability.unwrap() / answers[1].probability.unwrap();
    assert!((odds.ln() - (answers[0].logit - answers[1].logit)).abs() < 1e-9);
    assert_eq!(answers[0].logit, answers[0].cosine * 10.0);

    let without = ask(None);
    assert_eq!(without.records[0].answers[0].percentile, None);
    assert!(without.notes[0].starts_with("no percentiles"), "{:?}", without.notes);
    assert_eq!(without.records[0].answers[0].cosine, answers[0].cosine);
}

#[test]
fn a_single_text_has_no_softmax() {
    let found = query(names(&["x"]), &axes(&[0]), names(&["one"]), &axes(&[0]), 10.0, None).unwrap();
    assert_eq!(found.records[0].answers[0].probability, None);
    assert!(found.notes[1].contains("single text"));
}

#[test]
fn ties_with_the_reference_count_half() {
    let reference = ReferenceSet { name: "same".into(), embeddings: axes(&[0, 0]) };
    let found = query(names(&["x"]), &axes(&[0]), names(&["one"]), &axes(&[0]), 1.0, Some(&reference)).unwrap();
    assert_eq!(found.records[0].answers[0].percentile, Some(0.5));
}

#[test]
fn a_reference_set_survives_the_disk_and_damage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reference.safetensors");
    let set = ReferenceSet { name: "ptb-xl fold 9".into(), embeddings: axes(&[3, 1, 2]) };
    set.save(&path).unwrap();
    assert_eq!(ReferenceSet::load(&path).unwrap(), set);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    let whole = std::fs::read(&path).unwrap();
    for length in [0, 4, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = ReferenceSet::load(&path).unwrap_err();
        assert!(error.to_string().contains("reference.safetensors"), "{error}");
    }
    assert!(matches!(ReferenceSet::load(&folder.path().join("absent")), Err(Error::Read { .. })));
    assert!(matches!(set.save(&folder.path().join("no/folder")), Err(Error::Write { .. })));
    let infinite = ReferenceSet { embeddings: Embeddings::new(1, 1, vec![f32::INFINITY]).unwrap(), ..set };
    infinite.save(&path).unwrap();
    assert!(matches!(ReferenceSet::load(&path), Err(Error::Reference { .. })));
}

use einthoven_random::Streams;
use einthoven_signal::{Lead, Record, Source};

use super::toy::{Toy, protocol};
use super::*;
use crate::comparison::Comparison;
use crate::metrics::{auroc, average_precision, brier};

/// What every version of a protocol that comes with the program was, and stays; the last of each name is the one that comes.
const FROZEN: [(&str, u32, &str); 19] = [
    ("simulated", 1, "77c3aff26f9d1d69db0bf06381fde6adab4e2b5d8d72af5b00dc29fbc611f44d"),
    ("ptbxl-sample", 1, "7912dc9b96550ce66c6eed97313210373107e925f473cc91f7ca01d7d801992a"),
    ("ptbxl-sample", 2, "efb77b9bba70511cd64dc8de7887e00fcc521221091e850329fec3fd8e57940c"),
    ("ptbxl-super", 1, "470c18da6f034a48f335cb99889edfc857db976d6089664f87f595e1c76cf174"),
    ("ptbxl-super", 2, "f15c25cf8a6a235013e57ad75059bbff2d28d460f2f0e8d465cf9722f1960d92"),
    ("ptbxl-sub", 1, "41b3852d93d7ef4b7821c9650b4625b2aa34dbec9c5a4a576bb9d86e250e5e95"),
    ("ptbxl-sub", 2, "09d1dfbcf114dc8ae66c265d3884325711a00079ad7727f704774566fc6d0f0f"),
    ("ptbxl-form", 1, "c9ff50bdc4b2f696494204b0e48e11d1a80be37459dee79bf3526e90c076dfcc"),
    ("ptbxl-form", 2, "c47c687d56795a9ed937c9ee48c3fc4854113734a85b61a0604715b5a1bf931d"),
    ("ptbxl-rhythm", 1, "9281e09ca71b70785d8fefddce04ad60f629168528bb4d4af2b33205f739d560"),
    ("ptbxl-rhythm", 2, "07203f92c6c6df179edf777d8f28980d4d44b88e4b98413830d33066e6810e90"),
    ("simulated-patients", 1, "31dc438ca616c74a36253576deeb3d9267fdc45bf082eebbb5d1b57fb7ae34ab"),
    ("ptbxl-sample-patients", 1, "94a31219ce9a631945be4cafd7c63cc1735d8324752216ae6d37682dd579b204"),
    ("ptbxl-patients", 1, "77be467e9dbc245acbb8359ead3a903944ea52748cd3619236784e15cd3960ec"),
    ("cpsc2018", 1, "132e7d125e129dad6df2b9b70029cb485d17c1c2c05e6788de7fd1fb634bc214"),
    ("csn", 1, "b14c6bbd1ffd48a280247aa100e3dd590fd6d8f75c1673484e6b8d7fd7ad635d"),
    ("ptbxl-sample-finetuning", 1, "14c32a10e8509df51e3826ec332d3f259f0046e7c54d7fd23e9b15244c7cedfd"),
    ("ptbxl-finetuning", 1, "11c002b779a2f4e23d3c406549f95a9533fb67f3decf6570dcc9044f6ffa4291"),
    ("cpsc2018-finetuning", 1, "edba33fbcd60c4508153cb9401abd586f6703f6b5134d017f8e2a1769b716ae0"),
];

#[test]
fn protocols_are_frozen() {
    let found = Protocol::built_in().map(|name| {
        let protocol = Protocol::open(name).unwrap();
        assert_eq!(protocol.name, name);
        (name, protocol.version, protocol.hash().unwrap())
    });
    let expected = Protocol::built_in().map(|name| {
        let last = FROZEN.iter().rfind(|frozen| frozen.0 == name).unwrap();
        (last.0, last.1, last.2.to_owned())
    });
    let (found, expected): (Vec<_>, Vec<_>) = (found.collect(), expected.collect());
    assert_eq!(found, expected, "a protocol that changes a number gets a new version");
    for pair in FROZEN.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        assert_eq!(pair[0].1 + 1, pair[1].1, "{}", pair[0].0);
    }
}

#[test]
fn every_prompt_set_has_words_for_what_its_protocol_asks_of_the_challenge() {
    let prompts = PromptSet::open("challenge-scored").unwrap();
    let scored: std::collections::BTreeSet<&str> =
        einthoven_corpus::ontology::diagnoses().iter().filter_map(|diagnosis| diagnosis.scored.as_deref()).collect();
    assert_eq!(prompts.labels.keys().map(String::as_str).collect::<std::collections::BTreeSet<_>>(), scored);
}

#[test]
fn what_decides_a_number_changes_the_hash() {
    let one = protocol();
    let hash = one.hash().unwrap();
    assert_eq!(hash.len(), 64);
    let mut other = one.clone();
    other.seed += 1;
    assert_ne!(other.hash().unwrap(), hash);
    let mut other = one.clone();
    if let Task::ZeroShot(task) = &mut other.tasks[0] {
        task.prompts = "scp-statements".into();
    }
    assert_ne!(other.hash().unwrap(), hash);
}

#[test]
fn impossible_protocols_are_refused_with_a_word() {
    let text = toml::to_string(&protocol()).unwrap();
    let tuned = toml::to_string(&fine_tuning()).unwrap();
    for (from, to, word) in [
        ("judged = [9, 10]", "judged = [9, 1]", "fold 1 is both"),
        ("judged = [9, 10]", "judged = []", "data.judged"),
        ("shares = [0.1, 1.0]", "shares = [0.0]", "share"),
        ("seeds = 2", "seeds = 0", "seeds"),
        ("k = 5", "k = 0", "`k`"),
        ("leads = 3", "leads = 5", "no set of 5 leads"),
        ("seeds = 2", "seed = 2", "seed"),
        ("judged = [9, 10]", "judged = [9, 10]\nchosen = [8]", "no task asks for"),
        ("chosen = [8]", "chosen = [9]", "fold 9 chooses"),
        ("chosen = [8]", "chosen = [1]", "fold 1 chooses"),
        ("labels = [\"super\"]", "labels = []", "no label set"),
        ("epochs = 3", "epochs = 0", "train.epochs"),
        ("learning_rate = 0.001", "learning_rate = 0.0", "train.learning_rate"),
        ("batch_size = 8", "batch_size = 1", "train.batch_size"),
        ("batch_size = 8", "batches = 8", "batches"),
    ] {
        let text = if text.contains(from) { &text } else { &tuned };
        assert!(text.contains(from), "{from}: {text}");
        let error = Protocol::parse(&text.replace(from, to), Path::new("p.toml")).unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        assert!(format!("{error} {source}").contains(word), "{to}: {error} {source}");
    }
    let error = Protocol::open("nowhere").unwrap_err();
    assert!(error.to_string().contains("ptbxl-sample"), "{error}");
}

#[test]
fn a_subject_is_judged_in_every_task_and_the_file_says_the_same() {
    let protocol = protocol();
    let records = Records::open(&protocol, None).unwrap();
    let refused = records.judged.dataset.entries[3].id.clone();
    let toy = Toy { refuses: Some(refused.clone()), ..Toy::new("toy") };
    let result = judge(&protocol, &records, &toy, &Default::default(), |_| {}).unwrap();
    assert_eq!(result.left_out_judged.records[0].id, refused);
    let titles: Vec<String> = result.tasks.iter().map(TaskResult::title).collect();
    assert_eq!(
        titles,
        [
            "zero-shot, super",
            "classifier, super",
            "probe 10 %, super",
            "probe 100 %, super",
            "5 nearest, super",
            "retrieval",
            "probe 100 %, super, 3 leads",
            "zero-shot, super, 3 leads",
            "probe 100 %, super, noise at 0 dB",
            "zero-shot, super, noise at 0 dB",
        ]
    );
    for (place, task) in result.tasks.iter().enumerate() {
        let expected = [0, 1, 5, 7, 9].contains(&place);
        assert_eq!(matches!(task.outcome, Outcome::NotApplicable { .. }), expected, "{}", task.title());
    }
    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("toy.json");
    result.save(&path).unwrap();
    assert_eq!(SubjectResult::load(&path).unwrap(), result);
    assert_eq!(judge(&protocol, &records, &toy, &Default::default(), |_| {}).unwrap(), result);
    assert!(result.answers(&protocol.hash().unwrap(), &records.card(), &toy.card()));
    let sharper = Toy { sharpness: 2.0, ..Toy::new("toy") };
    assert!(!result.answers(&protocol.hash().unwrap(), &records.card(), &sharper.card()));

    let Outcome::Classification(probe) = &result.tasks[3].outcome else { panic!("{:?}", result.tasks[3]) };
    assert_metrics_are_of_the_scores(probe);
    assert!(probe.r#macro.auroc.value.unwrap() > 0.6, "{:?}", probe.r#macro.auroc);
    let parts: Vec<&str> = probe.subgroups.iter().map(|group| group.part.as_str()).collect();
    assert_eq!(parts, ["female", "male", "below 40", "40 to 59", "60 to 74", "75 and above", "not known"]);
    let of = |parts: std::ops::Range<usize>| probe.subgroups[parts].iter().map(|group| group.records).sum::<usize>();
    let all = probe.scores.records.len();
    assert_eq!((of(0..2), of(2..6), of(6..7)), (all, all, all));
    // All records together, as the simulator says nothing of devices.
    assert_eq!(probe.subgroups[6].metrics, Some(probe.r#macro));
    let Outcome::Classification(few) = &result.tasks[2].outcome else { panic!("{:?}", result.tasks[2]) };
    assert_eq!((few.scores.runs, few.subgroups.len()), (2, 0));
    let ece = probe.calibration.as_ref().unwrap();
    assert_eq!(ece.bins.iter().map(|bin| bin.records).sum::<usize>(), probe.scores.records.len() * 5);
}

fn assert_metrics_are_of_the_scores(found: &Classification) {
    let all: Vec<usize> = (0..found.scores.records.len()).collect();
    let mut mean = 0.0;
    for class in &found.classes {
        let place = found.scores.classes.iter().position(|code| *code == class.code).unwrap();
        let (targets, scores) = (found.scores.targets(place, &all), found.scores.column(0, place, &all));
        assert_eq!(class.metrics.auroc.value, auroc(&targets, &scores).unwrap());
        assert_eq!(class.metrics.auprc.value, average_precision(&targets, &scores).unwrap());
        let probabilities: Vec<f64> =
            scores.iter().map(|&score| found.scores.scale.probability(score).unwrap()).collect();
        let expected = brier(&targets, &probabilities).unwrap().unwrap();
        assert!((class.metrics.brier.unwrap().value.unwrap() - expected).abs() < 1e-12);
        let interval = class.metrics.auroc.interval.unwrap();
        assert!(interval.low <= interval.high && interval.skipped == 0, "{interval:?}");
        mean += class.metrics.auroc.value.unwrap() / found.classes.len() as f64;
    }
    assert!((found.r#macro.auroc.value.unwrap() - mean).abs() < 1e-12);
}

#[test]
fn a_subject_with_words_is_asked_by_words() {
    let protocol = protocol();
    let records = Records::open(&protocol, None).unwrap();
    let toy = Toy { has_texts: true, ..Toy::new("toy") };
    let result = judge(&protocol, &records, &toy, &Default::default(), |_| {}).unwrap();
    let Outcome::Classification(zero_shot) = &result.tasks[0].outcome else { panic!("{:?}", result.tasks[0]) };
    assert!(zero_shot.r#macro.brier.is_none() && zero_shot.calibration.is_none());
    assert!(matches!(&result.tasks[5].outcome, Outcome::Retrieval(found) if found.pairs > 50));
    assert!(matches!(result.tasks[9].outcome, Outcome::Classification(_)));
}

/// The toy protocol with its probe and with fine-tuning at the same shares alone, weights chosen on fold 8.
fn fine_tuning() -> Protocol {
    let task = r#"
        kind = "fine-tuning"
        labels = ["super"]
        shares = [0.1, 1.0]
        seeds = 2
        subgroups = ["sex"]
        training = { epochs = 3, batch_size = 8, learning_rate = 1e-3, weight_decay = 0.0 }
    "#;
    let mut protocol = protocol();
    protocol.tasks = vec![protocol.tasks[2].clone(), toml::from_str(task).unwrap()];
    protocol.data.chosen = vec![8];
    Protocol::parse(&toml::to_string(&protocol).unwrap(), Path::new("fine-tuning.toml")).unwrap()
}

/// A toy that is fine-tuned becomes what the probe fits: on the same subsets the two give the same scores.
#[test]
fn fine_tuning_learns_from_the_subsets_of_the_probe() {
    let protocol = fine_tuning();
    let records = Records::open(&protocol, None).unwrap();
    let refused = [&records.fitted, &records.judged].map(|part| part.dataset.entries[3].id.clone());
    for refuses in refused {
        let toy = Toy { learns: Some(0.01), refuses: Some(refuses), ..Toy::new("toy") };
        let result = judge(&protocol, &records, &toy, &Default::default(), |_| {}).unwrap();
        let titles: Vec<String> = result.tasks.iter().map(TaskResult::title).collect();
        assert_eq!(titles[2..], ["fine-tuning 10 %, super", "fine-tuning 100 %, super"]);
        for (probe, tuned) in [(0, 2), (1, 3)] {
            let found = [probe, tuned].map(|place| match &result.tasks[place].outcome {
                Outcome::Classification(found) => found.clone(),
                outcome => panic!("{outcome:?}"),
            });
            let [probe, tuned] = found.each_ref().map(|found| &found.scores);
            assert_eq!((probe.runs, probe.records.len()), (tuned.runs, tuned.records.len()));
            for (probe, tuned) in probe.records.iter().zip(&tuned.records) {
                assert_eq!((&probe.id, &probe.labels), (&tuned.id, &tuned.labels));
                for (logit, probability) in probe.scores.iter().flatten().zip(tuned.scores.iter().flatten()) {
                    let expected = Scale::Logit.probability(f64::from(*logit)).unwrap();
                    // Both were rounded to single precision.
                    assert!((f64::from(*probability) - expected).abs() < 1e-6, "{}", probe.id);
                }
            }
            assert_eq!(found[1].subgroups.is_empty(), tuned.runs == 2);
            assert!(found[1].calibration.is_some());
        }
    }
}

#[test]
fn a_subject_that_cannot_be_fine_tuned_is_in_the_table_with_the_reason() {
    let protocol = fine_tuning();
    let records = Records::open(&protocol, None).unwrap();
    let chosen = records.chosen.as_ref().unwrap();
    assert!(!chosen.dataset.is_empty() && chosen.dataset.entries.iter().all(|entry| entry.fold == Some(8)));
    let learns = Toy { learns: Some(0.01), refuses: Some(chosen.dataset.entries[0].id.clone()), ..Toy::new("quick") };
    let results = [learns, Toy::new("slow")]
        .map(|toy| judge(&protocol, &records, &toy, &Default::default(), |_| {}).unwrap())
        .to_vec();
    assert_eq!((results[0].records.chosen, results[0].left_out_fitted.count()), (chosen.dataset.len(), 1));
    assert!(matches!(&results[1].tasks[3].outcome, Outcome::NotApplicable { reason } if reason == "it is dull"));
    let page = Comparison::new([results]).unwrap().to_html().unwrap();
    for words in ["fine-tuning 100 %, super", "not applicable: it is dull", "Weights chosen by"] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn judging_ends_when_it_is_asked_to() {
    let protocol = protocol();
    let records = Records::open(&protocol, None).unwrap();
    let stop = std::sync::Arc::default();
    let mut seen = 0;
    let error = judge(&protocol, &records, &Toy::new("toy"), &stop, |more| {
        seen += more;
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert!(matches!(error, Err(Error::Interrupted)));
    assert!(seen < records.fitted.dataset.len(), "{seen}");
}

fn record() -> Record {
    let wave = |lead: usize| (0..1000).map(move |i| ((lead + 1) as f32 * 0.1) * (i as f32 * 0.2).sin());
    let samples = (0..12).flat_map(wave).collect();
    Record::new(Lead::TWELVE.to_vec(), 500.0, samples, Source::Memory).unwrap()
}

#[test]
fn noise_has_the_power_asked_for_and_is_the_same_again() {
    let streams = Streams::new(0);
    let noisy = Variation::NoiseDb(10.0).apply(record(), 4, &streams).unwrap();
    for lead in [0, 11] {
        let clean = record();
        let power = |row: &[f32]| row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        let noise: Vec<f32> = noisy.row(lead).iter().zip(clean.row(lead)).map(|(noisy, clean)| noisy - clean).collect();
        let ratio = 10.0 * (power(clean.row(lead)) / power(&noise)).log10();
        // 1000 draws: the power of noise is known to about 4.5 %, 0.2 dB.
        assert!((ratio - 10.0).abs() < 0.6, "{ratio}");
    }
    assert_eq!(noisy, Variation::NoiseDb(10.0).apply(record(), 4, &streams).unwrap());
    assert_ne!(noisy, Variation::NoiseDb(10.0).apply(record(), 5, &streams).unwrap());
}

#[test]
fn leads_and_rates_are_as_asked_for() {
    let streams = Streams::new(0);
    let apply = |variation: Variation| variation.apply(record(), 0, &streams).unwrap();
    assert_eq!(apply(Variation::Leads(3)).leads(), [Lead::I, Lead::II, Lead::V2]);
    assert_eq!(apply(Variation::Leads(12)), record());
    assert_eq!(apply(Variation::Leads(3)).lead(&Lead::V2), record().lead(&Lead::V2));
    let lost = apply(Variation::LostLeads(2));
    assert_eq!(lost.leads().len(), 10);
    assert!(lost.leads().iter().all(|lead| lost.lead(lead) == record().lead(lead)));
    let slow = apply(Variation::Rate(100.0));
    assert_eq!((slow.sampling_rate(), slow.len(), slow.leads().len()), (100.0, 200, 12));
    assert!((slow.row(11)[100] - record().row(11)[500]).abs() < 0.01);
    // A recording cannot lose all it has.
    assert!(Variation::LostLeads(12).apply(record(), 0, &streams).is_err());
}

//! Whole supervised runs of a tiny classifier on a simulated cohort.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use einthoven_corpus::Split;
use einthoven_eval::Embeddings;
use einthoven_eval::protocol::{
    FineTuned, LabelledDataset, Lesson, Outcome, Protocol, Records, Subject, SubjectResult, TaskResult, Training, judge,
};
use einthoven_signal::Record;
use einthoven_train::{Checkpoint, ProgressDisplay};

use super::{Classifier, Finetuned, SupervisedExperiment, find_classifier_batch_size, finetune};
use crate::{Data, Error, Experiment, Model, Network, Result, RunOptions, SubjectName, find_batch_size, pretrain};

const SUPERVISED: &str = r#"
name = "tiny-classifier"
seed = 2

[data]
dataset = "simulated"
cache = true
simulated = { records = 120, simulator = { sampling_rate = 100.0, seconds = 5.0 } }

[contract]
leads = ["I", "II", "V1", "V5"]
sampling_rate = 100.0
samples = 500
scaling = "none"

[classifier]
labels = "super"
signal = { kind = "xresnet", layers = [1, 1], stem = [8, 8, 8], widen = 0.125 }
head = { hidden = [16], batch_norm = true, dropout = 0.2 }
crop = { samples = 250 }

[train]
epochs = 2
batch_size = 16
learning_rate = 1e-2

[evaluate]
bootstrap = { resamples = 20 }
"#;

const PRETRAINING: &str = r#"
name = "tiny"

[data]
dataset = "simulated"
cache = true
simulated = { records = 60, simulator = { sampling_rate = 100.0, seconds = 5.0 } }

[contract]
leads = ["I", "II", "V1", "V5"]
sampling_rate = 100.0
samples = 500
scaling = "none"

[text]
vocabulary = 300

[model]
mode = "paper"
latents = 16
signal = { kind = "convnext", size = { custom = { depths = [1, 1, 1, 1], widths = [8, 8, 16, 16] } } }
text = { hidden_size = 16, num_hidden_layers = 1, num_attention_heads = 2, intermediate_size = 32, max_position_embeddings = 64 }
decoder = { depth = 1, heads = 2, dim_head = 8 }

[train]
steps = 1
batch_size = 6
max_tokens = 64

[evaluate]
labels = "conditions"
prompts = "simulated"
bootstrap = { resamples = 0 }
"#;

fn experiment(overrides: &[&str]) -> SupervisedExperiment {
    let overrides: Vec<String> = overrides.iter().map(|&item| item.to_owned()).collect();
    SupervisedExperiment::parse(Path::new("tiny.toml"), SUPERVISED, &overrides).unwrap()
}

fn run(experiment: SupervisedExperiment, out: &Path) -> Result<Finetuned> {
    let stop = Arc::new(AtomicBool::new(false));
    finetune(experiment, &RunOptions { out: out.to_owned(), resume: false, stop, display: ProgressDisplay::Hidden })
}

/// The simulated patients that the run was judged on, by their ids.
fn judged(classifier: &Classifier) -> Vec<(String, Record)> {
    let dataset = Data::open(&classifier.experiment.data).unwrap().select(&Split::Test);
    (0..dataset.len()).map(|index| (dataset.entries[index].id.clone(), dataset.record(index).unwrap())).collect()
}

#[test]
fn a_run_opens_as_a_classifier_that_scores_embeds_and_is_judged_by_protocols() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let outcome = run(experiment(&[]), &out).unwrap();
    let judgement = outcome.judgement.unwrap();
    assert_eq!(judgement.result.labels, "super");
    assert!(judgement.result.r#macro.auroc.value.is_some_and(|value| (0.0..=1.0).contains(&value)));
    assert!(out.join("judgement.json").is_file());
    // The same seed gives the same bytes.
    let again = folder.path().join("again");
    run(experiment(&[]), &again).unwrap();
    let weights =
        |run: &Path| std::fs::read(Checkpoint::open(run).unwrap().folder().join("model.safetensors")).unwrap();
    assert!(weights(&out) == weights(&again));

    assert!(Classifier::is_at(&out) && !Classifier::is_at(folder.path()));
    let refusal = Model::open(&out).unwrap_err().to_string();
    assert!(refusal.contains("holds a classifier") && refusal.contains("einthoven evaluate"), "{refusal}");
    let classifier = Classifier::open(&out).unwrap();
    assert_eq!(classifier.classes().len(), classifier.network.classes());
    assert_eq!(classifier.contract().samples, 500);
    let records = judged(&classifier);
    let scores = classifier.scores(&records).unwrap();
    assert_eq!(scores.classes(), classifier.classes());
    assert!((0..records.len()).all(|row| scores.row(row).iter().all(|score| (0.0..=1.0).contains(score))));
    let embeddings = classifier.embed(&records).unwrap();
    assert_eq!((embeddings.rows(), embeddings.width()), (records.len(), 64));

    // A protocol finds the scores that the classifier gives by itself, in the order that the protocol asks for.
    let text = r#"
        name = "tiny"
        version = 1
        about = "a test"
        seed = 0
        data = { dataset = "simulated", simulated = { records = 120, simulator = { sampling_rate = 100.0, seconds = 5.0 } }, fitted = [1], judged = [10] }
        bootstrap = { resamples = 0 }
        tasks = [{ kind = "classifier", labels = "super" }]
    "#;
    let protocol = Protocol::parse(text, Path::new("tiny.toml")).unwrap();
    let asked = Records::open(&protocol, None).unwrap();
    let answer = |subject: String| -> SubjectResult {
        let subject = SubjectName::parse(&subject).unwrap().open(0, ProgressDisplay::Hidden).unwrap();
        judge(&protocol, &asked, subject.as_ref(), &Arc::default(), |_| {}).unwrap()
    };
    let result = answer(format!("tiny={}", out.display()));
    assert_eq!(result.subject.kind, "classifier, super");
    let [TaskResult { outcome: Outcome::Classification(found), .. }] = result.tasks.as_slice() else { panic!() };
    assert!(!found.scores.records.is_empty());
    for record in &found.scores.records {
        let row = scores.records().iter().position(|id| *id == record.id).unwrap();
        let wanted = scores.row(row).iter().map(|&score| score as f32);
        assert!(record.scores[0].iter().copied().eq(wanted), "{}", record.id);
    }
    let fresh = answer(format!("fresh=random:{}", out.display()));
    assert_eq!(fresh.subject.kind, "random encoder");
    assert!(!matches!(fresh.tasks[0].outcome, Outcome::Classification(_)));
}

#[test]
fn an_experiment_for_the_other_command_is_told_which() {
    let path = Path::new("tiny.toml");
    let message = Experiment::parse(path, SUPERVISED, &[]).unwrap_err().to_string();
    assert!(message.contains("tiny.toml") && message.contains("einthoven finetune"), "{message}");
    let message = SupervisedExperiment::parse(path, PRETRAINING, &[]).unwrap_err().to_string();
    assert!(message.contains("tiny.toml") && message.contains("einthoven pretrain"), "{message}");
}

/// Of so small models everything fits.
#[test]
fn the_batch_sizes_that_fit_are_found_for_both_kinds_of_experiment() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let overrides = ["train.contrastive_batch=24".to_owned()];
    let pretraining = Experiment::parse(Path::new("tiny.toml"), PRETRAINING, &overrides).unwrap();
    let records = Data::open(&pretraining.data).unwrap().select(&Split::Train).len();
    let sizes = find_batch_size(pretraining).unwrap();
    assert_eq!(sizes.plain.unwrap().batch_size, records);
    assert_eq!(sizes.cached.unwrap().batch_size, 24);
    let sizes = find_classifier_batch_size(experiment(&[])).unwrap();
    assert!(sizes.measured.is_some() && sizes.plain.is_some() && sizes.cached.is_none(), "{sizes}");
}

/// What comes along is what it says it is.
#[test]
fn the_experiments_that_come_along_are_understood() {
    for name in ["ptbxl-sample-xresnet1d", "ptbxl-sample-finetune"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../experiments/{name}.toml"));
        let experiment = SupervisedExperiment::load(&path, &[]).unwrap();
        assert_eq!(experiment.name, name);
        let text = experiment.to_toml().unwrap();
        assert_eq!(SupervisedExperiment::parse(&path, &text, &[]).unwrap(), experiment);
    }
}

#[test]
fn pretraining_takes_the_encoder_of_a_classifier_and_locks_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("classifier");
    run(experiment(&["train.epochs=1"]), &out).unwrap();
    let classifier = Classifier::open(&out).unwrap();
    let pretraining = |overrides: &[&str]| {
        let mut overrides: Vec<String> = overrides.iter().map(|&item| item.to_owned()).collect();
        overrides.push(format!("start_from={}", out.display()));
        let experiment = Experiment::parse(Path::new("tiny.toml"), PRETRAINING, &overrides).unwrap();
        let place = folder.path().join("pretrained");
        let options =
            RunOptions { out: place.clone(), resume: false, stop: Arc::default(), display: ProgressDisplay::Hidden };
        pretrain(experiment, &options).map(|_| Model::open(&place).unwrap())
    };
    let shape = toml::Value::try_from(classifier.network.config().signal.clone()).unwrap();
    let signal = format!("model.signal={shape}");
    let locked = ["model.mode=corrected", "train.steps=2", "train.encoder.learning_rate_scale=0.0", &signal];
    let key = |error: Error| match error {
        Error::Setting { key, message } => (key, message),
        error => panic!("{error}"),
    };
    let (refused, message) = key(pretraining(&locked[..3]).unwrap_err());
    assert!(refused == "model.signal" && message.contains("make it { "), "{message}");
    let other = [&locked[..], &["contract.sampling_rate=50.0", "contract.samples=250"]].concat();
    assert_eq!(key(pretraining(&other).unwrap_err()).0, "contract");
    let model = pretraining(&locked).unwrap();
    let (there, here) = (classifier.parameters.tensors(), model.parameters.tensors());
    let numbers = |tensor: &candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let mut compared = 0;
    for (name, tensor) in &here {
        let Some(name) = name.strip_prefix("img_encoder.") else { continue };
        assert!(numbers(tensor) == numbers(&there[&format!("encoder.{name}")]), "{name}");
        compared += 1;
    }
    assert!(compared > 20);
    assert!(numbers(&here["text_centre"]).iter().any(|&value| value != 0.0));
}

#[test]
fn an_encoder_of_another_run_is_begun_with() {
    let folder = tempfile::tempdir().unwrap();
    let before = folder.path().join("before");
    let pretraining = Experiment::parse(Path::new("tiny.toml"), PRETRAINING, &[]).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let options = RunOptions { out: before.clone(), resume: false, stop, display: ProgressDisplay::Hidden };
    pretrain(pretraining, &options).unwrap();

    // What the encoder was fed and how it is shaped comes from there; locked, it stays as it was there.
    let mut after = experiment(&["train.encoder.learning_rate_scale=0.0", "classifier.head={}"]);
    after.start_from = Some(before.clone());
    (after.contract, after.classifier.signal, after.classifier.crop) = (None, None, None);
    let out = folder.path().join("after");
    run(after.clone(), &out).unwrap();
    let classifier = Classifier::open(&out).unwrap();
    let model = Model::open(&before).unwrap();
    assert_eq!(classifier.contract(), model.checkpoint.contract());
    let (there, here) = (model.parameters.tensors(), classifier.parameters.tensors());
    let mut compared = 0;
    for (name, tensor) in &here {
        let Some(name) = name.strip_prefix("encoder.") else { continue };
        let values = |tensor: &candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(values(tensor) == values(&there[&format!("img_encoder.{name}")]), "{name}");
        compared += 1;
    }
    assert!(compared > 20);

    // A classifier can be begun with, too; its head is left behind.
    let mut third = experiment(&[]);
    third.start_from = Some(out);
    (third.contract, third.classifier.signal, third.classifier.crop) = (None, None, None);
    run(third, &folder.path().join("third")).unwrap();

    let refusal = |experiment: SupervisedExperiment| {
        let error = run(experiment, &folder.path().join("refused")).unwrap_err();
        let Error::Setting { key, .. } = error else { panic!("{error}") };
        key
    };
    let signal = experiment(&[]).classifier.signal;
    let with_signal = SupervisedExperiment {
        classifier: super::ClassifierTable { signal, ..after.classifier.clone() },
        ..after.clone()
    };
    assert_eq!(refusal(with_signal), "classifier.signal");
    let contract = experiment(&["contract.sampling_rate=50.0"]).contract;
    assert_eq!(refusal(SupervisedExperiment { contract, ..after.clone() }), "contract");
    assert_eq!(refusal(SupervisedExperiment { start_from: None, ..after }), "contract");
    let mut wrong = experiment(&[]);
    wrong.classifier.classes = Some(vec!["NONE".to_owned()]);
    assert_eq!(refusal(wrong), "classifier.classes");
}

/// What comes of fine-tuning a subject on the simulated patients of its run, with the encoder at `scale` of the head's rate.
fn fine_tuned(subject: &dyn Subject, scale: f64) -> FineTuned {
    let text = format!(
        "epochs = 1\nbatch_size = 16\nlearning_rate = 1e-2\nweight_decay = 0.0\nencoder = {{ learning_rate_scale = {scale} }}"
    );
    let training: Training = toml::from_str(&text).unwrap();
    let dataset = Data::open(&experiment(&[]).data).unwrap().select(&Split::Train);
    let labels = dataset.label_set("super").unwrap();
    let fitted = LabelledDataset { dataset, labels };
    let stop = Arc::default();
    let lesson = Lesson { training: &training, seed: 0, fitted: fitted.clone(), chosen: Some(&fitted), stop: &stop };
    subject.fine_tune(&lesson).unwrap()
}

#[test]
fn a_subject_is_fine_tuned_from_its_own_encoder_and_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let mut whole = experiment(&["train.epochs=1"]);
    whole.classifier.crop = None;
    run(whole, &out).unwrap();
    let records = judged(&Classifier::open(&out).unwrap());
    for name in [format!("x={}", out.display()), format!("x=random:{}", out.display())] {
        let subject = SubjectName::parse(&name).unwrap().open(5, ProgressDisplay::Hidden).unwrap();
        let embed = |subject: &dyn Subject| -> Embeddings { subject.embed(&records).unwrap().values };
        let before = embed(subject.as_ref());
        for (scale, is_same) in [(0.0, true), (1.0, false)] {
            let FineTuned::Classifier(taught) = fine_tuned(subject.as_ref(), scale) else { panic!("{name}") };
            assert_eq!(embed(taught.as_ref()) == before, is_same, "{name} at {scale}");
            let classes: Vec<String> = ["CD", "HYP", "MI", "NORM", "STTC"].map(str::to_owned).to_vec();
            let rows = taught.scores(&records, "super", &classes).unwrap().unwrap();
            assert!(rows.values.data().iter().all(|score| (0.0..=1.0).contains(score)));
        }
        assert!(embed(subject.as_ref()) == before);
    }
}

#[test]
fn a_subject_that_the_trainer_cannot_feed_says_which_recording() {
    let leads = ["contract.leads=[\"I\", \"V9\"]".to_owned()];
    let experiment = Experiment::parse(Path::new("tiny.toml"), PRETRAINING, &leads).unwrap();
    let subject = Network::of_experiment("odd".to_owned(), experiment, 0, ProgressDisplay::Hidden).unwrap();
    let FineTuned::NotApplicable { reason } = fine_tuned(&subject, 1.0) else { panic!() };
    assert!(reason.contains("V9"), "{reason}");
}

//! Carrying out a supervised experiment.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use candle_core::{DType, Device};
use einthoven_corpus::Split;
use einthoven_eval::bootstrap::BootstrapConfig;
use einthoven_models::Classifier as Network;
use einthoven_nn::Parameters;
use einthoven_random::Streams;
use einthoven_train::{ClassifierObjective, ProgressDisplay, Setup, Summary, Trainer, Validator};

use super::judge::{LabelledRecords, Monitor};
use super::start::Start;
use super::{Classifier, ClassifierJudgement, LabelledData, SupervisedExperiment, judge_classifier};
use crate::pretrain::{JUDGEMENT_FILE, open_folder};
use crate::{Data, Error, Result, write_atomically};

/// How a supervised experiment is carried out.
#[derive(Clone, Debug)]
pub struct Finetune {
    /// The folder of the run.
    pub out: PathBuf,
    /// Whether to go on with the run in the folder.
    pub resume: bool,
    /// When it becomes true, the run ends after the step at hand, with a checkpoint saved.
    pub stop: Arc<AtomicBool>,
    /// Whether progress is shown.
    pub display: ProgressDisplay,
}

/// How a supervised run came out.
#[derive(Debug)]
pub struct Finetuned {
    /// What the trainer says.
    pub summary: Summary,
    /// How the classifier did on the test folds; none if the run was interrupted.
    pub judgement: Option<ClassifierJudgement>,
}

/// Trains a classifier as `experiment` says, and judges it on the test folds.
///
/// # Errors
/// Those of every part; [`Error::RunExists`] for a folder that holds a run already, unless it is to be resumed.
pub fn finetune(mut experiment: SupervisedExperiment, options: &Finetune) -> Result<Finetuned> {
    let say = |line: String| {
        if options.display == ProgressDisplay::Shown {
            eprintln!("{line}");
        }
    };
    let start = experiment.start_from.as_deref().map(Start::open).transpose()?;
    if let Some(start) = &start {
        start.resolve(&mut experiment)?;
        say(format!("starting from {}", start.about));
    }
    let dataset = Data::open(&experiment.data)?;
    if !dataset.missing.is_empty() {
        say(format!("{}: {}", dataset.name, dataset.missing));
    }
    let labels = experiment.classifier.labels.clone();
    let select = |split: &Split, classes: Option<&[String]>| LabelledData::select(&dataset, split, &labels, classes);
    let training = select(&Split::Train, experiment.classifier.classes.as_deref())?;
    let classes = experiment.classifier.classes.insert(training.labels.classes.clone()).clone();
    let contract = experiment.contract()?.clone();

    let streams = Streams::new(experiment.seed);
    let parameters = Parameters::new(DType::F32, &Device::Cpu, streams);
    let network = Network::new(&experiment.network()?, contract.leads.len(), classes.len(), &parameters.root())?;
    if let Some(start) = &start {
        start.load_into(&parameters)?;
    }
    let judged_on = |split: &Split, bootstrap: BootstrapConfig| -> Result<Option<LabelledRecords>> {
        if dataset.splits.folds(split).is_empty() {
            return Ok(None);
        }
        let data = select(split, Some(&classes))?;
        LabelledRecords::new(&data, &experiment.data, &contract, bootstrap, streams).map(Some)
    };
    // Intervals are for the end: while training, the value is enough.
    let quick = BootstrapConfig { resamples: 0, ..experiment.evaluate.bootstrap };
    let validation = judged_on(&Split::Validation, quick)?;
    let test = judged_on(&Split::Test, experiment.evaluate.bootstrap)?
        .ok_or_else(|| Error::setting("data.splits.test", "name at least one fold to judge the outcome by"))?;

    let loader =
        training.loader(&experiment.data, &contract, experiment.augment, experiment.train.batch_size, streams)?;
    if training.unlabelled > 0 {
        say(format!("{}: {} recordings left out: no label of {labels}", training.name, training.unlabelled));
    }
    if !loader.leftovers().is_empty() {
        say(format!("{}: {}", training.name, loader.leftovers()));
    }
    say(format!(
        "{}: {} recordings to train on ({}), {} to judge by ({}); {} classes; {} parameters",
        experiment.name,
        loader.len(),
        training.name,
        test.loader.len(),
        test.name,
        classes.len(),
        parameters.count(),
    ));
    let validator = validation.map(|judged| -> Box<dyn Validator<Network>> { Box::new(Monitor { judged, streams }) });
    let setup = Setup {
        objective: ClassifierObjective::new(network, training.labels.targets, &experiment.train, Device::Cpu)?,
        parameters,
        loader,
        config: experiment.train.clone(),
        experiment: experiment.to_toml()?,
        validator,
        streams,
        folder: open_folder(&options.out, options.resume)?,
        stop: Arc::clone(&options.stop),
        display: options.display,
    };
    let summary = Trainer::new(setup)?.run()?;
    if summary.interrupted {
        return Ok(Finetuned { summary, judgement: None });
    }
    let classifier = Classifier::open(&options.out)?;
    let judgement = judge_classifier(&test, &classifier.network, &streams, |_| {})?;
    let json = serde_json::to_vec_pretty(&judgement).map_err(|error| Error::setting("judgement", error.to_string()))?;
    write_atomically(&options.out.join(JUDGEMENT_FILE), &json)?;
    Ok(Finetuned { summary, judgement: Some(judgement) })
}

//! Carrying out a supervised experiment.

use std::sync::Arc;

use candle_core::{DType, Device};
use einthoven_corpus::{Dataset, Loader, Split};
use einthoven_eval::bootstrap::BootstrapConfig;
use einthoven_models::Classifier as Network;
use einthoven_nn::Parameters;
use einthoven_random::Streams;
use einthoven_train::{BatchSizes, ClassifierObjective, MEASURED_BATCH, Setup, Summary, Trainer, Validator};

use super::judge::{LabelledRecords, Monitor};
use super::start::Start;
use super::{Classifier, ClassifierJudgement, ClassifierTable, LabelledData, SupervisedExperiment, judge_classifier};
use crate::run::no_test_folds;
use crate::{Data, Result, RunOptions};

/// How a supervised run came out.
#[derive(Debug)]
pub struct Finetuned {
    /// What the trainer says.
    pub summary: Summary,
    /// How the classifier did on the test folds; none if the run was interrupted.
    pub judgement: Option<ClassifierJudgement>,
}

/// What a supervised experiment trains, and on what.
pub(super) struct Parts {
    training: LabelledData,
    parameters: Parameters,
    network: Network,
}

impl Parts {
    /// The parts of an experiment on its part of `dataset`; `experiment.classifier.classes` names the classes afterwards.
    fn select(experiment: &mut SupervisedExperiment, start: Option<&Start>, dataset: &Dataset) -> Result<Self> {
        let ClassifierTable { labels, classes, .. } = &mut experiment.classifier;
        let training = LabelledData::select(dataset, &Split::Train, labels, classes.as_deref())?;
        classes.get_or_insert_with(|| training.labels.classes.clone());
        Self::new(experiment, start, training)
    }

    /// The parts of an experiment whose training recordings are these.
    pub(super) fn new(
        experiment: &SupervisedExperiment,
        start: Option<&Start>,
        training: LabelledData,
    ) -> Result<Self> {
        let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(experiment.seed));
        let (leads, classes) = (experiment.contract()?.leads.len(), training.labels.classes.len());
        let network = Network::new(&experiment.network()?, leads, classes, &parameters.root())?;
        if let Some(start) = start {
            start.load_into(&parameters, Network::ENCODER)?;
        }
        Ok(Self { training, parameters, network })
    }

    /// The training recordings in batches of so many.
    pub(super) fn loader(&self, experiment: &SupervisedExperiment, batch_size: usize) -> Result<Loader> {
        let SupervisedExperiment { data, augment, seed, .. } = experiment;
        self.training.data.loader(data, experiment.contract()?, *augment, batch_size, Streams::new(*seed))
    }

    /// Trains the classifier of a resolved experiment into the folder of a run, watching `validation`.
    ///
    /// # Errors
    /// Those of the trainer.
    pub(super) fn train(
        self,
        experiment: &SupervisedExperiment,
        loader: Loader,
        validation: Option<LabelledRecords>,
        options: &RunOptions,
    ) -> Result<Summary> {
        let streams = Streams::new(experiment.seed);
        let validator =
            validation.map(|judged| -> Box<dyn Validator<Network>> { Box::new(Monitor { judged, streams }) });
        let targets = self.training.labels.targets;
        let setup = Setup {
            objective: ClassifierObjective::new(self.network, targets, &experiment.train, Device::Cpu)?,
            parameters: self.parameters,
            loader,
            config: experiment.train.clone(),
            experiment: experiment.to_toml()?,
            validator,
            streams,
            folder: options.folder()?,
            stop: Arc::clone(&options.stop),
            display: options.display,
        };
        Ok(Trainer::new(setup)?.run()?)
    }
}

/// The encoder that the experiment begins with, if it names one; what `experiment` leaves to it is filled in.
fn start(experiment: &mut SupervisedExperiment) -> Result<Option<Start>> {
    let start = experiment.start_from.as_deref().map(Start::open).transpose()?;
    if let Some(start) = &start {
        start.resolve(experiment)?;
    }
    Ok(start)
}

/// Trains a classifier as `experiment` says, and judges it on the test folds.
///
/// # Errors
/// Those of every part; [`Error::RunExists`](crate::Error::RunExists) for a folder that holds a run already, unless it is to be resumed.
pub fn finetune(mut experiment: SupervisedExperiment, options: &RunOptions) -> Result<Finetuned> {
    let start = start(&mut experiment)?;
    if let Some(start) = &start {
        options.say(&format!("starting from {}", start.about));
    }
    let dataset = options.open(&experiment.data)?;
    let parts = Parts::select(&mut experiment, start.as_ref(), &dataset)?;
    let LabelledData { data: training, labels, unlabelled } = &parts.training;
    let contract = experiment.contract()?.clone();
    let streams = Streams::new(experiment.seed);
    let judged_on = |split: &Split, bootstrap: BootstrapConfig| -> Result<Option<LabelledRecords>> {
        if dataset.splits.folds(split).is_empty() {
            return Ok(None);
        }
        let data = LabelledData::select(&dataset, split, &labels.name, Some(&labels.classes))?;
        LabelledRecords::new(&data, &experiment.data, &contract, bootstrap, streams).map(Some)
    };
    // Intervals are for the end: while training, the value is enough.
    let quick = BootstrapConfig { resamples: 0, ..experiment.evaluate.bootstrap };
    let validation = judged_on(&Split::Validation, quick)?;
    let test = judged_on(&Split::Test, experiment.evaluate.bootstrap)?.ok_or_else(no_test_folds)?;

    let loader = parts.loader(&experiment, experiment.train.batch_size)?;
    if *unlabelled > 0 {
        options.say(&format!("{}: {unlabelled} recordings left out: no label of {}", training.name, labels.name));
    }
    if !loader.leftovers().is_empty() {
        options.say(&format!("{}: {}", training.name, loader.leftovers()));
    }
    options.say(&format!(
        "{}: {} recordings to train on ({}), {} to judge by ({}); {} classes; {} parameters",
        experiment.name,
        loader.len(),
        training.name,
        test.loader.len(),
        test.name,
        labels.classes.len(),
        parts.parameters.count(),
    ));
    let summary = parts.train(&experiment, loader, validation, options)?;
    if summary.interrupted {
        return Ok(Finetuned { summary, judgement: None });
    }
    let classifier = Classifier::open(&options.out)?;
    let judgement = judge_classifier(&test, &classifier.network, &streams, |_| {})?;
    options.save_judgement(&judgement)?;
    Ok(Finetuned { summary, judgement: Some(judgement) })
}

/// The largest batches that training a classifier can take without swapping, as [`einthoven_train::find_batch_size`] finds them.
///
/// # Errors
/// Those of every part up to the first step.
pub fn find_classifier_batch_size(mut experiment: SupervisedExperiment) -> Result<BatchSizes> {
    let start = start(&mut experiment)?;
    let dataset = Data::open(&experiment.data)?;
    let parts = Parts::select(&mut experiment, start.as_ref(), &dataset)?;
    let loader = parts.loader(&experiment, MEASURED_BATCH)?;
    let Parts { training, parameters, network } = parts;
    let SupervisedExperiment { train, seed, .. } = &experiment;
    let objective = ClassifierObjective::new(network, training.labels.targets, train, Device::Cpu)?;
    Ok(einthoven_train::find_batch_size(objective, &parameters, &loader, train, Streams::new(*seed))?)
}

//! Fine-tuning as a protocol asks for it.

use einthoven_corpus::{AugmentConfig, Loader, OnError};
use einthoven_eval::bootstrap::BootstrapConfig;
use einthoven_eval::protocol::{LabelledDataset, Lesson};
use einthoven_random::Streams;
use einthoven_signal::{InputContract, Missing};
use einthoven_train::{ProgressDisplay, Summary};

use super::finetune::Parts;
use super::start::Start;
use super::{Classifier, ClassifierTable, LabelledData, LabelledRecords, SupervisedEvaluate, SupervisedExperiment};
use crate::{DataConfig, Error, Result, RunOptions};

/// Recordings are kept in memory while they are learnt from if they take no more than so many bytes.
const CACHE: usize = 2 << 30;

/// What comes of an encoder that is taught.
pub(crate) enum Taught {
    /// A classifier of the label set.
    Classifier(Box<Classifier>),
    /// Nothing: a recording cannot be fed to the trainer, for a reason.
    Refused(String),
}

/// Trains the encoder of `start` and a new head as `lesson` says, in a folder that is gone afterwards.
///
/// # Errors
/// Those of every part; [`einthoven_eval::Error::Interrupted`] if asked to stop.
pub(crate) fn teach(start: &Start, lesson: &Lesson, display: ProgressDisplay) -> Result<Taught> {
    let LabelledDataset { dataset, labels } = &lesson.fitted;
    // Gaps are filled as where subjects are fed.
    let contract = InputContract { missing: Missing::LeadMeanOrZero, ..start.contract.clone() };
    let chosen = lesson.chosen.map_or(0, |chosen| chosen.dataset.len());
    let bytes = (dataset.len() + chosen) * contract.leads.len() * contract.samples * size_of::<f32>();
    let experiment = SupervisedExperiment {
        name: format!("{} on {} recordings of {}", labels.name, dataset.len(), dataset.name),
        seed: lesson.seed,
        start_from: None,
        data: DataConfig { cache: bytes <= CACHE, on_error: OnError::LeaveOut, ..DataConfig::of(dataset.name.clone()) },
        contract: Some(contract.clone()),
        augment: AugmentConfig::none(),
        classifier: ClassifierTable {
            labels: labels.name.clone(),
            classes: Some(labels.classes.clone()),
            signal: Some(start.signal.clone()),
            head: lesson.training.head.clone(),
            crop: None,
        },
        train: lesson.training.config(dataset.len(), lesson.chosen.is_some()),
        evaluate: SupervisedEvaluate::default(),
    };
    let parts = Parts::new(&experiment, Some(start), labelled(&lesson.fitted))?;
    let watched = |chosen: &LabelledDataset| {
        let bootstrap = BootstrapConfig { resamples: 0, ..BootstrapConfig::default() };
        LabelledRecords::new(&labelled(chosen), &experiment.data, &contract, bootstrap, Streams::new(lesson.seed))
    };
    let loaded = || -> Result<(Loader, Option<LabelledRecords>)> {
        let loader = parts.loader(&experiment, experiment.train.batch_size)?;
        Ok((loader, lesson.chosen.map(watched).transpose()?))
    };
    let (loader, validation) = match loaded() {
        Ok(loaded) => loaded,
        Err(Error::Corpus(error)) => match *error {
            // Not one of them can be prepared.
            einthoven_corpus::Error::Record { id, source, .. } => {
                return Ok(Taught::Refused(refusal(&id, &source.to_string())));
            }
            other => return Err(other.into()),
        },
        Err(error) => return Err(error),
    };
    let loaders = validation.iter().map(|records| &records.loader).chain([&loader]);
    if let Some(first) = loaders.flat_map(|loader| &loader.leftovers().records).next() {
        return Ok(Taught::Refused(refusal(&first.id, &first.reason)));
    }
    let place = std::env::temp_dir();
    let folder = tempfile::tempdir().map_err(Error::file("make a folder in", &place))?;
    let out = folder.path().join("run");
    let options = RunOptions { out, resume: false, stop: lesson.stop.clone(), display };
    options.say(&format!("{}: fine-tuning, {}", start.about, experiment.name));
    let Summary { interrupted, .. } = parts.train(&experiment, loader, validation, &options)?;
    if interrupted {
        return Err(einthoven_eval::Error::Interrupted.into());
    }
    Ok(Taught::Classifier(Box::new(Classifier::open(&options.out)?)))
}

/// Subjects are fed leads that a recording lacks as 0 mV; the trainer is not.
fn refusal(record: &str, reason: &str) -> String {
    format!("record {record}, which it would learn from, cannot be prepared for training: {reason}")
}

fn labelled(LabelledDataset { dataset, labels }: &LabelledDataset) -> LabelledData {
    LabelledData::new(dataset.name.clone(), dataset.clone(), labels.clone())
}

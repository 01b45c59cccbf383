//! Carrying out an experiment: data and model are assembled, trained, and judged.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use einthoven_corpus::Split;
use einthoven_eval::bootstrap::BootstrapConfig;
use einthoven_eval::{ReferenceSet, embed};
use einthoven_random::Streams;
use einthoven_train::checkpoint::RunFolder;
use einthoven_train::{Checkpoint, EsiObjective, ProgressDisplay, Setup, Summary, Trainer};

use crate::judge::Monitor;
use crate::model::REFERENCE_FILE;
use crate::{
    Data, Error, EvaluateConfig, Experiment, Judged, Judgement, Model, Result, assemble, judge, report,
    write_atomically,
};

/// The file of a run's judgement.
pub(crate) const JUDGEMENT_FILE: &str = "judgement.json";

/// How an experiment is carried out.
#[derive(Clone, Debug)]
pub struct Pretrain {
    /// The folder of the run.
    pub out: PathBuf,
    /// Whether to go on with the run in the folder.
    pub resume: bool,
    /// When it becomes true, the run ends after the step at hand, with a checkpoint saved.
    pub stop: Arc<AtomicBool>,
    /// Whether progress is shown.
    pub display: ProgressDisplay,
}

/// How a run came out.
#[derive(Debug)]
pub struct Outcome {
    /// What the trainer says.
    pub summary: Summary,
    /// How the model did on the test folds; none if the run was interrupted.
    pub judgement: Option<Judgement>,
    /// The HTML report; none if the run was interrupted.
    pub report: Option<PathBuf>,
}

/// Pretrains as `experiment` says, judges the outcome on the test folds, and writes the report into the run folder.
///
/// # Errors
/// Those of every part; [`Error::RunExists`] for a folder that holds a run already, unless it is to be resumed.
pub fn pretrain(mut experiment: Experiment, options: &Pretrain) -> Result<Outcome> {
    let say = |line: String| {
        if options.display == ProgressDisplay::Shown {
            eprintln!("{line}");
        }
    };
    let dataset = Data::open(&experiment.data)?;
    if !dataset.missing.is_empty() {
        say(format!("{}: {}", dataset.name, dataset.missing));
    }
    let training = Data::select(&dataset, &experiment.data, &Split::Train)?;
    let (tokenizer, pretrained) = assemble::text(&mut experiment, &training.captions)?;
    let (parameters, network) = assemble::model(&experiment, pretrained.as_ref())?;
    match &experiment.start_from {
        Some(run) => {
            let step = assemble::start_from(run, &parameters, &tokenizer)?;
            say(format!("starting from {}, {step}", run.display()));
        }
        None => assemble::centre_texts(&network, &tokenizer, &training.captions, experiment.train.max_tokens)?,
    }
    let streams = Streams::new(experiment.seed);
    let contract = experiment.contract.clone();
    let select_judged = |split: &Split, config: &EvaluateConfig| -> Result<Option<Judged>> {
        if dataset.splits.folds(split).is_empty() {
            return Ok(None);
        }
        let data = Data::select(&dataset, &experiment.data, split)?;
        Judged::new(&data, &experiment, &contract, config).map(Some)
    };
    // Intervals are for the end: while training, the value is enough.
    let quick = EvaluateConfig {
        bootstrap: BootstrapConfig { resamples: 0, ..Default::default() },
        ..experiment.evaluate.clone()
    };
    let validation = select_judged(&Split::Validation, &quick)?;
    let test = select_judged(&Split::Test, &experiment.evaluate)?
        .ok_or_else(|| Error::setting("data.splits.test", "name at least one fold to judge the outcome by"))?;

    let loader =
        training.loader(&experiment.data, &contract, experiment.augment, experiment.train.batch_size, streams)?;
    for leftovers in [&training.leftovers, loader.leftovers()] {
        if !leftovers.is_empty() {
            say(format!("{}: {leftovers}", training.name));
        }
    }
    say(format!(
        "{}: {} recordings to train on ({}), {} to judge by ({}); {} parameters",
        experiment.name,
        loader.len(),
        training.name,
        test.loader.len(),
        test.name,
        parameters.count(),
    ));
    let folder = open_folder(&options.out, options.resume)?;
    let reference = validation.clone();
    let validator = validation.map(|judged| -> Box<dyn einthoven_train::Validator> {
        Box::new(Monitor { judged, tokenizer: tokenizer.clone(), streams })
    });
    let device = parameters.device().clone();
    let setup = Setup {
        objective: EsiObjective::new(network, &tokenizer, &training.captions, &experiment.train, device)?,
        parameters,
        loader,
        config: experiment.train.clone(),
        experiment: experiment.to_toml()?,
        validator,
        streams,
        folder,
        stop: Arc::clone(&options.stop),
        display: options.display,
    };
    let summary = Trainer::new(setup)?.run()?;
    if summary.interrupted {
        return Ok(Outcome { summary, judgement: None, report: None });
    }
    let model = Model::open(&options.out)?;
    let judgement = judge(&test, &model.network, &model.tokenizer, &streams, |_| {})?;
    // Queries are ranked among recordings that were neither trained on nor, where there are others, judged by.
    let (name, embeddings) = match &reference {
        Some(judged) => (&judged.name, embed::signals(&model.network, &judged.loader, |_| {})?.embeddings),
        None => (&test.name, judgement.signals.clone()),
    };
    let reference = ReferenceSet { name: name.clone(), embeddings };
    reference.save(&model.checkpoint.folder().join(REFERENCE_FILE))?;
    let json = serde_json::to_vec_pretty(&judgement).map_err(|error| Error::setting("judgement", error.to_string()))?;
    write_atomically(&options.out.join(JUDGEMENT_FILE), &json)?;
    let page = options.out.join("report.html");
    report::build(&model, &test, &judgement, Some(&options.out.join("metrics.jsonl")))?.save(&page)?;
    Ok(Outcome { summary, judgement: Some(judgement), report: Some(page) })
}

/// The folder of a new run, or of the one to go on with.
pub(crate) fn open_folder(out: &Path, resume: bool) -> Result<RunFolder> {
    if resume && out.is_dir() {
        return Ok(RunFolder::resume(out)?);
    }
    match RunFolder::create(out) {
        Err(einthoven_train::Error::RunExists { path }) => Err(Error::RunExists { path }),
        folder => Ok(folder?),
    }
}

/// The step of a checkpoint, in words.
pub(crate) fn describe_step(checkpoint: &Checkpoint) -> String {
    let state = checkpoint.state();
    format!("step {} (epoch {})", state.step, state.epoch)
}

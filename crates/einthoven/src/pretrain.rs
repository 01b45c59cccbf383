//! Carrying out an experiment: data and model are assembled, trained, and judged.

use std::path::PathBuf;
use std::sync::Arc;

use einthoven_corpus::Split;
use einthoven_eval::bootstrap::BootstrapConfig;
use einthoven_eval::{ReferenceSet, embed};
use einthoven_random::Streams;
use einthoven_train::config::EncoderConfig;
use einthoven_train::{BatchSizes, EsiObjective, MEASURED_BATCH, Setup, Summary, Trainer};

use crate::assemble::Parts;
use crate::judge::Monitor;
use crate::model::REFERENCE_FILE;
use crate::run::no_test_folds;
use crate::supervised::Start;
use crate::{
    Data, Error, EvaluateConfig, Experiment, Judged, Judgement, Model, Result, RunOptions, assemble, judge, report,
};

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
/// Those of every part; [`Error::RunExists`](crate::Error::RunExists) for a folder that holds a run already, unless it is to be resumed.
pub fn pretrain(mut experiment: Experiment, options: &RunOptions) -> Result<Outcome> {
    check_locks(&experiment)?;
    let dataset = options.open(&experiment.data)?;
    let Parts { training, tokenizer, parameters, network } = Parts::new(&mut experiment, &dataset)?;
    let centre_texts = || assemble::centre_texts(&network, &tokenizer, &training.captions, experiment.train.max_tokens);
    match &experiment.start_from {
        Some(run) if Start::is_encoder_alone(run) => {
            let start = Start::open(run)?;
            start.load_into_esi(&parameters, &experiment)?;
            options.say(&format!("starting from the signal encoder of {}", start.about));
            centre_texts()?;
        }
        Some(run) => {
            let step = assemble::start_from(run, &parameters, &tokenizer)?;
            options.say(&format!("starting from {}, {step}", run.display()));
        }
        None => centre_texts()?,
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
    let test = select_judged(&Split::Test, &experiment.evaluate)?.ok_or_else(no_test_folds)?;

    let loader =
        training.loader(&experiment.data, &contract, experiment.augment, experiment.train.batch_size, streams)?;
    for leftovers in [&training.leftovers, loader.leftovers()] {
        if !leftovers.is_empty() {
            options.say(&format!("{}: {leftovers}", training.name));
        }
    }
    options.say(&format!(
        "{}: {} recordings to train on ({}), {} to judge by ({}); {} parameters",
        experiment.name,
        loader.len(),
        training.name,
        test.loader.len(),
        test.name,
        parameters.count(),
    ));
    let folder = options.folder()?;
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
    options.save_judgement(&judgement)?;
    let page = options.out.join("report.html");
    report::build(&model, &test, &judgement, Some(&options.out.join("metrics.jsonl")))?.save(&page)?;
    Ok(Outcome { summary, judgement: Some(judgement), report: Some(page) })
}

/// Refuses to lock a signal encoder that has learnt nothing.
fn check_locks(experiment: &Experiment) -> Result<()> {
    let is_locked = |encoder: EncoderConfig| {
        encoder.learning_rate_scale == 0.0 || encoder.unlock.is_some() || encoder.unlock_every.is_some()
    };
    if experiment.start_from.is_none() && experiment.train.encoder.is_some_and(is_locked) {
        let message = "locks a signal encoder with new weights; name the run or the import that it comes from (start_from), or \
                       let it learn from the first step";
        return Err(Error::setting("train.encoder", message));
    }
    Ok(())
}

/// The largest batches that pretraining can take without swapping, as [`einthoven_train::find_batch_size`] finds them.
///
/// # Errors
/// Those of every part up to the first step.
pub fn find_batch_size(mut experiment: Experiment) -> Result<BatchSizes> {
    let dataset = Data::open(&experiment.data)?;
    let Parts { training, tokenizer, parameters, network } = Parts::new(&mut experiment, &dataset)?;
    let Experiment { data, contract, augment, train, seed, .. } = &experiment;
    let streams = Streams::new(*seed);
    let loader = training.loader(data, contract, *augment, MEASURED_BATCH, streams)?;
    let device = parameters.device().clone();
    let objective = EsiObjective::new(network, &tokenizer, &training.captions, train, device)?;
    Ok(einthoven_train::find_batch_size(objective, &parameters, &loader, train, streams)?)
}

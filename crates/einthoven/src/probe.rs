//! Linear probing of a run: heads fitted on its training records, judged on others.

use std::collections::BTreeMap;
use std::path::PathBuf;

use einthoven_corpus::{AugmentConfig, LabelSet, Split};
use einthoven_eval::embed::{self, Embedded};
use einthoven_eval::probe::{self, LinearHeads, ProbeResult};
use einthoven_random::Streams;

use crate::{Data, DataConfig, Error, Model, Result};

/// Recordings that are embedded per batch.
const BATCH: usize = 32;

/// What a run is probed with.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The label set that the heads learn, of the run's own dataset.
    pub labels: String,
    /// The classes of it to learn; all that both label sets have if empty.
    pub classes: Vec<String>,
    /// The dataset to judge on; the run's own if none is named.
    pub dataset: Option<String>,
    /// Where that lies.
    pub root: Option<PathBuf>,
    /// The label set to judge by; the one that was learnt if none is named.
    pub judged_labels: Option<String>,
    /// The folds to judge on; the test folds if none are named.
    pub folds: Option<Vec<u8>>,
    /// The L2 penalty of the heads.
    pub decay: f64,
}

/// How the heads did.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Probed {
    /// What the heads were fitted on.
    pub fitted_on: String,
    /// How many records that were.
    pub fitted_records: usize,
    /// What they were judged on.
    pub data: String,
    /// How they did.
    pub result: ProbeResult,
}

/// Fits linear heads on the embeddings of the training records of `model`'s run and judges them on those of a dataset.
///
/// Records without a class of the label set are left out, here and there, as in zero-shot judging.
///
/// # Errors
/// Those of opening and embedding recordings; [`Error::Setting`] for a label set or class that is not there, and where
/// no record has a label.
pub fn probe(model: &Model, options: &Probe, mut seen: impl FnMut(usize)) -> Result<Probed> {
    let own = &model.experiment.data;
    let mut other = own.clone();
    if let Some(dataset) = options.dataset.as_ref().filter(|dataset| **dataset != own.dataset) {
        // What belongs to the run's dataset says nothing about this one.
        other = DataConfig { root: None, rate: None, folds: None, splits: None, ..other };
        other.dataset.clone_from(dataset);
    }
    if options.root.is_some() {
        other.root.clone_from(&options.root);
    }
    let split = options.folds.clone().map_or(Split::Test, Split::Folds);
    let training = Data::select(&Data::open(own)?, own, &Split::Train)?;
    let judged = Data::select(&Data::open(&other)?, &other, &split)?;
    let learnt = training.dataset.label_set(&options.labels)?;
    let truth = judged.dataset.label_set(options.judged_labels.as_ref().unwrap_or(&options.labels))?;
    let classes = classes(&learnt, &truth, &options.classes)?;

    let mut embed = |data: &Data, config: &DataConfig| -> Result<Embedded> {
        let streams = Streams::new(model.experiment.seed);
        let loader = data.loader(config, model.checkpoint.contract(), AugmentConfig::none(), BATCH, streams)?;
        Ok(embed::signals(&model.network, &loader, &mut seen)?)
    };
    let fitted = labelled(embed(&training, own)?, &learnt, &classes, &training.name)?;
    let heads = LinearHeads::fit(classes.clone(), &fitted.signals, &fitted.targets, options.decay)?;
    let held_out = labelled(embed(&judged, &other)?, &truth, &classes, &judged.name)?;
    let scores = heads.scores(held_out.ids, &held_out.signals)?;
    let streams = Streams::new(model.experiment.seed);
    let bootstrap = &model.experiment.evaluate.bootstrap;
    let result = probe::judge(&truth.name, &scores, &held_out.targets, bootstrap, &streams)?;
    Ok(Probed { fitted_on: training.name, fitted_records: fitted.targets.len(), data: judged.name, result })
}

/// The classes that the heads are for, in the order of the label set learnt.
fn classes(learnt: &LabelSet, truth: &LabelSet, wanted: &[String]) -> Result<Vec<String>> {
    let both = |class: &&String| truth.classes.contains(class);
    if let Some(class) = wanted.iter().find(|class| !learnt.classes.contains(class) || !both(class)) {
        let message = format!("{class} is not a class of both {} and {}", learnt.name, truth.name);
        return Err(Error::setting("--classes", message));
    }
    let chosen = learnt.classes.iter().filter(both).filter(|class| wanted.is_empty() || wanted.contains(class));
    Ok(chosen.cloned().collect())
}

/// Embeddings of records with a label, and what they are labelled.
struct Labelled {
    ids: Vec<String>,
    signals: einthoven_eval::Embeddings,
    targets: Vec<Vec<bool>>,
}

fn labelled(embedded: Embedded, labels: &LabelSet, classes: &[String], name: &str) -> Result<Labelled> {
    let columns: BTreeMap<&String, usize> = labels.classes.iter().zip(0..).collect();
    let rows: Vec<usize> =
        (0..embedded.ids.len()).filter(|&row| labels.targets[embedded.indices[row]].contains(&true)).collect();
    if rows.is_empty() {
        let message = format!("no recording of {name} has a label of {}", labels.name);
        return Err(Error::setting("--labels", message));
    }
    let target = |&row: &usize| {
        let truth = &labels.targets[embedded.indices[row]];
        classes.iter().map(|class| columns.get(class).is_some_and(|&column| truth[column])).collect()
    };
    Ok(Labelled {
        signals: embedded.embeddings.select(&rows),
        targets: rows.iter().map(target).collect(),
        ids: rows.iter().map(|&row| embedded.ids[row].clone()).collect(),
    })
}

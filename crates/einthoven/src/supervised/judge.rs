//! Judging a classifier on recordings that it has not been trained on.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use einthoven_corpus::{AugmentConfig, LabelSet, Leftovers, Loader};
use einthoven_eval::bootstrap::BootstrapConfig;
use einthoven_eval::metrics::ScoreTable;
use einthoven_eval::probe::{self, ProbeResult};
use einthoven_models::Classifier as Network;
use einthoven_random::Streams;
use einthoven_signal::InputContract;
use einthoven_train::Validator;
use serde::Serialize;

use super::LabelledData;
use crate::{DataConfig, Result};

/// Recordings that are judged per batch.
const BATCH: usize = 16;

/// What a classifier is judged on.
#[derive(Clone)]
pub struct LabelledRecords {
    /// What the recordings are, such as `ptb-xl fold 9`.
    pub name: String,
    /// The recordings.
    pub loader: Loader,
    labels: LabelSet,
    unlabelled: usize,
    bootstrap: BootstrapConfig,
}

/// How a classifier did.
#[derive(Clone, Debug, Serialize)]
pub struct ClassifierJudgement {
    /// What it was judged on.
    pub data: String,
    /// Its metrics on the recordings that have a label of the set.
    pub result: ProbeResult,
    /// How many recordings have no label of the set.
    pub unlabelled: usize,
    /// The recordings that cannot be prepared, with the reason for each.
    pub leftovers: Leftovers,
}

impl LabelledRecords {
    /// Labelled recordings under a contract.
    ///
    /// # Errors
    /// Those of making a loader.
    pub fn new(
        data: &LabelledData,
        config: &DataConfig,
        contract: &InputContract,
        bootstrap: BootstrapConfig,
        streams: Streams,
    ) -> Result<Self> {
        Ok(Self {
            name: data.data.name.clone(),
            loader: data.data.loader(config, contract, AugmentConfig::none(), BATCH, streams)?,
            labels: data.labels.clone(),
            unlabelled: data.unlabelled,
            bootstrap,
        })
    }
}

/// Judges `network`; `seen` hears how many recordings have been scored.
///
/// # Errors
/// Those of reading recordings and of the model.
pub fn judge_classifier(
    judged: &LabelledRecords,
    network: &Network,
    streams: &Streams,
    mut seen: impl FnMut(usize),
) -> Result<ClassifierJudgement> {
    let (mut ids, mut targets, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for batch in judged.loader.in_order() {
        let batch = batch?;
        let shape = (batch.len(), batch.leads, batch.samples);
        let signals = Tensor::from_slice(&batch.signals, shape, &Device::Cpu)?;
        values.extend(network.probabilities(&signals, &batch.valid)?);
        targets.extend(batch.indices.iter().map(|&index| judged.labels.targets[index].clone()));
        ids.extend(batch.ids);
        seen(ids.len());
    }
    let scores = ScoreTable::new(ids, judged.labels.classes.clone(), values)?;
    Ok(ClassifierJudgement {
        data: judged.name.clone(),
        result: probe::judge(&judged.labels.name, &scores, &targets, &judged.bootstrap, streams)?,
        unlabelled: judged.unlabelled,
        leftovers: judged.loader.leftovers().clone(),
    })
}

/// Judges a classifier while it trains: its macro AUROC and AUPRC go into the metric log.
pub(super) struct Monitor {
    pub judged: LabelledRecords,
    pub streams: Streams,
}

impl Validator<Network> for Monitor {
    fn validate(
        &mut self,
        network: &Network,
        _step: u64,
    ) -> std::result::Result<BTreeMap<String, f64>, Box<dyn std::error::Error + Send + Sync>> {
        let means = judge_classifier(&self.judged, network, &self.streams, |_| {})?.result.r#macro;
        let values = [("auroc", means.auroc.value), ("auprc", means.auprc.value)];
        Ok(values.into_iter().map(|(name, value)| (name.to_owned(), value.unwrap_or(f64::NAN))).collect())
    }
}

//! A trained classifier, opened from a run.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use einthoven_eval::Embeddings;
use einthoven_eval::metrics::ScoreTable;
use einthoven_models::{Classifier as Network, SignalEncoder};
use einthoven_nn::Parameters;
use einthoven_random::Streams;
use einthoven_signal::{InputContract, Record};
use einthoven_train::Checkpoint;

use super::SupervisedExperiment;
use crate::Result;

/// Recordings that go through the network at once.
const BATCH: usize = 16;

/// A trained classifier with everything needed to use it.
#[derive(Debug)]
pub struct Classifier {
    /// The checkpoint it was opened from.
    pub checkpoint: Checkpoint,
    /// The experiment it comes from.
    pub experiment: SupervisedExperiment,
    /// Its parameters.
    pub parameters: Parameters,
    /// The network.
    pub network: Network,
    /// Whether the weights are fresh ones, not the run's.
    pub(crate) is_fresh: bool,
}

impl Classifier {
    /// Whether a run folder or checkpoint folder holds a classifier.
    pub fn is_at(path: &Path) -> bool {
        Checkpoint::open(path).is_ok_and(|checkpoint| SupervisedExperiment::is_in(checkpoint.config()))
    }

    /// Opens a run folder (its best checkpoint, else its last; `RUN@last` and `RUN@best` choose) or a checkpoint folder.
    ///
    /// # Errors
    /// Names the file that is missing, cut short, or from another version.
    pub fn open(path: &Path) -> Result<Self> {
        let checkpoint = Checkpoint::open(path)?;
        let config = checkpoint.folder().join("config.toml");
        let experiment = SupervisedExperiment::parse(&config, checkpoint.config(), &[])?;
        let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(experiment.seed));
        let (leads, classes) = (checkpoint.contract().leads.len(), classes(&experiment).len());
        let network = Network::new(&experiment.network()?, leads, classes, &parameters.root())?;
        parameters.load(&checkpoint.model_tensors(&Device::Cpu)?)?;
        Ok(Self { checkpoint, experiment, parameters, network, is_fresh: false })
    }

    /// The same classifier with fresh weights of `seed` in all its parts, as a baseline.
    ///
    /// # Errors
    /// Those of building the network.
    pub(crate) fn with_fresh_weights(self, seed: u64) -> Result<Self> {
        let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(seed));
        let (leads, classes) = (self.network.leads(), self.network.classes());
        let network = Network::new(self.network.config(), leads, classes, &parameters.root())?;
        Ok(Self { parameters, network, is_fresh: true, ..self })
    }

    /// What it is fed.
    pub fn contract(&self) -> &InputContract {
        self.checkpoint.contract()
    }

    /// The label set that it has learnt.
    pub fn labels(&self) -> &str {
        &self.experiment.classifier.labels
    }

    /// The classes that it gives probabilities for, in the order of [`scores`](Self::scores).
    pub fn classes(&self) -> &[String] {
        classes(&self.experiment)
    }

    /// The probability of each class for recordings of any leads, rate and length that the input contract can prepare.
    ///
    /// # Errors
    /// Names the recording and what the contract lacks in it.
    pub fn scores(&self, records: &[(String, Record)]) -> Result<ScoreTable> {
        let values = self.read(records, |signals, valid| self.network.probabilities(signals, valid))?;
        let names = records.iter().map(|(name, _)| name.clone()).collect();
        Ok(ScoreTable::new(names, self.classes().to_vec(), values)?)
    }

    /// Embeds recordings that the input contract can prepare: the encoder's pooled vectors, `[recordings, width]`, not scaled
    /// to length one.
    ///
    /// # Errors
    /// As [`Classifier::scores`].
    pub fn embed(&self, records: &[(String, Record)]) -> Result<Embeddings> {
        let values = self.read(records, |signals, valid| self.network.embed(signals, valid))?;
        let data = values.into_iter().map(|value| value as f32).collect();
        Ok(Embeddings::new(records.len(), self.network.encoder().width(), data)?)
    }

    /// What `read` makes of recordings under the contract, a recording's numbers side by side.
    fn read(
        &self,
        records: &[(String, Record)],
        read: impl Fn(&Tensor, &[usize]) -> einthoven_models::Result<Vec<f64>>,
    ) -> Result<Vec<f64>> {
        let contract = self.contract();
        let mut values = Vec::new();
        for batch in records.chunks(BATCH) {
            let (mut samples, mut valid) = (Vec::new(), Vec::new());
            for (name, record) in batch {
                let prepared = contract.prepare(record).map_err(|source| einthoven_eval::Error::Record {
                    record: name.clone(),
                    source: Box::new(source),
                })?;
                samples.extend(prepared.samples);
                valid.push(prepared.valid);
            }
            let shape = (batch.len(), contract.leads.len(), contract.samples);
            values.extend(read(&Tensor::from_vec(samples, shape, &Device::Cpu)?, &valid)?);
        }
        Ok(values)
    }
}

/// The classes that a resolved experiment names.
fn classes(experiment: &SupervisedExperiment) -> &[String] {
    experiment.classifier.classes.as_deref().unwrap_or_default()
}

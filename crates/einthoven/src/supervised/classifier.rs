//! A trained classifier, opened from a run.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use einthoven_eval::Embeddings;
use einthoven_eval::metrics::ScoreTable;
use einthoven_models::Classifier as Network;
use einthoven_nn::Parameters;
use einthoven_random::Streams;
use einthoven_signal::{InputContract, Record};
use einthoven_train::Checkpoint;

use super::SupervisedExperiment;
use crate::{Error, Result};

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
}

/// Numbers of the recordings that the contract could prepare.
pub(super) struct Read {
    /// Their places among those given.
    pub kept: Vec<usize>,
    /// Their numbers, a recording's side by side.
    pub values: Vec<f64>,
    /// The places of the others, with the reason.
    pub refused: Vec<(usize, einthoven_signal::Error)>,
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
        Ok(Self { checkpoint, experiment, parameters, network })
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
        let values = whole(self.read(records, |signals, valid| self.network.probabilities(signals, valid))?, records)?;
        let names = records.iter().map(|(name, _)| name.clone()).collect();
        Ok(ScoreTable::new(names, self.classes().to_vec(), values)?)
    }

    /// Embeds recordings that the input contract can prepare: the encoder's pooled vectors, `[recordings, width]`, not scaled
    /// to length one.
    ///
    /// # Errors
    /// As [`Classifier::scores`].
    pub fn embed(&self, records: &[(String, Record)]) -> Result<Embeddings> {
        let values = whole(self.read(records, |signals, valid| self.network.embed(signals, valid))?, records)?;
        let data = values.into_iter().map(|value| value as f32).collect::<Vec<_>>();
        Ok(Embeddings::new(records.len(), data.len() / records.len().max(1), data)?)
    }

    /// What `read` makes of the recordings that the contract can prepare.
    pub(super) fn read(
        &self,
        records: &[(String, Record)],
        read: impl Fn(&Tensor, &[usize]) -> einthoven_models::Result<Vec<f64>>,
    ) -> Result<Read> {
        let contract = self.contract();
        let mut result = Read { kept: Vec::new(), values: Vec::new(), refused: Vec::new() };
        for (number, batch) in records.chunks(BATCH).enumerate() {
            let (mut samples, mut valid) = (Vec::new(), Vec::new());
            for (place, (_, record)) in batch.iter().enumerate() {
                match contract.prepare(record) {
                    Ok(prepared) => {
                        samples.extend(prepared.samples);
                        valid.push(prepared.valid);
                        result.kept.push(number * BATCH + place);
                    }
                    Err(error) => result.refused.push((number * BATCH + place, error)),
                }
            }
            if valid.is_empty() {
                continue;
            }
            let shape = (valid.len(), contract.leads.len(), contract.samples);
            result.values.extend(read(&Tensor::from_vec(samples, shape, &Device::Cpu)?, &valid)?);
        }
        Ok(result)
    }
}

/// The classes that a resolved experiment names.
fn classes(experiment: &SupervisedExperiment) -> &[String] {
    experiment.classifier.classes.as_deref().unwrap_or_default()
}

/// The numbers of all recordings; an error for the first that was refused.
fn whole(read: Read, records: &[(String, Record)]) -> Result<Vec<f64>> {
    match read.refused.into_iter().next() {
        None => Ok(read.values),
        Some((place, source)) => {
            let record = records.get(place).map(|(name, _)| name.clone()).unwrap_or_default();
            Err(Error::from(einthoven_eval::Error::Record { record, source: Box::new(source) }))
        }
    }
}

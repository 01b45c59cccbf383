//! The signal encoder that another run or an import has trained.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use einthoven_models::{ChannelNorm, Classifier as Network, ConvNextConfig, Mode, SignalConfig};
use einthoven_nn::Parameters;
use einthoven_signal::InputContract;
use einthoven_train::Checkpoint;

use super::{Classifier, SupervisedExperiment};
use crate::run::describe_step;
use crate::{Encoder, Error, Experiment, Result};

/// What the names of ESI's signal encoder begin with.
const ESI_ENCODER: &str = "img_encoder.";
/// A head that an ESI of `paper` mode carries and does not use.
const DEAD_HEAD: &str = "head.";

/// A trained signal encoder.
#[derive(Debug)]
pub struct Start {
    signal: SignalConfig,
    contract: InputContract,
    tensors: HashMap<String, Tensor>,
    /// Where it comes from, in words.
    pub about: String,
}

impl Start {
    /// The encoder of an import, of a classifier's run or of a pretraining run.
    ///
    /// # Errors
    /// Those of opening the folder.
    pub fn open(path: &Path) -> Result<Self> {
        let about = |what: String| format!("{}, {what}", path.display());
        if Encoder::is_at(path) {
            let encoder = Encoder::open(path)?;
            return Ok(Self {
                signal: encoder.signal().clone(),
                tensors: encoder.parameters.tensors().into_iter().collect(),
                about: about(encoder.system),
                contract: encoder.contract,
            });
        }
        let checkpoint = Checkpoint::open(path)?;
        let (signal, prefix) = if SupervisedExperiment::is_in(checkpoint.config()) {
            (Classifier::open(path)?.network.config().signal.clone(), Network::ENCODER)
        } else {
            let config = checkpoint.folder().join("config.toml");
            (encoder_of(&Experiment::parse(&config, checkpoint.config(), &[])?), ESI_ENCODER)
        };
        let tensors = checkpoint.model_tensors(&Device::Cpu)?.into_iter().filter_map(|(name, tensor)| {
            let name = name.strip_prefix(prefix)?;
            let is_dead = prefix == ESI_ENCODER && name.starts_with(DEAD_HEAD);
            (!is_dead).then(|| (name.to_owned(), tensor))
        });
        Ok(Self {
            signal,
            tensors: tensors.collect(),
            contract: checkpoint.contract().clone(),
            about: about(describe_step(&checkpoint)),
        })
    }

    /// Fills in what `experiment` leaves to the encoder.
    ///
    /// # Errors
    /// [`Error::Setting`] for another encoder, other leads or another sampling rate than it was trained with.
    pub fn resolve(&self, experiment: &mut SupervisedExperiment) -> Result<()> {
        let signal = experiment.classifier.signal.get_or_insert_with(|| self.signal.clone());
        if *signal != self.signal {
            let message = "is another encoder than that of start_from; leave it out";
            return Err(Error::setting("classifier.signal", message));
        }
        let contract = experiment.contract.get_or_insert_with(|| self.contract.clone());
        if contract.leads != self.contract.leads || contract.sampling_rate != self.contract.sampling_rate {
            let message = "has other leads or another sampling rate than the encoder of start_from was trained with; \
                           leave it out to take that contract";
            return Err(Error::setting("contract", message));
        }
        Ok(())
    }

    /// Gives the encoder of a classifier its weights.
    ///
    /// # Errors
    /// [`Error::Setting`] names the weights that do not fit.
    pub fn load_into(&self, parameters: &Parameters) -> Result<()> {
        let setting = |message: String| Error::setting("start_from", message);
        let unwanted =
            parameters.load_matching(Network::ENCODER, &self.tensors).map_err(|error| setting(error.to_string()))?;
        match unwanted.first() {
            Some(name) => Err(setting(format!("{}: {name} is no part of its encoder", self.about))),
            None => Ok(()),
        }
    }
}

/// The signal encoder of an ESI, the norm that its mode implies spelt out.
fn encoder_of(experiment: &Experiment) -> SignalConfig {
    match &experiment.model.signal {
        SignalConfig::ConvNext(config) => {
            let norm = match experiment.model.mode {
                Mode::Paper => ChannelNorm::Time,
                Mode::Corrected => ChannelNorm::Channels,
            };
            SignalConfig::ConvNext(ConvNextConfig { norm: Some(config.norm.unwrap_or(norm)), ..*config })
        }
        other => other.clone(),
    }
}

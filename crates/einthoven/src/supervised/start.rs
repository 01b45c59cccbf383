//! The signal encoder that another run or an import has trained.

use std::collections::HashMap;
use std::path::Path;

use candle_core::Tensor;
use einthoven_models::{ChannelNorm, Classifier as Network, ConvNextConfig, EsiConfig, Mode, SignalConfig};
use einthoven_nn::Parameters;
use einthoven_signal::InputContract;

use super::{Classifier, SupervisedExperiment};
use crate::run::describe_step;
use crate::{Encoder, Error, Result, Trained};

/// What the names of ESI's signal encoder begin with.
const ESI_ENCODER: &str = "img_encoder.";
/// A head that an ESI of `paper` mode carries and does not use.
const DEAD_HEAD: &str = "head.";

/// A trained signal encoder.
#[derive(Debug)]
pub struct Start {
    /// Its shape.
    pub signal: SignalConfig,
    /// What it is fed.
    pub contract: InputContract,
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
        Ok(match Trained::open(path)? {
            Trained::Model(model) => {
                let (config, contract) = (&model.experiment.model, model.checkpoint.contract());
                Self::of_esi(config, &model.parameters, contract, about(describe_step(&model.checkpoint)))
            }
            Trained::Encoder(encoder) => Self::of_encoder(&encoder, about(encoder.system.clone())),
            Trained::Classifier(classifier) => {
                Self::of_classifier(&classifier, about(describe_step(&classifier.checkpoint)))
            }
        })
    }

    /// The signal encoder of an ESI.
    pub fn of_esi(config: &EsiConfig, parameters: &Parameters, contract: &InputContract, about: String) -> Self {
        let mut tensors = below(ESI_ENCODER, parameters);
        tensors.retain(|name, _| !name.starts_with(DEAD_HEAD));
        Self { signal: encoder_of(config), tensors, contract: contract.clone(), about }
    }

    /// An import.
    pub fn of_encoder(encoder: &Encoder, about: String) -> Self {
        let tensors = below("", &encoder.parameters);
        Self { signal: encoder.signal().clone(), tensors, contract: encoder.contract.clone(), about }
    }

    /// The signal encoder of a classifier.
    pub fn of_classifier(classifier: &Classifier, about: String) -> Self {
        Self {
            signal: classifier.network.config().signal.clone(),
            tensors: below(Network::ENCODER, &classifier.parameters),
            contract: classifier.contract().clone(),
            about,
        }
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

/// The tensors whose names begin with `prefix`, by the rest of their names.
fn below(prefix: &str, parameters: &Parameters) -> HashMap<String, Tensor> {
    let tensors = parameters.tensors().into_iter();
    tensors.filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor))).collect()
}

/// The signal encoder of an ESI, the norm that its mode implies spelt out.
fn encoder_of(config: &EsiConfig) -> SignalConfig {
    match &config.signal {
        SignalConfig::ConvNext(convnext) => {
            let norm = match config.mode {
                Mode::Paper => ChannelNorm::Time,
                Mode::Corrected => ChannelNorm::Channels,
            };
            SignalConfig::ConvNext(ConvNextConfig { norm: Some(convnext.norm.unwrap_or(norm)), ..*convnext })
        }
        other => other.clone(),
    }
}

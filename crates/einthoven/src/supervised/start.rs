//! The signal encoder that another run or an import has trained.

use std::collections::HashMap;
use std::path::Path;

use candle_core::Tensor;
use einthoven_models::{ChannelNorm, Classifier as Network, ConvNextConfig, EsiConfig, Mode, SignalConfig};
use einthoven_nn::Parameters;
use einthoven_signal::InputContract;

use super::{Classifier, SupervisedExperiment};
use crate::run::describe_step;
use crate::{Encoder, Error, Experiment, Result, Trained};

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
    /// Whether a folder holds an import or a classifier's run, of which pretraining can take the signal encoder and no more.
    pub fn is_encoder_alone(path: &Path) -> bool {
        Encoder::is_at(path) || Classifier::is_at(path)
    }

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
        if !self.takes(contract) {
            let message = "has other leads or another sampling rate than the encoder of start_from was trained with; \
                           leave it out to take that contract";
            return Err(Error::setting("contract", message));
        }
        Ok(())
    }

    /// Gives the signal encoder of an ESI, whose parameters these are, its weights.
    ///
    /// # Errors
    /// [`Error::Setting`] if `experiment` has another encoder, other leads or another sampling rate than it was trained with.
    pub fn load_into_esi(&self, parameters: &Parameters, experiment: &Experiment) -> Result<()> {
        let own = spelt_out(&self.signal, ChannelNorm::Channels);
        if encoder_of(&experiment.model) != own {
            let shape =
                toml::Value::try_from(&own).map_err(|error| Error::setting("model.signal", error.to_string()))?;
            let message = format!("is another encoder than that of start_from; make it {shape}");
            return Err(Error::setting("model.signal", message));
        }
        if !self.takes(&experiment.contract) {
            let (leads, rate) = (&self.contract.leads, self.contract.sampling_rate);
            let leads: Vec<String> = leads.iter().map(ToString::to_string).collect();
            let message = format!(
                "has other leads or another sampling rate than the encoder of start_from was trained with: {} at {rate} Hz",
                leads.join(", ")
            );
            return Err(Error::setting("contract", message));
        }
        self.load_into(parameters, ESI_ENCODER)
    }

    /// Whether recordings prepared for `contract` have the leads and the sampling rate that it was trained with.
    fn takes(&self, contract: &InputContract) -> bool {
        contract.leads == self.contract.leads && contract.sampling_rate == self.contract.sampling_rate
    }

    /// Gives the encoder below `prefix` its weights.
    ///
    /// # Errors
    /// [`Error::Setting`] names the weights that do not fit.
    pub fn load_into(&self, parameters: &Parameters, prefix: &str) -> Result<()> {
        let setting = |message: String| Error::setting("start_from", message);
        let unwanted = parameters.load_matching(prefix, &self.tensors).map_err(|error| setting(error.to_string()))?;
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
    let norm = match config.mode {
        Mode::Paper => ChannelNorm::Time,
        Mode::Corrected => ChannelNorm::Channels,
    };
    spelt_out(&config.signal, norm)
}

/// A signal encoder whose norm is `norm` where its configuration leaves that open.
fn spelt_out(signal: &SignalConfig, norm: ChannelNorm) -> SignalConfig {
    match signal {
        SignalConfig::ConvNext(convnext) => {
            SignalConfig::ConvNext(ConvNextConfig { norm: Some(convnext.norm.unwrap_or(norm)), ..*convnext })
        }
        other => other.clone(),
    }
}

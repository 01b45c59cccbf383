//! The experiment file of a supervised run.

use std::path::PathBuf;

use einthoven_corpus::AugmentConfig;
use einthoven_eval::bootstrap::BootstrapConfig;
use einthoven_models::{ClassifierConfig, CropConfig, HeadConfig, SignalConfig};
use einthoven_signal::InputContract;
use einthoven_train::TrainConfig;
use serde::{Deserialize, Serialize};

use crate::overrides::experiment_file;
use crate::{DataConfig, Error, Result};

/// A supervised experiment: data, classifier, training and judgement, from one TOML file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupervisedExperiment {
    /// What the run is called; names its folder.
    pub name: String,
    /// The seed of every random stream of the run.
    #[serde(default)]
    pub seed: u64,
    /// The run or the imported encoder whose signal encoder this one begins with; of a classifier's run the head is left behind.
    /// Absent: the encoder begins with new weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_from: Option<PathBuf>,
    /// The recordings; their captions are not asked for.
    pub data: DataConfig,
    /// What the model is fed. Absent: what the encoder of `start_from` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<InputContract>,
    /// How training recordings are varied. Absent: not at all.
    #[serde(default = "AugmentConfig::none")]
    pub augment: AugmentConfig,
    /// The classifier.
    pub classifier: ClassifierTable,
    /// How it is trained.
    pub train: TrainConfig,
    /// How it is judged.
    #[serde(default)]
    pub evaluate: SupervisedEvaluate,
}

/// The classifier of a supervised experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierTable {
    /// The label set that it learns. Records without a class of it are left out, as in the PTB-XL benchmark.
    pub labels: String,
    /// The classes of it. Absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// The signal encoder. Absent: that of `start_from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<SignalConfig>,
    /// What reads the classes off the encoder's pooled vector.
    #[serde(default)]
    pub head: HeadConfig,
    /// The crops that a recording is seen in. Absent: it is seen whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop: Option<CropConfig>,
}

/// How a supervised run is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SupervisedEvaluate {
    /// How the intervals are made.
    pub bootstrap: BootstrapConfig,
}

experiment_file!(SupervisedExperiment, |text| {
    (!SupervisedExperiment::is_in(text) && text.parse::<toml::Table>().is_ok())
        .then_some("has no [classifier]; `einthoven pretrain` carries out an experiment without one")
});

impl SupervisedExperiment {
    /// Whether the text of a resolved experiment is that of a supervised one.
    pub(crate) fn is_in(text: &str) -> bool {
        text.parse::<toml::Table>().is_ok_and(|table| table.contains_key("classifier"))
    }

    /// What the model is fed.
    pub(crate) fn contract(&self) -> Result<&InputContract> {
        let missing = || Error::setting("contract", "say what the model is fed, or start_from a run that does");
        self.contract.as_ref().ok_or_else(missing)
    }

    /// The shape of the network.
    pub(crate) fn network(&self) -> Result<ClassifierConfig> {
        let ClassifierTable { signal, head, crop, .. } = &self.classifier;
        let missing = || {
            let message =
                "name a signal encoder, such as signal = { kind = \"xresnet\" }, or start_from a run with one";
            Error::setting("classifier.signal", message)
        };
        Ok(ClassifierConfig { signal: signal.clone().ok_or_else(missing)?, head: head.clone(), crop: *crop })
    }
}

//! The experiment file: the whole truth of a run.

use std::path::PathBuf;

use einthoven_corpus::{
    AugmentConfig, CaptionConfig, DatasetOptions, LoaderConfig, OnError, SimulatedConfig, SplitConfig,
};
use einthoven_eval::bootstrap::BootstrapConfig;
use einthoven_models::{EsiConfig, TextSource};
use einthoven_signal::InputContract;
use einthoven_train::TrainConfig;
use serde::{Deserialize, Serialize};

use crate::SupervisedExperiment;
use crate::overrides::experiment_file;

/// An experiment: data, model, training and judgement, from one TOML file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// What the run is called; names its folder.
    pub name: String,
    /// The seed of every random stream of the run.
    #[serde(default)]
    pub seed: u64,
    /// The run, or the checkpoint, whose weights this one begins with: a model of the same shape and vocabulary; or an import or a
    /// classifier's run, which gives its signal encoder alone. Absent: it begins with new weights, but for a pretrained text encoder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_from: Option<PathBuf>,
    /// The recordings and their captions.
    pub data: DataConfig,
    /// What the model is fed.
    pub contract: InputContract,
    /// How training recordings are varied.
    #[serde(default)]
    pub augment: AugmentConfig,
    /// Where the words come from.
    #[serde(default)]
    pub text: TextConfig,
    /// The model.
    #[serde(default)]
    pub model: EsiConfig,
    /// How it is trained.
    pub train: TrainConfig,
    /// How it is judged.
    pub evaluate: EvaluateConfig,
}

/// The recordings of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// A dataset card by its name (`einthoven data list`) or file, or a folder of shards.
    pub dataset: String,
    /// The folder of the data: as it stands, or below `$EINTHOVEN_DATA`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
    /// The sampling rate to take recordings at, in Hz, where a dataset offers several; the highest by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// A file of folds (`einthoven data split` writes one) that take the place of the dataset's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<PathBuf>,
    /// The cohort, where it is simulated.
    #[serde(default)]
    pub simulated: SimulatedConfig,
    /// Which folds serve for what; the card's recommendation by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub splits: Option<SplitConfig>,
    /// How captions are made.
    #[serde(default)]
    pub caption: CaptionConfig,
    /// Threads that prepare recordings beside training.
    #[serde(default = "one")]
    pub workers: usize,
    /// Keep recordings in memory once they are read.
    #[serde(default)]
    pub cache: bool,
    /// What happens to a recording that cannot be prepared.
    #[serde(default)]
    pub on_error: OnError,
}

fn one() -> usize {
    1
}

impl DataConfig {
    /// The whole of a dataset, with nothing else said.
    pub fn of(dataset: impl Into<String>) -> Self {
        Self {
            dataset: dataset.into(),
            root: None,
            rate: None,
            folds: None,
            simulated: SimulatedConfig::default(),
            splits: None,
            caption: CaptionConfig::default(),
            workers: one(),
            cache: false,
            on_error: OnError::default(),
        }
    }

    /// How the dataset is opened.
    pub fn options(&self) -> DatasetOptions {
        DatasetOptions { rate: self.rate, folds: self.folds.clone(), simulated: self.simulated.clone() }
    }

    /// How batches of `batch_size` are made.
    pub fn loader(&self, batch_size: usize) -> LoaderConfig {
        LoaderConfig {
            batch_size,
            workers: self.workers,
            cache: self.cache,
            on_error: self.on_error,
            ..LoaderConfig::default()
        }
    }
}

/// Where the text encoder and its vocabulary come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TextConfig {
    /// A pretrained text encoder. Absent: one of `model.text`'s shape starts from scratch, with a WordPiece vocabulary
    /// trained on the captions of the training recordings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pretrained: Option<TextSource>,
    /// The largest vocabulary that is trained from scratch.
    pub vocabulary: usize,
}

impl Default for TextConfig {
    fn default() -> Self {
        Self { pretrained: None, vocabulary: 4000 }
    }
}

/// How a run is judged, while it trains and in the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluateConfig {
    /// The label set.
    pub labels: String,
    /// The prompts that put the labels into words: the name of a set that comes with the program, or a TOML file.
    pub prompts: String,
    /// How the intervals are made.
    #[serde(default)]
    pub bootstrap: BootstrapConfig,
}

experiment_file!(Experiment, |text| {
    SupervisedExperiment::is_in(text)
        .then_some("is a supervised experiment ([classifier]); `einthoven finetune` carries it out")
});

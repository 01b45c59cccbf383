//! What can be published.

use std::path::Path;

use einthoven_nn::Parameters;
use einthoven_train::{Checkpoint, TrainConfig};
use serde_json::json;

use crate::{Classifier, DataConfig, Error, Model, Result, Trained};

/// A run of one's own.
pub(crate) enum Publishable {
    Model(Box<Model>),
    Classifier(Box<Classifier>),
}

impl Publishable {
    pub fn open(run: &Path) -> Result<Self> {
        match Trained::open(run)? {
            Trained::Model(model) => Ok(Self::Model(model)),
            Trained::Classifier(classifier) => Ok(Self::Classifier(classifier)),
            Trained::Encoder(encoder) => {
                let message = format!("holds {}, which is its authors' to publish; runs are published", encoder.system);
                Err(Error::setting(run.display().to_string(), message))
            }
        }
    }

    pub fn checkpoint(&self) -> &Checkpoint {
        match self {
            Self::Model(model) => &model.checkpoint,
            Self::Classifier(classifier) => &classifier.checkpoint,
        }
    }

    pub fn parameters(&self) -> &Parameters {
        match self {
            Self::Model(model) => &model.parameters,
            Self::Classifier(classifier) => &classifier.parameters,
        }
    }

    /// What the experiment is called.
    pub fn name(&self) -> &str {
        match self {
            Self::Model(model) => &model.experiment.name,
            Self::Classifier(classifier) => &classifier.experiment.name,
        }
    }

    pub fn seed(&self) -> u64 {
        match self {
            Self::Model(model) => model.experiment.seed,
            Self::Classifier(classifier) => classifier.experiment.seed,
        }
    }

    pub fn data(&self) -> &DataConfig {
        match self {
            Self::Model(model) => &model.experiment.data,
            Self::Classifier(classifier) => &classifier.experiment.data,
        }
    }

    pub fn train(&self) -> &TrainConfig {
        match self {
            Self::Model(model) => &model.experiment.train,
            Self::Classifier(classifier) => &classifier.experiment.train,
        }
    }

    /// The run or import that it started from.
    pub fn start_from(&self) -> Option<&Path> {
        match self {
            Self::Model(model) => model.experiment.start_from.as_deref(),
            Self::Classifier(classifier) => classifier.experiment.start_from.as_deref(),
        }
    }

    /// The model's shape, for programs that do not read TOML.
    pub fn shape(&self) -> Result<serde_json::Value> {
        let failed = |error: serde_json::Error| Error::setting("model", error.to_string());
        Ok(match self {
            Self::Model(model) => {
                let config = serde_json::to_value(model.network.config()).map_err(failed)?;
                json!({ "model_type": "esi", "library_name": "einthoven", "model": config })
            }
            Self::Classifier(classifier) => {
                let config = serde_json::to_value(classifier.network.config()).map_err(failed)?;
                json!({
                    "model_type": "ecg-classifier",
                    "library_name": "einthoven",
                    "model": config,
                    "leads": classifier.network.leads(),
                    "labels": classifier.labels(),
                    "classes": classifier.classes(),
                })
            }
        })
    }
}

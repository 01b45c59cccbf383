//! Trained networks of every kind, opened from their folders.

use std::path::Path;

use einthoven_eval::Embeddings;
use einthoven_signal::Record;

use crate::fingerprint::fingerprint;
use crate::{Classifier, Encoder, Error, Model, Pair, Result};

/// What the folder of a run, of a checkpoint or of an import holds.
#[derive(Debug)]
pub enum Trained {
    /// A pretrained model.
    Model(Box<Model>),
    /// An imported encoder.
    Encoder(Box<Encoder>),
    /// A classifier.
    Classifier(Box<Classifier>),
}

impl Trained {
    /// Opens a run folder (its best checkpoint, else its last; `RUN@last` and `RUN@best` choose), a checkpoint folder or the folder of an
    /// import.
    ///
    /// # Errors
    /// Names the file that is missing, cut short, or from another version.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(if Encoder::is_at(path) {
            Self::Encoder(Box::new(Encoder::open(path)?))
        } else if Classifier::is_at(path) {
            Self::Classifier(Box::new(Classifier::open(path)?))
        } else {
            Self::Model(Box::new(Model::open(path)?))
        })
    }

    /// The same network with fresh weights of `seed`, as a baseline.
    ///
    /// # Errors
    /// Those of building the network.
    pub(crate) fn with_fresh_weights(self, seed: u64) -> Result<Self> {
        Ok(match self {
            Self::Model(model) => Self::Model(Box::new(model.with_fresh_weights(seed)?)),
            Self::Encoder(encoder) => Self::Encoder(Box::new(encoder.with_fresh_weights(seed)?)),
            Self::Classifier(classifier) => Self::Classifier(Box::new(classifier.with_fresh_weights(seed)?)),
        })
    }

    /// Embeds recordings of any leads, rate and length that the input contract can prepare.
    ///
    /// # Errors
    /// Names the recording and what the contract lacks in it.
    pub fn embed(&self, records: &[(String, Record)]) -> Result<Embeddings> {
        match self {
            Self::Model(model) => model.embed(records),
            Self::Encoder(encoder) => encoder.embed(records),
            Self::Classifier(classifier) => classifier.embed(records),
        }
    }

    /// What answers texts.
    ///
    /// # Errors
    /// [`Error::Setting`] for a network that reads no texts.
    pub fn pair(&self) -> Result<Pair<'_>> {
        match self {
            Self::Model(model) => Ok(model.pair()),
            Self::Encoder(encoder) => encoder.pair().ok_or_else(|| {
                let message = "is a signal encoder without a text tower, which answers no texts and writes none; \
                               `einthoven embed` gives its embeddings, for a linear probe";
                Error::setting(encoder.system.clone(), message)
            }),
            Self::Classifier(classifier) => {
                let message = "is a classifier, which reads no texts and writes none; `einthoven evaluate` judges it \
                               and `einthoven embed` gives its embeddings";
                Err(Error::setting(classifier.experiment.name.clone(), message))
            }
        }
    }

    /// SHA-256 of all that decides its embeddings: its input contract and its weights.
    ///
    /// # Errors
    /// [`Error::Setting`] if its contract cannot be written as JSON.
    pub fn fingerprint(&self) -> Result<String> {
        match self {
            Self::Model(model) => fingerprint(model.checkpoint.contract(), &[&model.parameters]),
            Self::Encoder(encoder) => encoder.fingerprint(),
            Self::Classifier(classifier) => fingerprint(classifier.contract(), &[&classifier.parameters]),
        }
    }
}
